"""Weights of assets that are best under limits: the convex problems, and what limits cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cvxpy
import numpy as np
from numpy.typing import NDArray

from penstock.errors import ConfigError, NodeFailed
from penstock.portfolio.asset_risk import Risk
from penstock.portfolio.weight_limits import WeightRow

Floats = NDArray[np.float64]

# Returns are scaled to a size of one: these are relative.
EXACT: dict[str, dict[str, Any]] = {
    cvxpy.CLARABEL: {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10},
    cvxpy.SCIPY: {"scipy_options": {"method": "highs"}},
}
TOUCHES = 1e-7  # as near as HiGHS, which SciPy calls, keeps a limit
TARGET = "target_return"
MOST_NAMED = 8  # limits in an error


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that are best, and what the limits cost that keep them from being better.

    Attributes:
        weights: Shape (n_assets,), adding up to 1.
        row_prices: What one unit more of each limit gains, shape (n_rows,), 0 or more.
        bound_prices: Likewise of the bound that an asset touches, shape (n_assets,).
    """

    weights: Floats
    row_prices: Floats
    bound_prices: Floats


@dataclass(frozen=True, eq=False)
class WeightProblem:
    """Weights between bounds, adding up to 1, that keep linear limits.

    Attributes:
        assets: Names.
        mean: Expected returns, shape (n_assets,), of the size of one.
        risk: Of the same returns.
        least, greatest: Bounds, shape (n_assets,).
        rows: Limits.
    """

    assets: Sequence[str]
    mean: Floats
    risk: Risk
    least: Floats
    greatest: Floats
    rows: Sequence[WeightRow]

    def check(self) -> None:
        """Refuse limits that no weights keep.

        Raises:
            ConfigError: With the limits that exclude each other, and the least that would do.
        """
        names = [*self._bound_names(), *(f"limit '{row.name}' ({row.sense})" for row in self.rows)]
        n, slack = len(self.assets), cvxpy.Variable(len(names), nonneg=True)
        weights, given = cvxpy.Variable(n), slack[: 2 * n]
        limits = [
            weights >= self.least - given[:n],
            weights <= self.greatest + given[n:],
            *self._row_limits(weights, slack[2 * n :]),
        ]
        problem = cvxpy.Problem(
            cvxpy.Minimize(cvxpy.sum(slack)), [cvxpy.sum(weights) == 1, *limits]
        )
        _solve(problem, cvxpy.SCIPY)
        relaxed = np.asarray(slack.value)
        if relaxed.sum() <= TOUCHES:
            return
        # The prices of the relaxed problem prove by which limits it cannot be: Farkas.
        prices = np.concatenate([np.atleast_1d(np.asarray(each.dual_value)) for each in limits])
        opposed = [name for name, price in zip(names, prices, strict=True) if price > TOUCHES]
        cure = [f"{names[i]} by {relaxed[i]:.4g}" for i in np.flatnonzero(relaxed > TOUCHES)]
        raise ConfigError(
            f"No weights keep all limits; these exclude each other: {_listed(opposed)}. The least "
            f"that would do is to relax {_listed(cure)}."
        )

    def with_least_risk(self) -> Weights:
        """Return the weights of least risk."""
        weights = cvxpy.Variable(len(self.assets))
        return self._best(weights, self.risk.minimised(weights))

    def with_greatest_utility(self, aversion: float) -> Weights:
        """Return the weights of the greatest expected return less aversion x what is minimised."""
        weights = cvxpy.Variable(len(self.assets))
        risk = self.risk.minimised(weights)
        return self._best(weights, aversion * risk - self.mean @ weights)

    def with_greatest_return(self) -> Weights:
        """Return the weights of the greatest expected return."""
        weights = cvxpy.Variable(len(self.assets))
        return self._best(weights, -self.mean @ weights, solver=cvxpy.SCIPY)

    @cached_property
    def _matrix(self) -> Floats:
        rows = [row.sign * row.coefficients for row in self.rows]
        return np.array(rows).reshape(len(rows), len(self.assets))

    def frontier(self, points: int) -> list[Floats]:
        """Return weights of least risk, from the least return that is worth it to the greatest.

        Args:
            points: How many, 2 or more.
        """
        first, last = self.with_least_risk().weights, self.with_greatest_return().weights
        low, high = float(self.mean @ first), float(self.mean @ last)
        if high - low <= TOUCHES:
            return [first]
        target, weights = cvxpy.Parameter(), cvxpy.Variable(len(self.assets))
        limits = [*self._limits(weights), self.mean @ weights >= target]
        problem = cvxpy.Problem(cvxpy.Minimize(self.risk.minimised(weights)), limits)
        found = [first]
        for share in np.linspace(0, 1, points)[1:]:
            # A hair below the greatest return: at it there may be one solution only.
            target.value = low + share * (high - low) - TOUCHES / 2
            _solve(problem, self.risk.solver)
            found.append(self._inside(weights))
        return found

    def _best(
        self, weights: cvxpy.Variable, minimised: cvxpy.Expression, solver: str = ""
    ) -> Weights:
        limits = self._limits(weights)
        _solve(cvxpy.Problem(cvxpy.Minimize(minimised), limits), solver or self.risk.solver)
        _, least, greatest, *rows = limits
        return Weights(
            self._inside(weights),
            np.concatenate([np.atleast_1d(np.asarray(row.dual_value)) for row in rows])
            if rows
            else np.zeros(0),
            np.maximum(np.asarray(least.dual_value), np.asarray(greatest.dual_value)),
        )

    def _limits(self, weights: cvxpy.Variable) -> list[Any]:
        return [
            cvxpy.sum(weights) == 1,
            weights >= self.least,
            weights <= self.greatest,
            *self._row_limits(weights, 0.0),
        ]

    def _row_limits(self, weights: cvxpy.Variable, slack: Any) -> list[Any]:
        bounds = np.array([row.sign * row.bound for row in self.rows])
        return [self._matrix @ weights <= bounds + slack] if self.rows else []

    def _inside(self, weights: cvxpy.Variable) -> Floats:
        return np.clip(np.asarray(weights.value, dtype=np.float64), self.least, self.greatest)

    def _bound_names(self) -> list[str]:
        return [
            f"bounds of '{name}' ({sense} {bound:g})"
            for sense, bounds in (("at least", self.least), ("at most", self.greatest))
            for name, bound in zip(self.assets, bounds, strict=True)
        ]


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
