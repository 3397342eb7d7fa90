import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from penstock.portfolio.loss_simulation import simulate_losses, simulated_risk
from penstock.portfolio.one_factor import analytic_risk
from tests.portfolio.pools import pool, together

SCENARIOS = 40_000
NEAR = 4.0  # standard errors


def simulate(cells, correlation, sector_correlation=0.0, seed=1):
    return simulate_losses(
        cells,
        np.full(len(cells.pd), correlation),
        sector_correlation=sector_correlation,
        scenarios=SCENARIOS,
        seed=seed,
    )


def assert_moments(losses, mean, variance):
    n, squared = len(losses), (losses - losses.mean()) ** 2
    assert abs(losses.mean() - mean) < NEAR * losses.std() / n**0.5
    assert abs(losses.var() - variance) < NEAR * squared.std() / n**0.5


def test_without_correlation_defaults_are_binomial():
    [losses] = simulate(pool(0.05, [200.0] * 300, lgd=0.5, take_up=0.8), 0.0).T
    assert_moments(losses, 100 * 300 * 0.04, 100**2 * 300 * 0.04 * 0.96)
    assert losses / 100 == pytest.approx(np.rint(losses / 100))


def test_loans_of_other_sizes_and_pds_keep_mean_and_variance():
    random = np.random.default_rng(3)
    amounts = random.lognormal(9, 1, 500)
    cells = together(
        pool(0.02, amounts, lgd=0.4, take_up=0.7), pool(0.3, amounts[:100] * 3, lgd=0.6)
    )
    pds = cells.pd
    mean = cells.at_default @ pds
    variance = cells.squares @ pds - cells.squared_means @ pds**2
    by_loan = sum(
        ((lgd * a) ** 2 * t * pd * (1 - t * pd)).sum()
        for a, lgd, t, pd in ((amounts, 0.4, 0.7, 0.02), (amounts[:100] * 3, 0.6, 1.0, 0.3))
    )
    assert variance == pytest.approx(by_loan)
    assert_moments(simulate(cells, 0.0)[:, 0], mean, variance)


def test_one_loan_is_lost_or_not():
    [losses] = simulate(pool(0.1, [1000.0], lgd=0.4, take_up=0.5), 0.2).T
    assert set(losses.round(9)) == {0.0, 400.0}
    assert (losses > 0).mean() == pytest.approx(0.05, abs=NEAR * 0.0011)


def test_a_sector_alone_is_the_one_factor_model():
    cells = together(*(pool(pd, [0.001] * 1000) for pd in (0.005, 0.03, 0.2)))
    levels = (0.9, 0.99, 0.999)
    for level, found in zip(levels, simulated_risk(simulate(cells, 0.12), levels), strict=True):
        exact = analytic_risk(cells, np.full(3, 0.12), level)
        assert abs(found.var - exact.var - exact.var_granularity) < NEAR * found.var_error
        assert abs(found.es - exact.es - exact.es_granularity) < NEAR * found.es_error


def test_sectors_move_together_as_much_as_is_said():
    """Both default if two normal numbers of correlation sqrt(R1 R2) c are high: R1 = R2 = 0.2."""
    parts = (pool(0.03, [1e-4] * 10_000, sector="a"), pool(0.1, [1e-4] * 10_000, sector="b"))
    cells = together(*parts)
    for shared in (0.0, 0.4, 1.0):
        first, second = simulate(cells, 0.2, shared).T
        joint = 0.2 * shared
        both = multivariate_normal.cdf(norm.ppf([0.03, 0.1]), cov=[[1, joint], [joint, 1]])
        products = (first - 0.03) * (second - 0.1)
        error = products.std() / SCENARIOS**0.5
        assert abs(products.mean() - (both - 0.003)) < NEAR * error
    [together_, *_] = simulated_risk(simulate(cells, 0.2, 1.0), [0.99])
    [apart, *_] = simulated_risk(simulate(cells, 0.2, 0.0), [0.99])
    exact = analytic_risk(cells, np.full(2, 0.2), 0.99)
    assert abs(together_.es - exact.es - exact.es_granularity) < NEAR * together_.es_error
    assert apart.es < 0.8 * together_.es


def test_what_sectors_add_is_the_shortfall():
    by_sector = simulate(
        together(pool(0.1, [1.0] * 9, sector="a"), pool(0.2, [2.0] * 5, sector="b")), 0.3, 0.5
    )
    for found in simulated_risk(by_sector, [0.75, 0.9, 0.995]):
        assert found.by_sector.sum() == pytest.approx(found.es)
        assert found.es >= found.var >= 0 and (found.by_sector > 0).all()


def test_the_worst_are_counted_to_a_fraction():
    """Of 1 to 10 the worst quarter is 10, 9 and half of 8."""
    losses = np.arange(1.0, 11.0)[:, None]
    [found] = simulated_risk(losses, [0.75])
    assert (found.var, found.es) == (8.0, pytest.approx((10 + 9 + 0.5 * 8) / 2.5))
    [tied] = simulated_risk(np.full((10, 1), 3.0), [0.75])
    assert (tied.var, tied.es, tied.var_error, tied.es_error) == (3.0, 3.0, 0.0, 0.0)


def test_standard_errors_are_what_repeated_simulations_vary_by():
    """Losses of an exponential distribution: VaR = -ln(1 - level), ES = VaR + 1."""
    random = np.random.default_rng(11)
    found = [simulated_risk(random.exponential(size=(4000, 1)), [0.95])[0] for _ in range(300)]
    for value, error, true in (
        ([f.var for f in found], [f.var_error for f in found], -np.log(0.05)),
        ([f.es for f in found], [f.es_error for f in found], 1 - np.log(0.05)),
    ):
        assert np.std(value) == pytest.approx(np.mean(error), rel=0.15)
        assert np.mean(value) == pytest.approx(true, abs=NEAR * np.std(value) / 300**0.5)


def test_what_cannot_be_lost_is_not():
    cells = together(pool(0.0, [5.0]), pool(0.5, [5.0], lgd=0.0))
    assert not simulate(cells, 0.1).any()
    assert set(simulate(pool(1.0, [5.0] * 3), 0.1)[:, 0]) == {15.0}


def test_equal_seeds_draw_equal_losses():
    cells = pool(0.1, [1.0] * 30)
    assert (simulate(cells, 0.1) == simulate(cells, 0.1)).all()
    assert (simulate(cells, 0.1) != simulate(cells, 0.1, seed=2)).any()
