import numpy as np
import pytest
from scipy.optimize import linprog

from penstock.errors import ConfigError
from penstock.portfolio.asset_risk import Shortfall, Volatility, covariance_of
from penstock.portfolio.weight_limits import WeightRow
from penstock.portfolio.weights import WeightProblem

N, PERIODS, LEVEL = 6, 90, 0.9
RANDOM = np.random.default_rng(12)
# About a tenth in size, so that a mistake of scale shows.
RETURNS = 0.1 * (RANDOM.normal(size=(PERIODS, N)) @ RANDOM.normal(size=(N, N)) / 2 + 0.3)
MEAN, COVARIANCE = RETURNS.mean(axis=0), np.cov(RETURNS, rowvar=False)
SCALE = float(np.sqrt((RETURNS**2).mean()))
ODD = WeightRow("odd", "at most", (np.arange(N) % 2).astype(float), 0.35)
LONG = WeightRow("long", "at least", np.arange(N) / 2.0, 1.1)
RISKS = {
    "volatility": Volatility(np.cov(RETURNS / SCALE, rowvar=False)),
    "shortfall": Shortfall(RETURNS / SCALE, LEVEL),
}


def problem(risk, *, least=0.0, greatest=0.5, rows=(), mean=MEAN, assets=None):
    n = len(mean)
    return WeightProblem(
        assets or [f"a{i}" for i in range(n)],
        mean,
        RISKS[risk] if isinstance(risk, str) else risk,
        SCALE,
        np.full(n, least),
        np.full(n, greatest),
        rows,
    )


def volatility(weights):
    return float(np.sqrt(weights @ COVARIANCE @ weights))


def shortfall(weights):
    """The mean of the worst 9 of 90 periods."""
    return float(np.sort(-RETURNS @ weights)[-9:].mean())


MEASURES = {"volatility": volatility, "shortfall": shortfall}


def test_without_limits_utility_is_greatest_at_the_analytic_weights():
    """Merton (1972): w = S^-1 (m - v 1) / aversion, v such that they add up to 1."""
    aversion, inverse, ones = 5.0, np.linalg.inv(COVARIANCE), np.ones(N)
    v = (ones @ inverse @ MEAN - aversion) / (ones @ inverse @ ones)
    found = problem("volatility", least=-50.0, greatest=50.0).with_greatest_utility(aversion)
    assert found.weights == pytest.approx(inverse @ (MEAN - v) / aversion, abs=1e-6)
    assert not found.bound_prices.any() and found.return_price is None


def test_without_limits_the_least_risk_at_a_return_is_the_analytic_one():
    """Merton (1972): (a m^2 - 2 b m + c) / (a c - b^2); a = 1'S^-1 1, b = 1'S^-1 mu, c likewise."""
    inverse, ones, target = np.linalg.inv(COVARIANCE), np.ones(N), float(MEAN.max()) * 1.5
    a, b, c = (x @ inverse @ y for x, y in ((ones, ones), (ones, MEAN), (MEAN, MEAN)))
    risk = np.sqrt((a * target**2 - 2 * b * target + c) / (a * c - b**2))
    slope = (a * target - b) / (a * c - b**2) / risk
    found = problem("volatility", least=-50.0, greatest=50.0).with_least_risk(target)
    assert volatility(found.weights) == pytest.approx(risk, rel=1e-7)
    assert found.weights @ MEAN == pytest.approx(target)
    assert found.return_price == pytest.approx(slope, rel=1e-5)


def test_two_assets_have_the_frontier_of_the_textbook():
    first, second, correlation = 0.1, 0.25, 0.2
    covariance = np.array(
        [[first**2, correlation * first * second], [correlation * first * second, second**2]]
    )
    mean = np.array([0.04, 0.09])
    two = problem(Volatility(covariance / SCALE**2), mean=mean, greatest=1.0)
    share = (second**2 - covariance[0, 1]) / (first**2 + second**2 - 2 * covariance[0, 1])
    frontier = two.frontier(5)
    assert frontier[0][0] == pytest.approx(share, abs=1e-6)
    assert frontier[-1] == pytest.approx([0, 1], abs=1e-5)
    assert [w[0] for w in frontier] == pytest.approx(np.linspace(share, 0, 5), abs=1e-5)


