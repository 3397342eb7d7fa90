"""Logistic regression under constraints, by Newton steps over Spark."""

from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from penstock.errors import DataError
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import Design
from penstock.learn.scorecard.likelihood import Likelihood, Regression, likelihoods
from penstock.learn.scorecard.moments import DEPENDENT
from penstock.learn.scorecard.quadratic import minimise_quadratic

# Where goods and bads separate, PDs reach the last of 40 bits after some 27 steps.
MAX_STEPS = 25
TOLERANCE = 1e-10  # of the gradient of the mean loss, as far as no constraint withholds it
# Where goods and bads separate, the gradient fades too, but each step moves log-odds by some 1.
LARGEST_LAST_STEP = 1e-4
# Sums are rounded to 40 bits: a change of the mean loss below this is none.
LOSS_ROUNDING = 1e-10
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A regression at its optimum.

    Attributes:
        columns: Names of the columns.
        theta: Shape (1 + n_columns,): intercept, then coefficients.
        likelihood: Loss and derivatives, before the last step (which moves nothing but rounding).
        steps: Newton steps taken.
    """

    columns: tuple[str, ...]
    theta: NDArray[np.float64]
    likelihood: Likelihood
    steps: int


def fit_regression(
    rows: DataFrame,
    design: Design,
    *,
    constraints: Constraints,
    ridge: float,
    start: NDArray[np.float64] | None = None,
) -> FittedRegression:
    """Fit the log-odds of bad as a linear function of a design's columns.

    Minimises the mean loss + ridge / 2 x the sum of squared coefficients (the intercept goes free)
    under the constraints. Each step minimises the second-order expansion under the same
    constraints, and is halved where the loss would rise; each costs one Spark job. It ends when the
    gradient, less what active constraints hold against it, is below 1e-10. The same rows give the
    same bits.

    Args:
        rows: From `design_rows`.
        design: From `check_design`: the columns to fit.
        constraints: On the coefficients.
        ridge: Strength of the penalty, >= 0.
        start: First theta, shape (1 + n_columns,), within the constraints.

    Raises:
        ConfigError: The constraints contradict one another.
        DataError: A column separates goods from bads, or columns determine one another, so that no
            finite or no single optimum exists.

    Source:
        Sequential quadratic programming with the exact Hessian: Nocedal and Wright, Numerical
        Optimization (2006), section 18.1.
    """
    constraints.check(design.columns)
    if not ridge:
        refuse_separation(design, constraints)
    theta = _first(design, constraints) if start is None else start
    [at] = likelihoods(rows, design, [Regression(theta)])
    _refuse_dependence(curved(at.hessian, ridge), design.columns)
    moved = np.zeros_like(theta)
    for steps in range(1, MAX_STEPS + 1):
        try:
            wanted = step_towards(
                at, theta, design.columns, design.columns, constraints=constraints, ridge=ridge
            )
        except LinAlgError:  # no row is left whose PD is neither 0 nor 1
            break
        step = wanted - theta
        moved = np.abs(step) * np.append(1.0, design.largest)
        held = np.abs(curved(at.hessian, ridge) @ step).max()
        if held <= TOLERANCE and moved.max() <= LARGEST_LAST_STEP:
            return FittedRegression(design.columns, wanted, at, steps)
        theta, at = _search(rows, design, theta, step, at=at, ridge=ridge)
    grows = moved[1:] > LARGEST_LAST_STEP
    raise _unbounded([name for name, so in zip(design.columns, grows, strict=True) if so])


def step_towards(
    at: Likelihood,
    theta: NDArray[np.float64],
    all_columns: tuple[str, ...],
    columns: tuple[str, ...],
    *,
    constraints: Constraints,
    ridge: float,
) -> NDArray[np.float64]:
    """Return the constrained minimum of the loss's expansion where some columns alone count.

    Args:
        at: The likelihood at theta.
        theta: Shape (1 + len(all_columns),).
        all_columns: The columns of theta.
        columns: Those that may have a coefficient; the others get 0.
        constraints: On the coefficients.
        ridge: Strength of the penalty, >= 0.

    Returns:
        Shape (1 + len(all_columns),).

    Raises:
        LinAlgError: The loss does not bend in some direction.
    """
    places = [0, *(1 + all_columns.index(name) for name in columns)]
    linear = (at.gradient - at.hessian @ theta)[places]
    hessian = curved(at.hessian[np.ix_(places, places)], ridge)
    sides, limits = constraints.inequalities(columns)
    found = minimise_quadratic(hessian, linear, sides, limits)
    wanted = np.zeros_like(theta)
    wanted[places] = constraints.on_bounds(found, columns)
    return wanted


def _search(
    rows: DataFrame,
    design: Design,
    theta: NDArray[np.float64],
    step: NDArray[np.float64],
    *,
    at: Likelihood,
    ridge: float,
) -> tuple[NDArray[np.float64], Likelihood]:
    before = penalised(at, theta, ridge)
    for halving in range(HALVINGS):
        tried = theta + step / 2**halving
        [then] = likelihoods(rows, design, [Regression(tried)])
        if penalised(then, tried, ridge) <= before + LOSS_ROUNDING:
            return tried, then
    raise DataError(
        f"The loss of the scorecard on {', '.join(design.columns)} does not fall along its own "
        f"gradient: its columns are too large or too alike for doubles."
    )


def penalised(at: Likelihood, theta: NDArray[np.float64], ridge: float) -> float:
    """Return the mean loss with the penalty on its coefficients, what a regression minimises."""
    return at.loss + ridge / 2 * float(theta[1:] @ theta[1:])


def curved(hessian: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Return the Hessian of the loss with its penalty: all but the intercept have a ridge."""
    return hessian + ridge * np.diag([0.0, *np.ones(len(hessian) - 1)])


