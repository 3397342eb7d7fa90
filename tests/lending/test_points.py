"""Points of a PD: the usual scale, by its closed form."""

from math import log

import pytest

from penstock.learn.scorecard.points import PointScale
from penstock.lending.points import points_of_pd

SCALE = PointScale(pdo=20.0, base_points=600.0, base_odds=50.0)


def test_points_are_those_of_the_odds_and_none_of_what_is_no_pd(spark):
    # Goods per bad of 50, 100, 25, 1; and what is at the ends, or beyond.
    pds = [1 / 51, 1 / 101, 1 / 26, 0.5, 1e-9, 0.0, 1.0, None, -0.1, 1.1, float("nan")]
    found = spark.createDataFrame([(pd,) for pd in pds], "pd DOUBLE").coalesce(1)
    points = [row[0] for row in found.select(points_of_pd(SCALE).alias("points")).collect()]
    assert points[:4] == [600, 620, 580, 487]
    # 487.122876 and 28.853901 by log-odds: Siddiqi's offset and factor.
    ends = 28.853901 * log(1e9)
    assert points[4:7] == [
        round(487.122876 + ends),
        round(487.122876 + ends),
        round(487.122876 - ends),
    ]
    assert points[7:] == [None] * 4


def test_more_points_are_a_smaller_pd(spark):
    pds = [n / 1000 for n in range(1, 1000)]
    found = spark.createDataFrame([(pd,) for pd in pds], "pd DOUBLE")
    rows = found.select("pd", points_of_pd(SCALE).alias("points")).collect()
    by_pd = [row.points for row in sorted(rows)]
    assert by_pd == sorted(by_pd, reverse=True)
    for row in rows:
        odds = 50 * 2 ** ((row.points - 600) / 20)
        # Half a point either way.
        assert (1 - row.pd) / row.pd == pytest.approx(odds, rel=2 ** (0.5 / 20) - 1 + 1e-9)
