from statistics import NormalDist

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, multivariate_normal, norm

from penstock.portfolio.one_factor import (
    analytic_risk,
    bivariate_normal,
    conditional_pds,
    shares_between,
)
from tests.portfolio.pools import pool, together

N = NormalDist()
R = np.array([0.12])


def test_the_quantile_is_vasiceks():
    """Of 1,000,000 at an LGD of 0.45: the rate of default in the worst year of a thousand."""
    found = analytic_risk(pool(0.02, [1000.0] * 1000, lgd=0.45), R, 0.999)
    rate = N.cdf((N.inv_cdf(0.02) + 0.12**0.5 * N.inv_cdf(0.999)) / 0.88**0.5)
    assert found.var == pytest.approx(450_000 * rate, rel=1e-12)


def test_the_shortfall_is_the_mean_beyond_the_quantile():
    cells = together(pool(0.003, [7.0] * 9), pool(0.5, [2.0] * 5), pool(0.2, [1.0] * 3))
    correlations = np.array([0.2, 0.05, 0.12])

    def loss(y):
        return float(conditional_pds(cells.pd, np.array([y]), correlations)[0] @ cells.at_default)

    for level in (0.6, 0.95, 0.999):
        tail, _ = quad(lambda y: loss(y) * norm.pdf(y), norm.ppf(level), 12, epsrel=1e-11)
        found = analytic_risk(cells, correlations, level)
        assert found.es == pytest.approx(tail / (1 - level), rel=1e-9)
        assert found.es > found.var


def test_many_small_loans_need_no_granularity():
    few, many = (analytic_risk(pool(0.02, [1e6 / n] * n), R, 0.999) for n in (1000, 1_000_000))
    assert many.var == pytest.approx(few.var) and many.es == pytest.approx(few.es)
    assert many.var_granularity == pytest.approx(few.var_granularity / 1000)
    assert many.es_granularity == pytest.approx(few.es_granularity / 1000)


def test_granularity_takes_few_loans_to_their_exact_risk():
    """Exact: binomial given the factor, the factor integrated out."""
    n, pd, level = 800, 0.03, 0.99
    factors = np.linspace(-9, 9, 6001)
    weights = norm.pdf(factors) * (factors[1] - factors[0])
    conditional = conditional_pds(np.array([pd]), factors, R)[:, 0]
    defaults = np.arange(n + 1)
    chances = np.array([weights @ binom.pmf(k, n, conditional) for k in defaults])
    below = np.cumsum(chances)
    var = int(np.argmax(below >= level))
    es = (chances[var + 1 :] @ defaults[var + 1 :] + (below[var] - level) * var) / (1 - level)
    found = analytic_risk(pool(pd, [1.0] * n), R, level)
    # Half a loan is as near as a smooth formula comes to whole loans.
    assert found.var + found.var_granularity == pytest.approx(var, abs=0.5 + 1e-9)
    assert abs(found.var - var) > 0.5
    assert found.es + found.es_granularity == pytest.approx(es, abs=0.1)
    assert abs(found.es - es) > 0.5


def test_risks_of_one_factor_add_up():
    parts = (pool(0.01, [3.0] * 40), pool(0.2, [1.0] * 50, take_up=0.4))
    correlations = np.array([0.1, 0.3])
    whole = analytic_risk(together(*parts), correlations, 0.99)
    apart = [analytic_risk(p, correlations[[i]], 0.99) for i, p in enumerate(parts)]
    assert whole.var == pytest.approx(sum(each.var for each in apart))
    assert whole.es == pytest.approx(sum(each.es for each in apart))


def test_what_is_certain_hangs_on_no_factor():
    certain = together(pool(0.0, [5.0]), pool(1.0, [3.0]))
    assert analytic_risk(certain, np.array([0.1, 0.1]), 0.99) is None
    assert analytic_risk(pool(0.1, [5.0]), np.zeros(1), 0.99) is None
    mixed, alone = together(certain, pool(0.1, [1.0] * 9)), pool(0.1, [1.0] * 9)
    found = analytic_risk(mixed, np.full(3, 0.1), 0.99)
    expected = analytic_risk(alone, np.full(1, 0.1), 0.99)
    assert (found.var, found.es) == pytest.approx((expected.var + 3, expected.es + 3))


def test_two_normal_numbers_as_scipy_has_them():
    h = np.array([-3.0, -0.4, 0.0, 0.3, 2.5])
    for k in (-2.3, 1.1):
        for r in (0.0, 0.2, 0.9):
            exact = [multivariate_normal.cdf([x, k], cov=[[1, r], [r, 1]]) for x in h]
            assert bivariate_normal(h, k, np.full(5, r)) == pytest.approx(exact, abs=1e-8)


def test_shares_are_those_of_the_limiting_distribution():
    """Vasicek: P(loss <= x) = N((sqrt(1 - R) G(x) - G(PD)) / sqrt(R))."""
    cells, edges = pool(0.05, [1.0] * 10), np.array([0.0, 0.2, 1.0, 10.0])
    below = norm.cdf((0.88**0.5 * norm.ppf(edges / 10) - norm.ppf(0.05)) / 0.12**0.5)
    assert shares_between(cells, R, edges) == pytest.approx(np.diff(below), abs=1e-5)
