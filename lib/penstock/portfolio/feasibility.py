"""Limits that no plan can meet: the proof, the limits that conflict, and the least that helps.

With l >= 0, l b + sum max(0, max(-a l)) < 0 says that no plan, not even one in parts, keeps the
rows (Farkas). The same search as for profit finds such l: it asks for the least excess over all
limits, each in its own unit, and no profit.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import MILLION, Floats
from penstock.portfolio.dual import Scales
from penstock.portfolio.passes import InMemory, Passes
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import SAMPLE, Search, moved_by

_SURE = Fraction(1, 10**9)
_NEAR = 0.01  # of the least excess: how near to it the relaxation of a limit need be
_OF_MOVED = 0.1  # of what offers move a limit: its unit where the bound is less
_MOST_TOLD = 8  # limits whose relaxation is sought one by one
# Of the price of excess, where the search begins: at prices of 0 everyone is indifferent, and no
# way leads down.
_HALF = 0.5


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


def seems_possible(problem: Problem, passes: Passes, tolerance: float) -> bool:
    """Return whether some applicants, on their share of all bounds, can keep the hard limits.

    They lie on the driver: a pass over all offers is saved. It proves nothing of all the others.
    """
    few = InMemory(passes.subsample(SAMPLE), problem.n_cells)
    share = Fraction(few.applicants, max(passes.applicants, 1))
    rows = tuple(replace(row, bound=share * row.bound) for row in problem.rows)
    search, _ = _least_excess(_hard(replace(problem, rows=rows)), few, tolerance)
    return not _is_excess(search)


def find_conflict(problem: Problem, passes: Passes, tolerance: float) -> Conflict | None:
    """Return why no plan keeps the hard limits; None if nothing speaks against one."""
    hard = _hard(problem)
    search, units = _least_excess(hard, passes, tolerance)
    if not _is_excess(search):
        return None
    multipliers: dict[str, float] = {}
    for row, price in zip(hard.rows, search.prices, strict=True):
        if price > 0:  # a tail limit is as many rows as it has cuts
            multipliers[row.limit] = multipliers.get(row.limit, 0.0) + float(price)
    names = [row.limit for row in hard.rows]
    relaxed = {
        name: _alone(hard, units, names.index(name), passes, tolerance)
        for name in list(multipliers)[:_MOST_TOLD]
    }
    return Conflict(multipliers, float(search.bound / MILLION), relaxed)


def _hard(problem: Problem) -> Problem:
    return replace(problem, rows=tuple(row for row in problem.rows if row.penalty is None))


def _least_excess(hard: Problem, passes: Passes, tolerance: float) -> tuple[Search, Floats]:
    """Return the search for the least excess over all limits, and their units."""
    units = _units(hard, passes)
    soft = {row.limit for row in hard.rows}
    search = Search(_elastic(hard, units, soft), passes, tolerance, _scales(units))
    search.find_prices(_HALF / units)
    return search, units


def _is_excess(search: Search) -> bool:
    # Bounds are those of least excess, in shares of each limit: 0 is what a plan within all has.
    return search.bound <= -_SURE * MILLION


def _alone(hard: Problem, units: Floats, at: int, passes: Passes, tolerance: float) -> float | None:
    """Return the bound that one limit would have to take, the others being kept."""
    elastic = _elastic(hard, units, {hard.rows[at].limit})
    near = max(tolerance, _NEAR)
    solution = Search(elastic, passes, near, _scales(units)).solve(_HALF / units)
    if solution.plan is None:
        return None
    row = hard.rows[at]
    excess = hard.exact_usages(solution.plan.sums)[at] - row.bound * MILLION
    for tail in hard.tails:
        if tail.name == row.limit:
            excess = hard.tail_excess(tail, solution.plan.sums)
    needed = max(excess, Fraction(0)) / MILLION
    if row.per is not None:
        of_per = 1 + hard.measures.index(row.per)
        needed *= Fraction(MILLION, int(sum(solution.plan.sums.whole()[:, of_per])) or MILLION)
    return float(row.limited_to + (needed if row.sense == "at most" else -needed))


def _units(hard: Problem, passes: Passes) -> Floats:
    """Return the unit of each limit: its bound, or a tenth of what floors' best offers move it."""
    floors = np.array([-1 / bound if bound < 0 else 0.0 for bound in hard.bounds])
    [sums] = passes.sums([replace(hard, profit=0).values(floors)])
    moved = _OF_MOVED * moved_by(hard, sums)
    return np.maximum(np.maximum(np.abs(hard.bounds), moved) / MILLION, 1.0)


def _scales(units: Floats) -> Scales:
    return Scales(float(MILLION), units * MILLION)


def _elastic(problem: Problem, units: Floats, soft: set[str]) -> Problem:
    """Return the problem of least excess over some limits, in units, all others being kept."""
    rows = tuple(
        replace(row, penalty=1 / Fraction(float(unit))) if row.limit in soft else row
        for row, unit in zip(problem.rows, units, strict=True)
    )
    tails = tuple(tail for tail in problem.tails if tail.name not in soft)
    return replace(problem, rows=rows, profit=0, tails=tails)
