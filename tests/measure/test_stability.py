import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from penstock.errors import DataError
from penstock.measure.populations import Population
from penstock.measure.stability import csi, estimated_auc, gini_stability, psi, shift

LOANS = st.integers(0, 10_000)
TWO_POPULATIONS = st.lists(st.tuples(LOANS, LOANS), min_size=1, max_size=20)


def test_psi_by_hand():
    # Shares (50.5, 50.5) / 101 and (60.5, 40.5) / 101:
    # 0.0990099 ln 1.1980198 - 0.0990099 ln 0.8019802 = 0.0178881 + 0.0218487
    assert psi([50, 50], [60, 40]) == pytest.approx(0.0397368, abs=1e-7)


@given(TWO_POPULATIONS)
def test_psi_is_finite_never_below_zero_and_the_same_both_ways(bins):
    expected, actual = np.array(bins).T
    found = psi(expected, actual)
    if found is None:
        assert not expected.sum() or not actual.sum()
        return
    assert np.isfinite(found)
    assert found >= 0
    assert psi(actual, expected) == pytest.approx(found)


@given(st.lists(LOANS, min_size=1, max_size=20).filter(any))
def test_psi_of_equal_populations_is_zero(loans):
    assert psi(loans, loans) == 0


def test_a_bin_that_empties_raises_psi_and_stays_finite():
    assert 1 < psi([500, 500], [1000, 0]) < 10


def test_no_loans_have_no_psi():
    assert psi([0, 0], [1, 2]) is None
    assert psi([], []) is None
    assert shift([5, 0], [7, 0], confidence=0.95) is None


@pytest.mark.parametrize("actual", [[0.5, 0.5], [3, -1], [1, 2, 3]])
def test_shares_negative_numbers_and_other_bins_are_errors(actual):
    with pytest.raises(DataError, match="numbers of loans, not shares|same bins: 2 expected, 3"):
        psi([1, 2], actual)


@pytest.mark.parametrize(
    ("actual", "band"),
    [([5000, 5000], "stable"), ([6500, 3500], "stable"), ([6700, 3300], "moderate"),
     ([7350, 2650], "moderate"), ([7600, 2400], "large")],
)  # fmt: skip
def test_the_bands_are_a_tenth_and_a_quarter(actual, band):
    # With shares e = (1/2, 1/2) and a = (1/2 + d, 1/2 - d): PSI = d ln((1/2 + d) / (1/2 - d)),
    # 0.093 at 0.15, 0.120 at 0.17, 0.240 at 0.235, 0.300 at 0.26.
    assert shift([5000, 5000], actual, confidence=0.95).band == band


def test_the_threshold_grows_as_samples_shrink():
    small, large = (shift([n, n, n, 0], [n, n, n, 0], confidence=0.95) for n in (20, 20_000))
    # The bin that is empty in both populations has no degree of freedom.
    assert small.threshold == pytest.approx(chi2.ppf(0.95, 2) * 2 / 60)
    assert large.threshold == pytest.approx(small.threshold / 1000)


def test_samples_of_one_population_pass_the_threshold_as_often_as_it_says():
    random = np.random.default_rng(14)
    shares = [0.1, 0.2, 0.3, 0.25, 0.15]
    found = [
        shift(random.multinomial(800, shares), random.multinomial(500, shares), confidence=0.95)
        for _ in range(1000)
    ]
    # Four standard errors of a share of 0.05 in 1,000 draws.
    assert np.mean([one.is_beyond_chance for one in found]) == pytest.approx(0.05, abs=0.028)


def test_each_characteristic_is_compared_over_the_bins_of_both_populations():
    before = {"income": {"low": 500, "high": 500}, "region": {"north": 700, "south": 300}}
    now = {"income": {"high": 400, "none": 600}, "region": {"south": 300, "north": 700}}
    found = csi(before, now, confidence=0.95)
    assert found["income"].psi == psi([500, 500, 0], [400, 0, 600])
    assert found["income"].band == "large"
    assert (found["region"].psi, found["region"].is_beyond_chance) == (0, False)


def test_a_characteristic_that_is_not_counted_any_more_is_an_error():
    with pytest.raises(DataError, match="'income' is not counted .*Did you mean 'incomes'"):
        csi({"income": {"low": 1}}, {"incomes": {"low": 1}}, confidence=0.95)


def test_gini_stability_by_hand():
    # Ginis 0.5, 0.4, 0.6, 0.3: mean 0.45; slope -0.04; residuals -0.01, -0.07, 0.17, -0.09, whose
    # standard deviation is sqrt(0.042 / 4).
    expected = 0.45 - 88 * 0.04 - 0.5 * np.sqrt(0.0105)
    assert gini_stability([0.5, 0.4, 0.6, 0.3]) == pytest.approx(expected, abs=1e-12)


def test_a_rising_gini_is_not_rewarded_and_a_steady_one_is_its_mean():
    assert gini_stability([0.3, 0.4, 0.5]) == pytest.approx(0.4)
    assert gini_stability([0.4, 0.4, 0.4]) == pytest.approx(0.4)
    with pytest.raises(DataError, match="needs 2 periods or more: 1"):
        gini_stability([0.4])


RANDOM = np.random.default_rng(15)
PDS = RANDOM.beta(2, 8, 4000).round(2)


def test_the_estimated_auc_is_that_of_loans_split_into_their_chances():
    found = estimated_auc(Population.of(PDS))
    labels = np.repeat([1, 0], len(PDS))
    weights = np.concatenate((PDS, 1 - PDS))
    expected = roc_auc_score(labels, np.tile(PDS, 2), sample_weight=weights)
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_estimated_auc_meets_the_true_one_if_pds_are_true():
    drawn = [roc_auc_score(RANDOM.random(4000) < PDS, PDS) for _ in range(40)]
    error = np.std(drawn) / np.sqrt(40)
    assert estimated_auc(Population.of(PDS)) == pytest.approx(np.mean(drawn), abs=4 * error)


@pytest.mark.parametrize("pds", [[], [0.0, 0.0], [1.0]])
def test_certain_pds_promise_no_ranking(pds):
    assert estimated_auc(Population.of(pds)) is None


def test_points_are_no_pds():
    with pytest.raises(DataError, match=r"must lie in 0-1; there are 0\.2 and 612\.0"):
        estimated_auc(Population.of([0.2, 612]))
