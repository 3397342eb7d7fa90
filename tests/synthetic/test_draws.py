"""Draws have the distributions they name, and depend on row, seed and name only."""

import pytest
from pyspark.sql import functions as F

from penstock.synthetic.draws import NOTHING, Draws, clip, nearest

ROWS = 20_000
DRAWS = Draws("loan", 1)


@pytest.fixture(scope="module")
def moments(spark):
    first, second, bell = DRAWS.uniform("a"), DRAWS.uniform("b"), DRAWS.normal("c")
    picked = DRAWS.pick("d", {"x": 5, "y": 3, NOTHING: 2})
    measures = {
        "mean": F.mean(first),
        "variance": F.variance(first),
        "lowest": F.min(first),
        "highest": F.max(first),
        "names": F.corr(first, second),
        "seeds": F.corr(first, Draws("loan", 2).uniform("a")),
        "tables": F.corr(first, Draws("application", 1).uniform("a")),
        "neighbours": F.corr(first, DRAWS.uniform("a") * 0 + _next_row()),
        "bell_mean": F.mean(bell),
        "bell_variance": F.variance(bell),
        "bell_tail": F.mean((bell > 1.6449).cast("double")),
        "exponential": F.mean(DRAWS.exponential("e")),
        "x": F.mean(picked.eqNullSafe("x").cast("double")),
        "unpicked": F.mean(picked.isNull().cast("double")),
        "kinds": F.count_distinct(DRAWS.one_of("f", ("p", "q", "r"))),
    }
    rows = spark.range(ROWS).withColumn("next", F.col("id") + 1)
    [row] = rows.select(*[value.alias(name) for name, value in measures.items()]).collect()
    return row


def _next_row():
    stream = F.lit("loan/1/a")
    bits = F.shiftrightunsigned(F.xxhash64(stream, F.col("next")), 12)
    return (bits + F.lit(0.5)) * F.lit(2.0**-52)


# Tolerances below are about four standard errors at 20,000 rows.


def test_uniform_draws_fill_the_open_interval_evenly(moments):
    assert moments["mean"] == pytest.approx(0.5, abs=0.009)
    assert moments["variance"] == pytest.approx(1 / 12, abs=0.0025)
    assert 0.0 < moments["lowest"] < 0.001 and 0.999 < moments["highest"] < 1.0


@pytest.mark.parametrize("other", ["names", "seeds", "tables", "neighbours"])
def test_a_draw_knows_nothing_of_another_name_seed_table_or_row(moments, other):
    assert abs(moments[other]) < 0.03


def test_normal_draws_have_mean_0_variance_1_and_the_right_tail(moments):
    assert moments["bell_mean"] == pytest.approx(0.0, abs=0.03)
    assert moments["bell_variance"] == pytest.approx(1.0, abs=0.04)
    assert moments["bell_tail"] == pytest.approx(0.05, abs=0.007)


def test_exponential_draws_have_mean_1(moments):
    assert moments["exponential"] == pytest.approx(1.0, abs=0.03)


def test_picks_keep_their_shares_and_leave_the_rest_null(moments):
    assert moments["x"] == pytest.approx(0.5, abs=0.015)
    assert moments["unpicked"] == pytest.approx(0.2, abs=0.012)
    assert moments["kinds"] == 3


def test_clip_moves_only_what_lies_outside(spark):
    values = spark.createDataFrame([(-1.0,), (0.0,), (0.5,), (2.0,)], "x DOUBLE")
    clipped = [row.x for row in values.select(clip(F.col("x"), 0.0, 1.0).alias("x")).collect()]
    assert clipped == [0.0, 0.0, 0.5, 1.0]


def test_the_nearest_whole_number_of_a_half_is_the_one_above(spark):
    values = spark.createDataFrame([(1.49,), (1.5,), (-1.5,), (7.0,)], "x DOUBLE")
    assert [row.x for row in values.select(nearest(F.col("x")).alias("x")).collect()] == [
        1,
        2,
        -1,
        7,
    ]
