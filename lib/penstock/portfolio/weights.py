"""Weights of assets that are best under limits: the convex problems, and what limits cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cvxpy
import numpy as np
from numpy.typing import NDArray

from penstock.errors import ConfigError, NodeFailed
from penstock.portfolio.asset_risk import Risk
from penstock.portfolio.weight_limits import WeightRow

Floats = NDArray[np.float64]

EXACT: dict[str, dict[str, Any]] = {
    cvxpy.CLARABEL: {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10},
    cvxpy.SCIPY: {"scipy_options": {"method": "highs"}},
}
TOUCHES = 1e-7  # as near as HiGHS, which SciPy calls, keeps a limit
MOST_NAMED = 8  # limits in an error


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that are best, and what the limits cost that keep them from being better.

    Attributes:
        weights: Shape (n_assets,), adding up to 1.
        row_prices: What each limit gains if it is one unit looser, shape (n_rows,), 0 or more.
        bound_prices: Likewise of the bound that an asset touches, shape (n_assets,).
        return_price: Risk that one unit more of the target return costs; None without a target.
    """

    weights: Floats
    row_prices: Floats
    bound_prices: Floats
    return_price: float | None


@dataclass(frozen=True, eq=False)
class WeightProblem:
    """Weights between bounds, adding up to 1, that keep linear limits.

    Attributes:
        assets: Names.
        mean: Expected returns, shape (n_assets,).
        risk: Of returns / scale.
        scale: Size of a return: solvers are exact for numbers near one.
        least, greatest: Bounds, shape (n_assets,).
        rows: Limits.
    """

    assets: Sequence[str]
    mean: Floats
    risk: Risk
    scale: float
    least: Floats
    greatest: Floats
    rows: Sequence[WeightRow]

    def check(self, target: float | None) -> None:
        """Refuse limits that no weights keep, a target return among them.

        Raises:
            ConfigError: With the limits that exclude each other, and the least that would do.
        """
        names = self._names(target)
        n, slack = len(self.assets), cvxpy.Variable(len(names), nonneg=True)
        weights = cvxpy.Variable(n)
        limits = self._limits(weights, target, slack)
        _solve(cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(slack)), limits), cvxpy.SCIPY)
        relaxed = np.asarray(slack.value)
        if relaxed.sum() <= TOUCHES:
            return
        # The prices of the relaxed problem prove by which limits it cannot be: Farkas.
        prices = np.concatenate([_prices(each) for each in limits[1:]])
        first_rows = np.argsort(np.arange(len(names)) < 2 * n, kind="stable")
        opposed = [names[place] for place in first_rows if prices[place] > TOUCHES]
        units = np.ones(len(names))
        units[len(names) - (target is not None) :] = self.scale
        cure = [
            f"{names[place]} by {relaxed[place] * units[place]:.4g}"
            for place in np.flatnonzero(relaxed > TOUCHES)
        ]
        raise ConfigError(
            f"No weights keep all limits; these exclude each other: {_listed(opposed)}. The least "
            f"that would do is to relax {_listed(cure)}."
        )

    def with_least_risk(self, target: float | None = None) -> Weights:
        """Return the weights of least risk; prices are in risk.

        Args:
            target: Least expected return.
        """
        weights = cvxpy.Variable(len(self.assets))
        limits = self._limits(weights, target)
        _solve(cvxpy.Problem(cvxpy.Minimize(self.risk.minimised(weights)), limits), self._solver)
        slope = self.risk.slope(np.asarray(weights.value, dtype=np.float64))
        return self._found(weights, limits, slope * self.scale, target)

    def with_greatest_utility(self, aversion: float) -> Weights:
        """Return the weights of the greatest expected return less the risk's penalty.

        Prices are in expected return.

        Args:
            aversion: Of `Risk.penalty`.
        """
        weights = cvxpy.Variable(len(self.assets))
        limits = self._limits(weights, None)
        penalty = self.risk.penalty(aversion, self.scale) * self.risk.minimised(weights)
        utility = self.mean / self.scale @ weights - penalty
        _solve(cvxpy.Problem(cvxpy.Maximize(utility), limits), self._solver)
        return self._found(weights, limits, self.scale, None)

    def frontier(self, points: int) -> list[Floats]:
        """Return weights of least risk, from the least return that is worth it to the greatest.

        Args:
            points: How many, 2 or more; one, if no weights have another return than those of least
                risk.
        """
        first = self.with_least_risk().weights
        low, high = float(self.mean @ first) / self.scale, self._greatest_return()
        if high - low <= TOUCHES:
            return [first]
        target, weights = cvxpy.Parameter(), cvxpy.Variable(len(self.assets))
        limits = [*self._limits(weights, None), self.mean / self.scale @ weights >= target]
        problem = cvxpy.Problem(cvxpy.Minimize(self.risk.minimised(weights)), limits)
        found = [first]
        for share in np.linspace(0, 1, points)[1:]:
            # A hair below the greatest return, which rounding may have made one that is none.
            target.value = low + share * (high - low) - TOUCHES / 2
            _solve(problem, self._solver)
            found.append(self._inside(weights))
        return found

    @property
    def _solver(self) -> str:
        return self.risk.solver

    def _greatest_return(self) -> float:
        weights = cvxpy.Variable(len(self.assets))
        reached = cvxpy.Maximize(self.mean / self.scale @ weights)
        problem = cvxpy.Problem(reached, self._limits(weights, None))
        _solve(problem, cvxpy.SCIPY)
        return float(problem.value)

    def _limits(
        self, weights: cvxpy.Variable, target: float | None, slack: cvxpy.Variable | None = None
    ) -> list[Any]:
        """Return the constraints: the sum, bounds from below and above, and the rows at last."""
        n = len(self.assets)
        rows = [row.sign * row.coefficients for row in self.rows]
        bounds = [row.sign * row.bound for row in self.rows]
        if target is not None:
            rows, bounds = [*rows, -self.mean / self.scale], [*bounds, -target / self.scale]
        free = np.zeros(2 * n + len(rows)) if slack is None else slack
        limits = [
            cvxpy.sum(weights) == 1,
            weights >= self.least - free[:n],
            weights <= self.greatest + free[n : 2 * n],
        ]
        if rows:
            limits.append(np.array(rows) @ weights <= np.array(bounds) + free[2 * n :])
        return limits

    def _found(
        self, weights: cvxpy.Variable, limits: list[Any], gain: float, target: float | None
    ) -> Weights:
        _, least, greatest, *others = limits
        prices = _prices(others[0]) if others else np.zeros(0)
        return Weights(
            self._inside(weights),
            prices[: len(self.rows)] * gain,
            np.maximum(_prices(least), _prices(greatest)) * gain,
            None if target is None else float(prices[-1]) * gain / self.scale,
        )

    def _inside(self, weights: cvxpy.Variable) -> Floats:
        return np.clip(np.asarray(weights.value, dtype=np.float64), self.least, self.greatest)

    def _names(self, target: float | None) -> list[str]:
        bounds = [
            f"bounds of '{name}' ({sense} {bound:g})"
            for sense, bounds in (("at least", self.least), ("at most", self.greatest))
            for name, bound in zip(self.assets, bounds, strict=True)
        ]
        rows = [f"limit '{row.name}' ({row.sense} {row.bound:g})" for row in self.rows]
        return [*bounds, *rows, *([] if target is None else [f"target_return ({target:g})"])]


def _prices(limit: Any) -> Floats:
    prices: Floats = np.atleast_1d(np.asarray(limit.dual_value, dtype=np.float64))
    return np.where(prices > TOUCHES, prices, 0.0)


def _solve(problem: cvxpy.Problem, solver: str) -> None:
    with np.errstate(invalid="ignore"):  # cvxpy itself takes infinite bounds times 0
        problem.solve(solver=solver, **EXACT[solver])
    if problem.status not in (cvxpy.OPTIMAL, cvxpy.OPTIMAL_INACCURATE):
        raise NodeFailed(
            f"The solver {solver} ended with '{problem.status}', though the limits can be kept. "
            "Loosen limits that leave almost no choice."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
