"""The likelihood of logistic regressions with its first two derivatives, in one pass for several.

Several regressions, each without the rows of one fold, cost one reading of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from penstock.learn.scorecard.design import Block, Design, Factor, sum_products
from penstock.learn.scorecard.exact import exponent_above


@dataclass(frozen=True, eq=False)
class Regression:
    """Coefficients of one regression and the fold it leaves out.

    Attributes:
        theta: Shape (1 + n_columns,): intercept, then a coefficient for each column of the design.
        without: Fold that it does not learn from, and without which the values of columns are, if
            the design says so; None: it learns from all rows.
    """

    theta: NDArray[np.float64]
    without: int | None = None


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Mean loss (negative log-likelihood by unit of weight) of a regression and its derivatives.

    Attributes:
        weight: Weight of the rows it learns from.
        loss: Their mean loss, in nats.
        gradient: Of the loss, shape (1 + n_columns,).
        hessian: Of the loss, shape (1 + n_columns, 1 + n_columns).
        held_out: Summed, not mean, loss of the fold left out; 0 without one.
    """

    weight: float
    loss: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]
    held_out: float


def likelihoods(
    rows: DataFrame, design: Design, regressions: Sequence[Regression]
) -> list[Likelihood]:
    """Return the likelihood of each regression, in one Spark job.

    Args:
        rows: From `design_rows`.
        design: Columns of the regressions.
        regressions: At least one; each leaves some rows to learn from.
    """
    factors = [
        Factor(
            partial(_derivatives, theta=regression.theta, without=regression.without),
            _exponents(regression.theta, design),
            regression.without,
        )
        for regression in regressions
    ]
    n = len(design.columns) + 1
    return [_likelihood(sums, n) for sums in sum_products(rows, design, factors)]


def _exponents(theta: NDArray[np.float64], design: Design) -> NDArray[np.int64]:
    """Bound, for one regression: curvature times columns, residual, weight, and two losses."""
    weight = exponent_above(design.largest_weight)
    # A loss is at most ln 2 more than the absolute log-odds.
    log_odds = np.abs(theta) @ np.ldexp(1.0, design.exponents)
    loss = exponent_above(float(log_odds) + 1) + weight
    return np.concatenate((design.exponents + weight - 2, [weight, weight, loss, loss]))


def _derivatives(
    block: Block, *, theta: NDArray[np.float64], without: int | None
) -> NDArray[np.float64]:
    # Column by column: a matrix product adds in another order at the edge of a block of rows.
    log_odds = np.zeros_like(block.label)
    for values, coefficient in zip(block.values, theta, strict=True):
        log_odds += values * coefficient
    small = np.exp(-np.abs(log_odds))
    bad = np.where(log_odds >= 0, 1.0, small) / (1 + small)
    loss = np.maximum(log_odds, 0) - block.label * log_odds + np.log1p(small)
    learns = block.weight if without is None else block.weight * (block.fold != without)
    return np.vstack(
        (
            block.values * (learns * bad * (1 - bad)),
            learns * (bad - block.label),
            learns,
            learns * loss,
            (block.weight - learns) * loss,
        )
    )


def _likelihood(sums: NDArray[np.float64], n: int) -> Likelihood:
    hessian = (sums[:, :n] + sums[:, :n].T) / 2
    weight, loss, held_out = sums[0, n + 1 :]
    return Likelihood(
        float(weight), float(loss / weight), sums[:, n] / weight, hessian / weight, float(held_out)
    )
