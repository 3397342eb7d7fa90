"""Limits that no plan can meet: the proof, the limits that conflict, and the least that helps.

With l >= 0, l b + sum max(0, max(-a l)) < 0 says that no plan, not even one in parts, keeps the
rows (Farkas). The same search as for profit finds such l: it asks for the least excess over all
limits, each in its own unit, and no profit.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import MILLION, Floats
from penstock.portfolio.passes import Passes
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import Search

_SURE = Fraction(1, 10**9)
_MOST_TOLD = 8  # limits whose relaxation is sought one by one
_FIRM = 1000  # times dearer than the one limit that gives way


@dataclass(frozen=True)
class Conflict:
    """Limits that no plan can meet together.

    Attributes:
        multipliers: Limit to its multiplier, above 0: added with them, the limits leave nothing.
        shortfall: Below 0: what is left at most, sum l b + sum max(0, max(-a l)).
        relaxed: Limit to the bound, in its unit, that it alone would have to take; None where no
            change of it alone helps.
    """

    multipliers: dict[str, float]
    shortfall: float
    relaxed: dict[str, float | None]


def needs_offers(problem: Problem) -> bool:
    """Return whether a plan without any offer breaks a hard limit."""
    return any(row.bound < 0 and row.penalty is None for row in problem.rows)


def find_conflict(problem: Problem, passes: Passes, tolerance: float) -> Conflict | None:
    """Return why no plan keeps the hard limits; None if nothing speaks against one."""
    hard = replace(problem, rows=tuple(row for row in problem.rows if row.penalty is None))
    search = Search(_elastic(hard, _units(hard)), passes, tolerance)
    search.find_prices()
    assert search.bound is not None
    # Bounds are those of least excess, in shares of each limit: 0 is what a plan within all has.
    if search.bound > -_SURE * MILLION:
        return None
    multipliers = search.prices
    conflicting = [at for at, price in enumerate(multipliers) if price > 0]
    relaxed = {
        hard.rows[at].limit: _alone(hard, at, passes, tolerance) for at in conflicting[:_MOST_TOLD]
    }
    return Conflict(
        {hard.rows[at].limit: float(multipliers[at]) for at in conflicting},
        float(search.bound / MILLION),
        relaxed,
    )


def _alone(hard: Problem, at: int, passes: Passes, tolerance: float) -> float | None:
    """Return the bound that one limit would have to take, the others being kept."""
    units = _units(hard) * np.where(np.arange(len(hard.rows)) == at, _FIRM, 1.0)
    solution = Search(_elastic(hard, units), passes, tolerance).solve()
    if solution.plan is None:
        return None
    used = hard.exact_usages(solution.plan.sums)
    excess = [use - row.bound * MILLION for use, row in zip(used, hard.rows, strict=True)]
    if any(each > 0 for other, each in enumerate(excess) if other != at):
        return None
    row = hard.rows[at]
    needed = max(excess[at], Fraction(0)) / MILLION
    if row.per is not None:
        of_per = 1 + hard.measures.index(row.per)
        needed *= Fraction(MILLION, int(sum(solution.plan.sums.whole()[:, of_per])) or MILLION)
    return float(row.limited_to + (needed if row.sense == "at most" else -needed))


def _units(problem: Problem) -> Floats:
    return np.maximum(np.abs(problem.bounds), float(MILLION)) / MILLION


def _elastic(problem: Problem, units: Floats) -> Problem:
    """Return the problem of least excess over all limits, in units."""
    rows = tuple(
        replace(row, penalty=1 / Fraction(float(unit)))
        for row, unit in zip(problem.rows, units, strict=True)
    )
    return replace(problem, rows=rows, profit=0)