def _first(design: Design, constraints: Constraints) -> NDArray[np.float64]:
    """Return the coefficients nearest to 0 that the constraints allow."""
    start = no_coefficients(design)
    sides, limits = constraints.inequalities(design.columns)
    nearest = minimise_quadratic(np.eye(len(start)), -start, sides, limits)
    return constraints.on_bounds(nearest, design.columns)


def no_coefficients(design: Design) -> NDArray[np.float64]:
    """Return the regression that knows the share of bads only, shape (1 + n_columns,)."""
    log_odds = np.log(design.bad_share / (1 - design.bad_share))
    return np.array([log_odds, *np.zeros(len(design.columns))])


def refuse_separation(design: Design, constraints: Constraints) -> None:
    """Refuse a column whose greatest value of one class is at most the least of the other.

    Raises:
        DataError: There are such columns, and no bound keeps their coefficients finite.
    """
    separating = []
    for name, ends in zip(design.columns, design.ranges, strict=True):
        least_good, greatest_good, least_bad, greatest_bad = ends
        varies = min(least_good, least_bad) < max(greatest_good, greatest_bad)
        low, high = constraints.bound(name)
        falls = greatest_bad <= least_good and np.isneginf(low)
        rises = greatest_good <= least_bad and np.isposinf(high)
        if varies and (falls or rises):
            separating.append(name)
    if separating:
        raise _unbounded(separating)


def _unbounded(columns: list[str]) -> DataError:
    return DataError(
        f"Goods and bads are separated by {', '.join(columns)}: the coefficients grow without end. "
        f"Look for a leak of the outcome; leave such columns out, bound them, or set a ridge."
    )


def _refuse_dependence(hessian: NDArray[np.float64], columns: tuple[str, ...]) -> None:
    scale = np.sqrt(np.maximum(np.diag(hessian), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    if values[0] > DEPENDENT:
        return
    parts = np.abs(vectors[1:, 0]) > np.sqrt(DEPENDENT)
    named = [name for name, takes_part in zip(columns, parts, strict=True) if takes_part]
    raise DataError(
        f"Columns {', '.join(named)} determine one another, or do not vary: their coefficients are "
        f"not unique. Leave one out or set a ridge."
    )
