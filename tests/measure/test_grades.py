import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binomtest

from penstock.measure.counts import ScoreCounts
from penstock.measure.grades import binomial_p, grade_by_pd, jeffreys_by_grade, jeffreys_p


@pytest.mark.parametrize(("pd", "bads", "loans"), [(0.02, 3, 100), (0.3, 40, 90), (0.1, 0, 12)])
def test_jeffreys_is_the_posterior_below_the_pd(pd, bads, loans):
    # Substituted p = sin^2 t, which takes the poles of the prior away.
    def posterior(t):
        return np.sin(t) ** (2 * bads) * np.cos(t) ** (2 * (loans - bads))

    expected = quad(posterior, 0, np.arcsin(np.sqrt(pd)))[0] / quad(posterior, 0, np.pi / 2)[0]
    assert jeffreys_p(pd, bads=bads, loans=loans) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("pd", "bads", "loans"), [(0.02, 3, 100), (0.3, 40, 90), (0.1, 0, 12)])
def test_binomial_equals_scipys_test(pd, bads, loans):
    expected = binomtest(bads, loans, pd, alternative="greater").pvalue
    assert binomial_p(pd, bads=bads, loans=loans) == pytest.approx(expected, abs=1e-12)


def test_each_grade_is_tested_by_its_own_mean_pd():
    counts = ScoreCounts(
        score=np.array([0.01, 0.03, 0.2]),
        n_good=np.array([100, 98, 30]),
        n_bad=np.array([0, 2, 20]),
        group=np.array(["A", "A", "B"]),
    )
    a, b = jeffreys_by_grade(counts)
    assert (a.grade, a.loans, a.bads, a.pd) == ("A", 200, 2, pytest.approx(0.02))
    assert a.bad_rate == pytest.approx(0.01)
    # B defaults at twice its PD: both tests refuse it, and neither refuses A.
    assert (b.grade, b.bad_rate) == ("B", 0.4)
    assert max(b.jeffreys, b.binomial) < 0.01
    assert min(a.jeffreys, a.binomial) > 0.5


def test_more_than_nine_grades_keep_their_order_and_a_limit_belongs_to_the_safer_one():
    limits = [n / 20 for n in range(1, 11)]
    pds = [0.0, 0.05, 0.0501, 0.5, 0.51, 1.0]
    graded = grade_by_pd(ScoreCounts.of(pds, [0] * 6), limits)
    assert list(graded.by_group()) == [
        "01: up to 0.05", "02: up to 0.1", "10: up to 0.5", "11: above 0.5"
    ]  # fmt: skip
    assert [c.loans for c in graded.by_group().values()] == [2, 1, 1, 2]


def test_without_limits_all_loans_are_one_grade():
    assert list(grade_by_pd(ScoreCounts.of([0.1, 0.9], [0, 1]), []).by_group()) == ["1: all"]
