"""The PD in the worst times of one factor, against the closed form; and bands of PD."""

import numpy as np
import pytest
from pyspark.sql import functions as F
from scipy.special import ndtri

from penstock.lending.pd_bands import upper_pd
from penstock.lending.tail_pd import add_tail_pd
from penstock.portfolio.loss_cells import LossCells
from penstock.portfolio.one_factor import analytic_risk, bivariate_normal

CORRELATIONS = {"car": 0.03, "house": 0.15, "boat": 0.15, "*": 0.6}
PDS = [1e-6, 1e-4, 0.003, 0.02, 0.11, 0.3, 0.5, 0.77, 0.999]
COLUMNS = "sector STRING, pd DOUBLE"


def tail_pds(spark, rows, level, correlations=CORRELATIONS):
    table = spark.createDataFrame(rows, COLUMNS)
    found = add_tail_pd(
        table, sector="sector", level=level, asset_correlations=correlations, name="tail_pd"
    )
    assert found.columns == ["sector", "pd", "tail_pd"]
    return [row.tail_pd for row in found.collect()]


@pytest.mark.parametrize("level", [0.75, 0.99, 0.9999])
def test_the_pd_in_the_worst_times_is_the_closed_form(spark, level):
    rows = [(sector, pd) for sector in ("car", "house", "plane", None) for pd in PDS]
    correlations = np.array([CORRELATIONS.get(sector, 0.6) for sector, _ in rows])
    pds = np.array([pd for _, pd in rows])
    joint = bivariate_normal(ndtri(pds), -ndtri(level), np.sqrt(correlations))
    found = tail_pds(spark, rows, level)
    assert found == pytest.approx(joint / (1 - level), rel=1e-9)
    assert (np.array(found) > pds).all()


def test_tail_losses_add_up_to_the_expected_shortfall_of_one_factor(spark):
    rows = [("car", 0.02), ("car", 0.3), ("house", 0.07)]
    lost = np.array([900.0, 120.0, 4_000.0])
    ones = np.ones(3)
    pds = np.array([pd for _, pd in rows])
    sectors = np.array([sector for sector, _ in rows])
    cells = LossCells(sectors, pds, ones, lost, lost**2, lost, lost**2, lost**2)
    risk = analytic_risk(cells, np.array([0.03, 0.03, 0.15]), 0.99)
    assert lost @ tail_pds(spark, rows, 0.99) == pytest.approx(risk.es, rel=1e-9)


def test_certain_and_unknown_pds_stay_what_they_are_and_so_do_unknown_sectors(spark):
    rows = [("car", 0.0), ("car", 1.0), ("car", None), ("plane", 0.1), (None, 0.1), ("none", 0.1)]
    named = {"car": 0.03, "none": 0.0}
    found = tail_pds(spark, rows, 0.99, named)
    assert found[:5] == [0.0, 1.0, None, None, None]
    assert found[5] == pytest.approx(0.1, rel=1e-15)  # no correlation: no times are bad


def test_bands_of_a_tenth_overstate_what_is_lost_in_the_worst_times_by_five_per_cent_at_most():
    odds = np.arange(-7.0, 3.0, 0.002)  # logarithms; a band is 50 of them
    pds = 1 / (1 + np.exp(-odds))
    for correlation in (0.03, 0.1, 0.3):
        joint = bivariate_normal(ndtri(pds), -ndtri(0.99), np.full(len(pds), correlation**0.5))
        upper, within = joint[50::50], joint[:-50].reshape(-1, 50).mean(axis=1)
        over = upper / within - 1
        assert over.min() > 0 and 0.03 < over.max() < 0.05  # noqa: PLR2004


def test_a_band_of_pd_is_told_by_a_pd_that_none_of_its_loans_exceed(spark):
    random = np.random.default_rng(1)
    pds = [
        *random.beta(1, 12, 300).clip(2e-3),
        *(1 / (1 + np.exp(-k / 10)) for k in range(-40, 40)),
    ]
    pds = [float(pd) for pd in pds]
    edges = [0.0, 1.0, 1e-9, 1 - 1e-9, None, float("nan")]
    table = spark.createDataFrame([(pd,) for pd in [*pds, *edges]], "pd DOUBLE")
    rows = table.select("pd", upper_pd(F.col("pd"), 0.1).alias("upper")).collect()
    upper = np.array([float(row.upper) for row in rows[: len(pds)]])
    odds = np.log(upper / (1 - upper)) - np.log(np.array(pds) / (1 - np.array(pds)))
    assert (upper >= pds).all() and odds.max() < 0.1 + 1e-3  # of the rounding of small PDs
    assert len(set(upper)) < 100
    assert [row.upper for row in rows[len(pds) :]] == [
        "0.000000", "1.000000", "0.000001", "1.000000", None, "1.000000",
    ]  # fmt: skip
