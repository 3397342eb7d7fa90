import numpy as np
import pytest
from pyspark.errors import AnalysisException

from penstock.errors import DataError
from penstock.measure.counts import ScoreCounts, count_by_score, quantile_bins

COLUMNS = "pd DOUBLE, is_bad INT, vintage STRING"
BY_SCORE = {"score": "pd", "label": "is_bad", "by": None, "decimals": 6}


def test_spark_and_numpy_count_the_same(spark):
    random = np.random.default_rng(7)
    scores = random.integers(0, 40, 300) / 40
    labels = random.integers(0, 2, 300)
    rows = [(float(s), int(y), "v") for s, y in zip(scores, labels, strict=True)]
    counted = count_by_score(spark.createDataFrame(rows, COLUMNS), **BY_SCORE)
    expected = ScoreCounts.of(scores, labels)
    np.testing.assert_array_equal(counted.score, expected.score)
    np.testing.assert_array_equal(counted.n_good, expected.n_good)
    np.testing.assert_array_equal(counted.n_bad, expected.n_bad)
    assert counted.loans == 300


def test_groups_are_counted_apart_and_add_up(spark):
    rows = [(0.1, 0, "a"), (0.1, 1, None), (0.3, 0, "a"), (0.10000004, 0, "a")]
    counted = count_by_score(
        spark.createDataFrame(rows, COLUMNS), score="pd", label="is_bad", by="vintage", decimals=6
    )
    groups = counted.by_group()
    assert {name: (of.goods, of.bads) for name, of in groups.items()} == {
        "a": (3, 0),
        "unknown": (0, 1),
    }
    assert counted.total().score.tolist() == [0.1, 0.3]
    assert counted.total().n.tolist() == [3, 1]


def test_rows_that_cannot_be_measured_are_counted_in_the_error(spark):
    rows = [(None, 0, "a"), (float("nan"), 1, "a"), (0.1, None, "a"), (0.2, 2, "a"), (0.3, 1, "a")]
    with pytest.raises(DataError) as error:
        count_by_score(spark.createDataFrame(rows, COLUMNS), **BY_SCORE)
    assert str(error.value) == (
        "Cannot measure: 2 rows with pd null, NaN or infinite; 1 rows with is_bad null; "
        "1 rows with is_bad neither 0 nor 1. Keep such rows out before measuring."
    )


def test_a_missing_column_fails_before_any_job(spark):
    with pytest.raises(AnalysisException, match="is_bad"):
        count_by_score(spark.createDataFrame([], "pd DOUBLE"), **BY_SCORE)


def test_no_rows_are_no_counts(spark):
    counted = count_by_score(spark.createDataFrame([], COLUMNS), **BY_SCORE)
    assert (counted.loans, counted.by_group()) == (0, {})


def test_quantile_bins_hold_equally_many_loans():
    counts = ScoreCounts.of(np.arange(100) / 100, np.zeros(100))
    assert np.bincount(quantile_bins(counts, 10)).tolist() == [10] * 10


def test_equal_scores_stay_in_one_bin():
    counts = ScoreCounts.of([0.1] * 9 + [0.2], [0] * 10)
    assert quantile_bins(counts, 10).tolist() == [4, 9]
