"""Prices of limits: the dual of the problem on a sample, by Newton's method.

The dual g(l) = l b + sum max(0, max(p - a l)) is convex and has kinks where an applicant is
indifferent. Value and gradient are exact; the Hessian, which a sum of kinks has only in the mean,
is that of the applicants who are nearly indifferent. Source: Lagrangian relaxation, Geoffrion 1974.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear
from threadpoolctl import threadpool_limits

from penstock.portfolio.choice import NOBODY, Floats, Ints, Offers, choose, sum_over, worths
from penstock.portfolio.problem import Problem

_MOST_STEPS = 60
_FIRST_REACH, _LEAST_REACH = 1.0, 1e-10  # of a step, in units of prices
_GOOD, _WIDER, _NARROWER = 0.3, 2.0, 4.0  # gain to the one foreseen; what follows for the reach
_SMALL = 1e-4  # gain, to the share of applicants that the Hessian is made of
_APART = 1e-300  # bounds of a price that cannot move
_PRECISION = 1e-12  # of the dual's value, below which a step gains nothing
_NEAR = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005)  # shares of applicants that make the Hessian, in turn
_LEAST_NEAR = 10  # applicants for each row
_PRICED = 1e-9  # of a price's unit, below which there is none
_RIDGE = 1e-7


@dataclass(frozen=True)
class Scales:
    """Units in which prices are near 1: of profit, and of what each row uses, in millionths."""

    profit: float
    rows: Floats


@dataclass(frozen=True)
class Sampled:
    """The dual of a sample at given prices.

    Attributes:
        value: Of the dual, in millionths.
        slopes: Of the dual by each price: bound less usage, in millionths.
    """

    value: float
    slopes: Floats


def dual_at(problem: Problem, sample: Offers, bounds: Floats, prices: Floats) -> Sampled:
    """Return value and slopes of the sample's dual, for bounds of its own."""
    worth = worths(sample, problem.values(prices))
    rows = choose(sample, worth).rows
    made = rows[rows != NOBODY]
    slopes = bounds - problem.usages(sum_over(sample, made, problem.n_cells))
    return Sampled(float(np.sum(worth[made]) + np.einsum("k,k->", prices, bounds)), slopes)


def newton(
    problem: Problem, sample: Offers, bounds: Floats, scales: Scales, start: Floats
) -> Floats:
    """Return prices that make the sample's dual least.

    Args:
        bounds: Of the sample, in millionths.
        start: Prices to begin at.
    """
    with threadpool_limits(1, user_api="blas"):  # the same prices on any number of cores
        return _newton(problem, sample, bounds, scales, start)


def row_usages(problem: Problem, offers: Offers, rows: Ints) -> Floats:
    """Return what each of some offers uses of each limit, offers x rows, in millionths.

    `NOBODY` uses nothing.
    """
    weights = problem.weights[:, offers.cells[rows], :]
    used: Floats = np.einsum("knm,mn->nk", weights, offers.amounts[:, rows])
    used[rows == NOBODY] = 0
    return used


def _newton(
    problem: Problem, sample: Offers, bounds: Floats, scales: Scales, start: Floats
) -> Floats:
    unit = scales.profit / scales.rows
    prices, found = start, dual_at(problem, sample, bounds, start)
    stage, reach = 0, _FIRST_REACH
    for _ in range(_MOST_STEPS):
        hessian = _hessian(problem, sample, prices, scales, _NEAR[stage])
        slopes = found.slopes * unit / scales.profit
        step = _box_step(hessian, slopes, prices / unit, problem.highest / unit, reach)
        tried = np.clip(prices + unit * step, 0, problem.highest)
        at = dual_at(problem, sample, bounds, tried)
        gain = (found.value - at.value) / scales.profit
        foreseen = -float(slopes @ step + 0.5 * step @ hessian @ step)
        if gain > 0:
            prices, found = tried, at
        if gain > _GOOD * foreseen:
            reach = max(reach, _WIDER * float(np.abs(step).max()))
        else:
            reach = float(np.abs(step).max()) / _NARROWER
        if gain < _SMALL * _NEAR[stage] and (gain > 0 or foreseen < _SMALL * _NEAR[stage]):
            if stage + 1 == len(_NEAR) and gain <= _PRECISION and foreseen <= _PRECISION:
                break
            stage = min(stage + 1, len(_NEAR) - 1)
        if reach < _LEAST_REACH:
            break
    return np.where(prices > _PRICED * unit, prices, 0.0)


def _hessian(
    problem: Problem, sample: Offers, prices: Floats, scales: Scales, share: float
) -> Floats:
    choice = choose(sample, worths(sample, problem.values(prices)))
    # Who has nothing to choose from is indifferent whatever the prices.
    open_ = np.flatnonzero((choice.rows != NOBODY) | (choice.others != NOBODY))
    wanted = max(int(share * len(open_)), _LEAST_NEAR * len(problem.rows), 1)
    margins = choice.margins[open_]
    wanted = min(wanted, len(margins))
    if not wanted:
        return np.eye(len(problem.rows))
    width = max(float(np.partition(margins, wanted - 1)[wanted - 1]), 1.0)
    near = open_[margins <= width]
    moved = row_usages(problem, sample, choice.rows[near])
    moved -= row_usages(problem, sample, choice.others[near])
    moved /= scales.rows
    density = scales.profit / (2 * width)
    hessian: Floats = density * np.einsum("nk,nl->kl", moved, moved)
    return hessian


def _box_step(
    hessian: Floats, slopes: Floats, prices: Floats, highest: Floats, reach: float
) -> Floats:
    """Return the step s that makes slopes s + s H s / 2 least, prices + s being in 0..highest.

    No price moves farther than `reach`.
    """
    floor = max(float(np.max(np.diag(hessian))), 1e-12) * _RIDGE
    # A row with nobody near indifference has a zero row.
    ridged = hessian + np.diag(np.maximum(floor, 1e-3 * floor / _RIDGE * (np.diag(hessian) <= 0)))
    root = np.linalg.cholesky(ridged).T
    aim = np.linalg.solve(root.T, -slopes)
    low, high = np.maximum(-prices, -reach), np.minimum(highest - prices, reach)
    solved = lsq_linear(root, aim, bounds=(low, np.maximum(high, low + _APART)), method="bvls")
    step: Floats = np.clip(solved.x, low, high)
    return step
