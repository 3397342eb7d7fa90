"""The risk of weights: volatility from a covariance, or expected shortfall from past periods.

Both kinds offer the same: what is minimised, what it is called and worth, and what assets add.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import cvxpy
import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

Floats = NDArray[np.float64]

Estimator = Literal["sample", "ledoit_wolf"]


class Risk(Protocol):
    """A measure of risk.

    Attributes:
        name: Its name.
        solver: cvxpy's name of the solver that is most exact for it.
    """

    name: str
    solver: str

    def minimised(self, weights: cvxpy.Variable) -> cvxpy.Expression:
        """Return a convex function that rises with the risk."""
        ...

    def of(self, weights: Floats) -> float:
        """Return the risk by period, a fraction."""
        ...

    def contributions(self, weights: Floats) -> Floats:
        """Return what each asset adds to the risk, shape (n,); they add up to it.

        Source:
            Euler's theorem for homogeneous functions: Tasche, Risk Contributions and Performance
            Measurement (1999).
        """
        ...

    def slope(self, weights: Floats) -> float:
        """Return what the risk rises by as `minimised` rises by one."""
        ...

    def penalty(self, aversion: float, scale: float) -> float:
        """Return what one of `minimised` costs of expected return, both of returns / scale.

        Args:
            aversion: Return that one of half the variance, or of the shortfall, costs.
        """
        ...


@dataclass(frozen=True, eq=False)
class Volatility(Risk):
    """Standard deviation; its square, the variance, is minimised.

    Attributes:
        covariance: Shape (n, n).

    Source:
        Markowitz, Portfolio Selection, Journal of Finance 7 (1952).
    """

    covariance: Floats
    name = "volatility"
    solver = cvxpy.CLARABEL

    def minimised(self, weights: cvxpy.Variable) -> cvxpy.Expression:
        """Return the variance."""
        values, vectors = np.linalg.eigh(self.covariance)
        # Rounding may leave what is 0 a hair below.
        factor = vectors * values.clip(min=0.0) ** 0.5
        return cvxpy.sum_squares(factor.T @ weights)

    def of(self, weights: Floats) -> float:
        """Return the standard deviation."""
        return math.sqrt(max(float(weights @ self.covariance @ weights), 0.0))

    def contributions(self, weights: Floats) -> Floats:
        """Return weight x covariance with the portfolio / volatility; 0 of a riskless one."""
        risk = self.of(weights)
        added: Floats = weights * (self.covariance @ weights) / (risk or 1.0)
        return added

    def slope(self, weights: Floats) -> float:
        """Return 1 / (2 volatility)."""
        risk = self.of(weights)
        return 1 / (2 * risk) if risk else 0.0

    def penalty(self, aversion: float, scale: float) -> float:
        """Return aversion x scale / 2: a variance is of squared returns."""
        return aversion * scale / 2


@dataclass(frozen=True, eq=False)
class Shortfall(Risk):
    """Expected shortfall (CVaR): mean loss over the worst share 1 - level of past periods.

    Attributes:
        by_period: Returns, shape (n_periods, n).
        level: Such as 0.95. If less than one period lies beyond, it is the worst one's loss.

    Source:
        Rockafellar and Uryasev, Optimization of Conditional Value-at-Risk, Journal of Risk 2 (2000)
        and Conditional Value-at-Risk for General Loss Distributions, Journal of Banking and Finance
        26 (2002).
    """

    by_period: Floats
    level: float
    name = "shortfall"
    solver = cvxpy.SCIPY

    def minimised(self, weights: cvxpy.Variable) -> cvxpy.Expression:
        """Return the shortfall, as the least value over the value at risk."""
        at_risk = cvxpy.Variable()
        beyond = cvxpy.pos(-self.by_period @ weights - at_risk)
        return at_risk + cvxpy.sum(beyond) / self._periods_beyond

    def of(self, weights: Floats) -> float:
        """Return the shortfall, a loss above 0."""
        return float(self.contributions(weights).sum())

    def contributions(self, weights: Floats) -> Floats:
        """Return weight x mean loss of the asset over the portfolio's worst periods."""
        losses = -self.by_period @ weights
        worst = np.argsort(-losses, kind="stable")
        counted = np.zeros(len(losses))
        counted[worst] = np.clip(self._periods_beyond - np.arange(len(losses)), 0.0, 1.0)
        counted /= counted.sum()
        added: Floats = -weights * (counted @ self.by_period)
        return added

    def slope(self, weights: Floats) -> float:
        """Return 1: the shortfall itself is minimised."""
        return 1.0

    def penalty(self, aversion: float, scale: float) -> float:
        """Return the aversion itself."""
        return aversion

    @property
    def _periods_beyond(self) -> float:
        return len(self.by_period) * (1 - self.level)


def covariance_of(by_period: Floats, estimator: Estimator) -> tuple[Floats, float | None]:
    """Return the covariance of returns, shape (n, n), and how far it was shrunk, 0-1.

    Args:
        by_period: Shape (n_periods, n).
        estimator: "sample", which is not shrunk (None), or "ledoit_wolf", towards equal variances
            without correlation: for few periods or many assets.

    Source:
        Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices,
        Journal of Multivariate Analysis 88 (2004).
    """
    if estimator == "sample":
        return np.atleast_2d(np.cov(by_period, rowvar=False)), None
    found: tuple[Any, Any] = ledoit_wolf(by_period)
    return np.asarray(found[0]), float(found[1])