def linear_program(target=None, aversion=None):
    """The same by SciPy: weights, value at risk, and what each period loses beyond it."""
    cost = np.concatenate([np.zeros(N), [1.0], np.full(PERIODS, 1 / (PERIODS * (1 - LEVEL)))])
    if aversion:
        cost = aversion * cost - np.concatenate([MEAN, np.zeros(PERIODS + 1)])
    beyond = np.hstack([-RETURNS, np.full((PERIODS, 1), -1.0), -np.eye(PERIODS)])
    others = [ODD.coefficients, -LONG.coefficients] + ([-MEAN] if target else [])
    rows = np.vstack([beyond, np.pad(others, ((0, 0), (0, PERIODS + 1)))])
    bounds = np.concatenate(
        [np.zeros(PERIODS), [ODD.bound, -LONG.bound], [-target] if target else []]
    )
    whole = np.concatenate([np.ones(N), np.zeros(PERIODS + 1)])[None]
    limits = [(0, 0.5)] * N + [(None, None)] + [(0, None)] * PERIODS
    return linprog(cost, rows, bounds, whole, [1.0], limits)


def test_least_shortfall_is_that_of_the_linear_program():
    limited = problem("shortfall", rows=[ODD, LONG])
    assert shortfall(limited.with_least_risk().weights) == pytest.approx(linear_program().fun)
    target = float(MEAN @ limited.frontier(3)[1])
    exact = linear_program(target=target)
    found = limited.with_least_risk(target)
    assert shortfall(found.weights) == pytest.approx(exact.fun)
    assert found.return_price == pytest.approx(-exact.ineqlin.marginals[-1])
    assert list(found.row_prices) == pytest.approx(-exact.ineqlin.marginals[-3:-1], abs=1e-9)
    useful = limited.with_greatest_utility(0.7)
    value = 0.7 * shortfall(useful.weights) - MEAN @ useful.weights
    assert value == pytest.approx(linear_program(aversion=0.7).fun)


@pytest.mark.parametrize("risk", RISKS)
def test_a_price_is_what_a_little_more_of_a_limit_gains(risk):
    """Central differences of the best value, over either limit."""
    step = 1e-4 if risk == "volatility" else 1e-6

    def values(odd, long):
        rows = [
            WeightRow("odd", "at most", ODD.coefficients, ODD.bound + odd),
            WeightRow("long", "at least", LONG.coefficients, LONG.bound + long),
        ]
        limited, measure = problem(risk, rows=rows), MEASURES[risk]
        least = limited.with_least_risk()
        best = limited.with_greatest_utility(0.8)
        penalty = measure(best.weights)
        if risk == "volatility":
            penalty = penalty**2 / 2
        gained = MEAN @ best.weights - 0.8 * penalty
        return least, best, np.array([-measure(least.weights), gained])

    least, best, _ = values(0, 0)
    for place, moved in enumerate([(step, 0), (0, -step)]):
        up, down = values(*moved)[2], values(*(-x for x in moved))[2]
        prices = [least.row_prices[place], best.row_prices[place]]
        assert prices == pytest.approx((up - down) / (2 * step), rel=2e-3, abs=1e-5)
    assert least.row_prices.any() and best.row_prices.any()


@pytest.mark.parametrize("risk", RISKS)
def test_no_weights_that_keep_the_limits_are_better(risk):
    limited = problem(risk, rows=[ODD, LONG])
    frontier = limited.frontier(6)
    drawn = RANDOM.dirichlet(np.ones(N), 20_000)
    keeps = (drawn <= 0.5).all(axis=1) & (drawn @ ODD.coefficients <= ODD.bound)
    others = drawn[keeps & (drawn @ LONG.coefficients >= LONG.bound)]
    assert len(others) > 100
    for weights in frontier:
        assert weights.sum() == pytest.approx(1) and weights.min() >= 0 and weights.max() <= 0.5
        assert weights @ ODD.coefficients <= ODD.bound + 1e-6
        assert weights @ LONG.coefficients >= LONG.bound - 1e-6
        rivals = others[others @ MEAN >= weights @ MEAN]
        assert all(MEASURES[risk](w) >= MEASURES[risk](weights) - 1e-9 for w in rivals)
    risks = [MEASURES[risk](weights) for weights in frontier]
    slopes = np.diff(risks) / np.diff([MEAN @ w for w in frontier])
    assert (np.diff(slopes) > -1e-6).all() and slopes[0] >= 0


