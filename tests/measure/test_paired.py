import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics

from penstock.errors import DataError
from penstock.measure import paired
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import auc_interval
from penstock.measure.paired import PairCounts, count_by_pair, delong_difference
from tests.measure.hmeq import hmeq_scores

RANDOM = np.random.default_rng(6)
LABELS = RANDOM.integers(0, 2, 300)
# Few distinct scores, so that there are many ties; B is A with noise, so that both go together.
A = (RANDOM.normal(LABELS * 0.8, 1) * 4).round() / 4
B = (A + RANDOM.normal(0, 1, 300)).round(1)
COLUMNS = "a DOUBLE, b DOUBLE, is_bad INT"
BY_PAIR = {"score_a": "a", "score_b": "b", "label": "is_bad", "decimals": 3}


def delong_by_pairs(a, b, labels):
    """DeLong et al. (1988), equations 3 to 6, over all pairs of a bad and a good."""

    def wins(scores):
        bad, good = scores[labels == 1], scores[labels == 0]
        return (bad[:, None] > good) + 0.5 * (bad[:, None] == good)

    of_a, of_b = wins(a), wins(b)
    s10 = np.cov(of_a.mean(axis=1), of_b.mean(axis=1))
    s01 = np.cov(of_a.mean(axis=0), of_b.mean(axis=0))
    covariance = s10 / len(of_a) + s01 / len(of_a.T)
    contrast = np.array([1, -1])
    return of_a.mean() - of_b.mean(), np.sqrt(contrast @ covariance @ contrast)


def assert_equals_the_sum_over_pairs(found, a, b, labels):
    difference, error = delong_by_pairs(a, b, labels)
    assert found.difference == pytest.approx(difference, abs=1e-9)
    expected = (difference - norm.ppf(0.975) * error, difference + norm.ppf(0.975) * error)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(difference) / error), abs=1e-9)
    assert found.auc_a == pytest.approx(metrics.roc_auc_score(labels, a), abs=1e-9)
    assert found.auc_b == pytest.approx(metrics.roc_auc_score(labels, b), abs=1e-9)


def test_the_difference_equals_the_sum_over_all_pairs():
    found = delong_difference(PairCounts.of(A, B, LABELS), level=0.95)
    assert_equals_the_sum_over_pairs(found, A, B, LABELS)


def test_the_difference_of_real_scores_equals_the_sum_over_all_pairs():
    delinquencies, inquiries, labels = hmeq_scores("DELINQ", "NINQ")
    found = delong_difference(PairCounts.of(delinquencies, inquiries, labels), level=0.95)
    assert_equals_the_sum_over_pairs(found, delinquencies, inquiries, labels)


def test_against_a_constant_the_interval_is_that_of_the_auc_alone():
    found = delong_difference(PairCounts.of(A, A * 0, LABELS), level=0.95)
    expected = np.array(auc_interval(ScoreCounts.of(A, LABELS), level=0.95)) - 0.5
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_scores_that_rank_alike_do_not_differ():
    found = delong_difference(PairCounts.of(A, np.exp(A), LABELS), level=0.95)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_perfect_and_reversed_scores_differ_for_certain():
    found = delong_difference(PairCounts.of(LABELS, -LABELS, LABELS), level=0.95)
    assert (found.difference, found.p_value) == (1, 0)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
def test_fewer_than_two_of_a_class_have_no_test(labels):
    assert delong_difference(PairCounts.of([1, 2, 3], [3, 1, 2], labels), level=0.95) is None


def test_equal_scores_are_told_apart_as_often_as_the_level_says():
    random = np.random.default_rng(12)
    labels = np.repeat([0, 1], [150, 60])
    refused = 0
    for _ in range(400):
        common = random.normal(labels, 1)
        a, b = (common + random.normal(0, 0.5, 210) for _ in "ab")
        refused += delong_difference(PairCounts.of(a, b, labels), level=0.95).p_value < 0.05
    # Four standard errors of a share of 0.05 in 400 draws.
    assert refused / 400 == pytest.approx(0.05, abs=0.044)


def test_spark_counts_give_the_same_difference_by_rounded_scores(spark):
    rows = [(float(a), float(b), int(y)) for a, b, y in zip(A, B, LABELS, strict=True)]
    counted = count_by_pair(spark.createDataFrame(rows, COLUMNS).repartition(3), **BY_PAIR)
    assert len(counted.n_bad) == len({(a, b) for a, b, _ in rows})
    found = delong_difference(counted, level=0.95)
    expected = delong_difference(PairCounts.of(A, B, LABELS), level=0.95)
    assert found.difference == pytest.approx(expected.difference, abs=1e-12)
    assert found.p_value == pytest.approx(expected.p_value, abs=1e-12)


def test_pairs_come_in_one_order_however_the_loans_lie(spark):
    rows = [(float(a), float(b), int(y)) for a, b, y in zip(A, B, LABELS, strict=True)]
    table = spark.createDataFrame(rows, COLUMNS)
    first, second = (count_by_pair(table.repartition(n, "b"), **BY_PAIR) for n in (1, 5))
    for name in ("score_a", "score_b", "n_good", "n_bad"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()


def test_rows_that_cannot_be_compared_are_counted_in_the_error(spark):
    rows = [(None, 0.1, 0), (0.1, float("nan"), 1), (0.1, 0.2, None), (0.2, 0.2, 2), (0.3, 0.1, 1)]
    with pytest.raises(DataError) as error:
        count_by_pair(spark.createDataFrame(rows, COLUMNS), **BY_PAIR)
    assert str(error.value) == (
        "Cannot compare: 2 rows with a or b null, NaN or infinite; 2 rows with is_bad neither 0 "
        "nor 1. Keep such rows out before measuring."
    )


def test_more_pairs_than_the_driver_should_hold_are_an_error(spark, monkeypatch):
    monkeypatch.setattr(paired, "MOST_PAIRS", 2)
    rows = [(0.1, 0.2, 0), (0.2, 0.2, 1), (0.3, 0.1, 1)]
    with pytest.raises(DataError, match="more than 2 different pairs by 3 decimals: lower param"):
        count_by_pair(spark.createDataFrame(rows, COLUMNS), **BY_PAIR)
