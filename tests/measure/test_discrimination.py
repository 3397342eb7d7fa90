import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn import metrics

from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import (
    auc,
    auc_interval,
    cap_curve,
    gini,
    ks,
    lift_by_decile,
    roc_curve,
)

RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, 2, 400)
# Few distinct scores, so that there are many ties within and between the classes.
SCORES = np.clip((RANDOM.normal(LABELS * 0.8, 1) * 4).round() / 20 + 0.5, 0, 1)
COUNTS = ScoreCounts.of(SCORES, LABELS)
ONE_CLASS = ScoreCounts.of([0.1, 0.2], [0, 0])


def delong_by_pairs(scores, labels):
    """The covariance of DeLong et al. (1988), equations 3 and 4, over all pairs."""
    bad, good = scores[labels == 1], scores[labels == 0]
    psi = (bad[:, None] > good) + 0.5 * (bad[:, None] == good)
    return psi.mean(axis=1).var(ddof=1) / len(bad) + psi.mean(axis=0).var(ddof=1) / len(good)


def test_auc_with_ties_equals_scikit_learn():
    assert auc(COUNTS) == pytest.approx(metrics.roc_auc_score(LABELS, SCORES), abs=1e-12)


def test_auc_by_hand():
    # bads 0.4 and 0.8, goods 0.4 and 0.1: pairs 0.5, 1, 1, 1
    assert auc(ScoreCounts.of([0.4, 0.8, 0.4, 0.1], [1, 1, 0, 0])) == pytest.approx(3.5 / 4)


def test_gini_is_the_area_ratio_of_the_cap():
    loans, bads = cap_curve(COUNTS)
    rate = COUNTS.bads / COUNTS.loans
    area = np.trapezoid(bads, loans) - 0.5
    assert gini(COUNTS) == pytest.approx(area / (0.5 * (1 - rate)), abs=1e-12)


def test_ks_equals_scipy():
    expected = ks_2samp(SCORES[LABELS == 1], SCORES[LABELS == 0]).statistic
    assert ks(COUNTS) == pytest.approx(expected, abs=1e-12)


def test_delong_interval_equals_the_sum_over_all_pairs():
    half = 1.959963984540054 * np.sqrt(delong_by_pairs(SCORES, LABELS))
    low, high = auc_interval(COUNTS, level=0.95)
    assert (low, high) == pytest.approx((auc(COUNTS) - half, auc(COUNTS) + half), abs=1e-12)


def test_the_interval_covers_the_true_auc_as_often_as_it_says():
    # Scores N(0,1) and N(1,1): true AUC = Phi(1 / sqrt(2)) = 0.76025
    random = np.random.default_rng(11)
    labels = np.repeat([0, 1], [150, 60])
    hits = 0
    for _ in range(400):
        low, high = auc_interval(ScoreCounts.of(random.normal(labels, 1), labels), level=0.95)
        hits += low <= 0.76025 <= high
    # Four standard errors of a share of 0.95 in 400 draws.
    assert hits / 400 == pytest.approx(0.95, abs=0.044)


def test_the_area_below_the_roc_curve_is_the_auc():
    goods, bads = roc_curve(COUNTS)
    assert np.trapezoid(bads, goods) == pytest.approx(auc(COUNTS), abs=1e-12)
    assert (goods[0], bads[0], goods[-1], bads[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("counts", [ONE_CLASS, ScoreCounts.of([0.2], [1]), ScoreCounts.of([], [])])
def test_ranking_one_class_is_undefined(counts):
    metrics_of_one_class = (auc, gini, ks, roc_curve)
    assert [metric(counts) for metric in metrics_of_one_class] == [None] * 4
    assert auc_interval(counts, level=0.95) is None


def test_a_single_bad_has_an_auc_but_no_interval():
    counts = ScoreCounts.of([0.1, 0.2, 0.3], [0, 0, 1])
    assert (auc(counts), auc_interval(counts, level=0.95)) == (1.0, None)


def test_deciles_start_with_the_riskiest_tenth():
    scores = np.arange(100) / 100
    first, *_, last = lift_by_decile(ScoreCounts.of(scores, (scores >= 0.85).astype(int)))
    assert first == (1, 10, 10, 1.0, pytest.approx(1 / 0.15), pytest.approx(10 / 15))
    assert last == (10, 10, 0, 0.0, 0.0, 1.0)


def test_deciles_without_bads_have_no_lift():
    assert lift_by_decile(ONE_CLASS)[0] == (3, 1, 0, 0.0, None, None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=60))
def test_metrics_stay_in_range_and_turn_with_the_score(loans):
    scores, labels = np.array(loans).T
    counts, turned = ScoreCounts.of(scores, labels), ScoreCounts.of(-scores, labels)
    if auc(counts) is None:
        assert labels.min() == labels.max()
        return
    assert 0 <= auc(counts) <= 1
    assert auc(turned) == pytest.approx(1 - auc(counts))
    assert ks(turned) == pytest.approx(ks(counts))
    assert abs(gini(counts)) <= ks(counts) * 2