@pytest.mark.parametrize("risk", RISKS)
def test_what_assets_add_is_the_risk_and_its_derivative(risk):
    measured, weights, step = RISKS[risk], np.full(N, 1 / N), 1e-7
    added = measured.contributions(weights)
    assert added.sum() * SCALE == pytest.approx(MEASURES[risk](weights))
    assert measured.of(weights) * SCALE == pytest.approx(MEASURES[risk](weights))
    for place in range(N):
        more = weights + step * np.eye(N)[place]
        slope = (measured.of(more) - measured.of(weights)) / step
        assert added[place] == pytest.approx(weights[place] * slope, abs=1e-6)


def test_the_shortfall_of_a_fraction_of_a_period_is_the_worst_loss():
    measured = Shortfall(np.array([[0.1], [-0.3], [0.2]]), 0.9)
    assert measured.of(np.ones(1)) == pytest.approx(0.3)
    assert Shortfall(measured.by_period, 0.5).of(np.ones(1)) == pytest.approx((0.3 - 0.1 / 2) / 1.5)


def test_a_bound_price_belongs_to_the_asset_that_touches_it():
    found = problem("volatility", greatest=0.3).with_least_risk()
    touches = (found.weights < 1e-6) | (found.weights > 0.3 - 1e-6)
    assert list(found.bound_prices > 0) == list(touches) and touches.any()


def test_limits_that_exclude_each_other_are_named_with_the_least_cure():
    rows = [
        WeightRow("few_odd", "at most", ODD.coefficients, 0.2),
        WeightRow("many_odd", "at least", ODD.coefficients, 0.6),
        WeightRow("idle", "at most", ODD.coefficients, 0.9),
    ]
    with pytest.raises(ConfigError) as refused:
        problem("volatility", rows=rows).check(None)
    said = str(refused.value)
    assert "limit 'few_odd' (at most 0.2), limit 'many_odd' (at least 0.6). The least" in said
    assert "by 0.4" in said and "idle" not in said and "bounds" not in said
    problem("volatility", rows=[rows[0], rows[2]]).check(None)


def test_a_target_or_bounds_out_of_reach_are_named():
    reachable = 0.5 * np.sort(MEAN)[-2:].sum()
    with pytest.raises(ConfigError, match="target_return.* relax target_return .* by 0.01.$"):
        problem("shortfall").check(reachable + 0.01)
    problem("shortfall").check(reachable - 1e-9)
    message = r"bounds of 'a0' \(at most 0.1\), .* bounds of 'a5' \(at most 0.1\). .*by 0.4"
    with pytest.raises(ConfigError, match=message):
        problem("volatility", greatest=0.1).check(None)


def test_one_asset_has_all_the_weight():
    for risk in (Volatility(np.array([[1.0]])), Shortfall(RETURNS[:, :1] / SCALE, LEVEL)):
        alone = problem(risk, mean=MEAN[:1], greatest=1.0)
        assert alone.with_least_risk().weights == pytest.approx([1.0])
        assert len(alone.frontier(5)) == 1


def test_covariances_are_those_of_the_columns():
    sample, unshrunk = covariance_of(RETURNS, "sample")
    assert unshrunk is None and sample == pytest.approx(COVARIANCE)
    assert covariance_of(RETURNS[:, :1], "sample")[0] == pytest.approx(COVARIANCE[:1, :1])
    assert covariance_of(RETURNS[:, :1], "ledoit_wolf")[0].shape == (1, 1)


def test_shrinkage_is_ledoit_and_wolfs():
    """Section 3.2: b^2 / d^2, error of the sample covariance over its distance to the target."""
    few = RETURNS[:8] - RETURNS[:8].mean(axis=0)
    sample, target = few.T @ few / 8, np.eye(N) * (few**2).mean()
    error = sum(((np.outer(x, x) - sample) ** 2).sum() for x in few) / 8**2
    share = error / ((sample - target) ** 2).sum()
    shrunk, shrinkage = covariance_of(RETURNS[:8], "ledoit_wolf")
    assert 0.05 < share < 1 and shrinkage == pytest.approx(share)
    assert shrunk == pytest.approx(share * target + (1 - share) * sample)
