import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import ks_2samp
from sklearn import metrics

from penstock.errors import ConfigError
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import (
    auc,
    auc_interval,
    cap_curve,
    gini,
    h_measure,
    ks,
    lift_by_decile,
    partial_gini,
    roc_curve,
)
from tests.measure.hmeq import hmeq_scores
from tests.measure.pairs import delong_by_pairs

RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, 2, 400)
# Few distinct scores, so that there are many ties within and between the classes.
SCORES = np.clip((RANDOM.normal(LABELS * 0.8, 1) * 4).round() / 20 + 0.5, 0, 1)
COUNTS = ScoreCounts.of(SCORES, LABELS)
ONE_CLASS = ScoreCounts.of([0.1, 0.2], [0, 0])


@pytest.mark.parametrize("decimals", [3, 6])
def test_rounding_moves_the_auc_by_no_more_than_half_the_pairs_that_it_ties(decimals):
    # A pair that ties counts a half, where it counted 0 or 1: as stages count PDs, by 6 decimals.
    pds = RANDOM.beta(1, 12, 20_000)
    labels = (RANDOM.random(20_000) < pds).astype(int)
    rounded = pds.round(decimals)
    counts = ScoreCounts.of(rounded, labels)
    tied = (counts.n_good * counts.n_bad).sum() / (counts.n_good.sum() * counts.n_bad.sum())
    moved = abs(auc(counts) - metrics.roc_auc_score(labels, pds))
    assert moved <= tied / 2 + 1e-12
    assert tied / 2 < {3: 5e-3, 6: 5e-6}[decimals]


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
    assert partial_gini(counts, share=0.2) is None
    assert h_measure(counts, alpha=2, beta=2) is None
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


def capture_by_loans(scores, labels, depth):
    """Bads among the `depth` riskiest loans, in expectation over random order within ties."""
    cut = np.sort(scores)[::-1][depth - 1]
    above, tied = scores > cut, scores == cut
    return labels[above].sum() + labels[tied].mean() * (depth - above.sum())


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 1.0])
def test_the_partial_gini_is_the_area_between_cap_and_chance_loan_by_loan(share):
    loans, bads = len(LABELS), LABELS.sum()
    depths = range(1, round(share * loans) + 1)
    cap = np.array([0, *(capture_by_loans(SCORES, LABELS, depth) for depth in depths)]) / bads
    perfect = np.array([0, *(min(depth, bads) for depth in depths)]) / bads
    chance = np.array([0, *depths]) / loans
    expected = np.trapezoid(cap - chance) / np.trapezoid(perfect - chance)
    assert partial_gini(COUNTS, share=share) == pytest.approx(expected, abs=1e-9)


def test_the_partial_gini_of_all_loans_is_the_gini():
    assert partial_gini(COUNTS, share=1) == pytest.approx(gini(COUNTS), abs=1e-12)


@pytest.mark.parametrize(("scores", "expected"), [([4, 3, 2, 1], 1), ([1, 1, 1, 1], 0)])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
def test_a_perfect_partial_gini_is_one_and_a_blind_one_zero(share, scores, expected):
    counts = ScoreCounts.of(scores, [1, 0, 0, 0])
    assert partial_gini(counts, share=share) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_outside_its_range_is_an_error(share):
    with pytest.raises(ConfigError, match="'share' is .*; it must be above 0 and at most 1"):
        partial_gini(COUNTS, share=share)


def h_by_integration(scores, labels, alpha, beta):
    """Hand's definition: the smallest loss over all cut-offs, integrated over costs."""
    cuts = np.append(np.unique(scores), np.inf)
    goods_declined = np.array([(scores[labels == 0] >= cut).mean() for cut in cuts])
    bads_accepted = np.array([(scores[labels == 1] < cut).mean() for cut in cuts])
    rate = labels.mean()

    def expected(of_goods, of_bads):
        # Gauss-Legendre on small pieces: the smallest loss has kinks, each good for some 1e-9.
        node, weight = np.polynomial.legendre.leggauss(5)
        low = np.arange(20_000) / 20_000
        costs = (low[:, None] + (node + 1) / 40_000).ravel()
        of_cut = np.outer(costs, (1 - rate) * of_goods) + np.outer(1 - costs, rate * of_bads)
        values = of_cut.min(axis=1) * stats.beta.pdf(costs, alpha, beta)
        return (values.reshape(-1, 5) @ weight).sum() / 40_000

    blind = expected(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    return 1 - expected(goods_declined, bads_accepted) / blind


@pytest.mark.parametrize(("alpha", "beta"), [(2, 2), (1.3, 1.7)])
def test_the_h_measure_equals_its_integral_over_costs(alpha, beta):
    expected = h_by_integration(SCORES, LABELS, alpha, beta)
    assert h_measure(COUNTS, alpha=alpha, beta=beta) == pytest.approx(expected, abs=1e-8)


def test_the_h_measure_is_one_if_perfect_and_zero_if_blind_or_reversed():
    shapes = {"alpha": 2, "beta": 2}
    assert h_measure(ScoreCounts.of(LABELS, LABELS), **shapes) == pytest.approx(1)
    assert h_measure(ScoreCounts.of(LABELS * 0, LABELS), **shapes) == pytest.approx(0)
    assert h_measure(ScoreCounts.of(-LABELS, LABELS), **shapes) == pytest.approx(0, abs=1e-12)


def test_a_cost_without_a_distribution_is_an_error():
    with pytest.raises(ConfigError, match="'alpha' = 0 and 'beta' = 2 must be above 0"):
        h_measure(COUNTS, alpha=0, beta=2)


def test_real_scores_are_measured_as_elsewhere():
    months, labels = hmeq_scores("DELINQ")
    counts = ScoreCounts.of(months, labels)
    assert auc(counts) == pytest.approx(metrics.roc_auc_score(labels, months), abs=1e-9)
    assert partial_gini(counts, share=1) == pytest.approx(gini(counts), abs=1e-9)
    expected = h_by_integration(months, labels, 2, 2)
    assert h_measure(counts, alpha=2, beta=2) == pytest.approx(expected, abs=1e-8)
