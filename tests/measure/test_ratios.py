"""Measures of predicted ratios, against scipy, scikit-learn, and pairs counted one by one."""

import math

import numpy as np
import pytest
from scipy.stats import somersd, spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from penstock.errors import DataError
from penstock.measure import ratios
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import gini
from penstock.measure.ratio_counts import RatioCounts, count_by_ratio

RANDOM = np.random.default_rng(3)
REALISED = np.round(np.clip(RANDOM.beta(0.4, 0.6, 500), 0, 1), 1)
PREDICTED = np.round(np.clip(0.5 * REALISED + 0.5 * RANDOM.random(500), 0, 1), 1)
COUNTS = RatioCounts.of(PREDICTED, REALISED)


def test_errors_and_explained_share_equal_scikit_learns():
    assert ratios.rmse(COUNTS) == pytest.approx(root_mean_squared_error(REALISED, PREDICTED))
    assert ratios.mae(COUNTS) == pytest.approx(mean_absolute_error(REALISED, PREDICTED))
    assert ratios.r_squared(COUNTS) == pytest.approx(r2_score(REALISED, PREDICTED))


def test_ranking_equals_scipys_with_ties():
    assert ratios.rank_correlation(COUNTS) == pytest.approx(spearmanr(PREDICTED, REALISED)[0])
    # scipy's D is of its second argument by its first: pairs that differ in the first count.
    assert ratios.somers_d(COUNTS) == pytest.approx(somersd(REALISED, PREDICTED).statistic)


def test_with_two_outcomes_somers_d_is_the_gini():
    is_bad = REALISED > 0.5
    found = ratios.somers_d(RatioCounts.of(PREDICTED, is_bad))
    assert found == pytest.approx(gini(ScoreCounts.of(PREDICTED, is_bad)))


def test_ranks_run_from_minus_one_to_one():
    y = [0.1, 0.2, 0.7]
    for x, expected in ((y, 1), (y[::-1], -1)):
        counts = RatioCounts.of(x, y)
        assert ratios.somers_d(counts) == ratios.rank_correlation(counts) == pytest.approx(expected)


def test_what_is_undefined_is_none():
    same = RatioCounts.of([0.1, 0.3], [0.5, 0.5])
    assert ratios.r_squared(same) is None
    assert ratios.somers_d(same) is None
    assert ratios.rank_correlation(same) is None
    assert ratios.skill(same, benchmark=0.5, level=0.95) is None
    one = RatioCounts.of([0.1], [0.4])
    assert (ratios.rmse(one), ratios.r_squared(one)) == (pytest.approx(0.3), None)


def test_the_skill_is_the_share_of_the_benchmarks_error_that_is_saved():
    found = ratios.skill(COUNTS, benchmark=0.4, level=0.95)
    of_model, alone = (REALISED - PREDICTED) ** 2, (REALISED - 0.4) ** 2
    assert found.value == pytest.approx(1 - of_model.mean() / alone.mean())
    draws = RANDOM.integers(0, 500, (4000, 500))
    spread = (1 - of_model[draws].mean(1) / alone[draws].mean(1)).std()
    # 4,000 bootstrap draws know their spread to 2 %; the rest is the expansion to first order.
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.08)
    assert found.low < found.value < found.high
    nothing = ratios.skill(RatioCounts.of(PREDICTED * 0 + 0.4, REALISED), benchmark=0.4, level=0.95)
    assert (nothing.value, nothing.low, nothing.high) == pytest.approx((0, 0, 0))


def test_a_mean_has_the_interval_of_its_standard_error():
    found = ratios.mean_interval(COUNTS, COUNTS.realised, level=0.95)
    half = 1.959964 * REALISED.std() / math.sqrt(500)
    assert (found.value, found.low) == pytest.approx((REALISED.mean(), REALISED.mean() - half))


def test_bins_hold_neighbours_and_equal_predictions_stay_together():
    bins = ratios.ratio_bins(COUNTS, bins=4, level=0.95)
    assert sum(b.loans for b in bins) == 500
    means = [b.predicted for b in bins]
    assert means == sorted(means)
    weighted = sum(b.loans * b.realised.value for b in bins) / 500
    assert weighted == pytest.approx(REALISED.mean())
    [only] = ratios.ratio_bins(RatioCounts.of([0.2] * 9, [0.1] * 9), bins=5, level=0.95)
    assert (only.loans, only.realised.low, only.realised.high) == (9, *[pytest.approx(0.1)] * 2)


def test_spark_counts_what_numpy_counts(spark):
    rows = list(zip(PREDICTED.tolist(), REALISED.tolist(), strict=True))
    counted = count_by_ratio(
        spark.createDataFrame(rows, "p DOUBLE, y DOUBLE").repartition(3),
        predicted="p",
        realised="y",
        decimals=2,
    )
    for name in ("predicted", "realised", "n"):
        assert (getattr(counted, name) == getattr(COUNTS, name)).all()


def test_ratios_that_cannot_be_measured_are_refused_all_at_once(spark):
    rows = [(None, 0.1), (float("nan"), 0.2), (0.3, 1.2), (0.3, -0.2), (0.5, 0.5)]
    with pytest.raises(DataError) as told:
        count_by_ratio(
            spark.createDataFrame(rows, "p DOUBLE, y DOUBLE"),
            predicted="p",
            realised="y",
            decimals=3,
        )
    assert "2 rows with p null, NaN or infinite; 2 rows with y outside 0-1" in str(told.value)
