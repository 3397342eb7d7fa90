"""Limits that no plan can meet: the proof, the limits that conflict, and the least that helps.

With l >= 0, l b + sum max(0, max(-a l)) < 0 says that no plan, not even one in parts, keeps the
rows (Farkas). The same search as for profit finds such l: it asks for the least excess over all
limits, each in its own unit, and no profit.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import copysign, sqrt

import numpy as np

from penstock.portfolio.choice import MILLION, Floats, Sums
from penstock.portfolio.dual import Scales
from penstock.portfolio.limits import exact
from penstock.portfolio.passes import InMemory, Passes
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import SAMPLE, Search, moved_by
from penstock.portfolio.solution import Solution

_SURE = Fraction(1, 10**9)
_NEAR = 0.01  # of the least excess: how near to it the relaxation of a limit need be
_OF_MOVED = 0.1  # of what offers move a limit: its unit where the bound is less
_TRACE = 1e-6  # of the price of excess: multipliers below it may be what steps have left
_MOST_TOLD = 8  # limits whose relaxation is sought one by one
_MOST_RATIOS = 10  # that are tried for one of them
# Of the price of excess, where the search begins: at prices of 0 everyone is indifferent, and no
# way leads down.
_HALF = 0.5


@dataclass(frozen=True)
class Cut:
    """A cut of a tail limit, with its own multiplier and the scenarios that it counts."""

    limit: str
    multiplier: float
    scenarios: tuple[int, ...]


@dataclass(frozen=True)
class Conflict:
    """Limits that no plan can meet together.

    Attributes:
        multipliers: Limit to its multiplier, above 0: added with them, the limits leave nothing.
        cuts: Of tail limits; the multiplier of a limit is the sum of theirs.
        relaxed: Limit to the bound, in its unit, that it alone would have to take; None where no
            change of it alone helps. Of more than eight limits it names the first eight.
    """

    multipliers: dict[str, float]
    cuts: tuple[Cut, ...]
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
    prices = _without_traces(search, units)
    priced = [(r, float(p)) for r, p in zip(hard.rows, prices, strict=True) if p > 0]
    multipliers: dict[str, float] = {}
    for row, price in priced:  # a tail limit is as many rows as it has cuts
        multipliers[row.limit] = multipliers.get(row.limit, 0.0) + price
    cuts = tuple(Cut(row.limit, price, row.scenarios) for row, price in priced if row.scenarios)
    names = [row.limit for row in hard.rows]
    relaxed = {
        name: _alone(hard, units, names.index(name), passes, tolerance)
        for name in list(multipliers)[:_MOST_TOLD]
    }
    return Conflict(multipliers, cuts, relaxed)


def _hard(problem: Problem) -> Problem:
    return replace(problem, rows=tuple(row for row in problem.rows if row.penalty is None))


def _least_excess(hard: Problem, passes: Passes, tolerance: float) -> tuple[Search, Floats]:
    """Return the search for the least excess over all limits, and their units."""
    units = _units(hard, passes)
    soft = {row.limit for row in hard.rows}
    search = Search(_elastic(hard, units, soft), passes, tolerance, _scales(units))
    search.find_prices(_HALF / units)
    return search, units


def _without_traces(search: Search, units: Floats) -> Floats:
    """Return the multipliers without those next to 0, where the others prove as much."""
    prices = np.where(search.prices * units < _TRACE, 0.0, search.prices)
    if not (prices != search.prices).any():
        return prices
    problem, passes = search.problem, search.passes
    [sums] = passes.sums([problem.values(prices)])
    return prices if _proves(problem.dual_value(prices, sums, passes.applicants)) else search.prices


def _is_excess(found: Search | Solution) -> bool:
    # Bounds are those of least excess, in shares of each limit: 0 is what a plan within all has.
    return _proves(found.bound)


def _proves(bound: Fraction) -> bool:
    return bound <= -_SURE * MILLION


def _alone(hard: Problem, units: Floats, at: int, passes: Passes, tolerance: float) -> float | None:
    """Return the bound that one limit would have to take, the others being kept."""
    near = max(tolerance, _NEAR)
    if hard.rows[at].per is not None:
        ratio = _least_ratio(hard, units, at, passes, near)
        return None if ratio is None else float(ratio)
    row = hard.rows[at]
    found = _least_beyond(hard, units, at, passes, near)
    if row.sense == "at least":
        # What can be had of a floor may be less than a hundredth of what it is too high by.
        least = float(-found.bound / MILLION) * units[at]
        had = float(row.limited_to) - least
        if 0 < had < least:
            found = _least_beyond(hard, units, at, passes, near * had / least)
    plan = found.plan
    if plan is None:
        return None
    excess = hard.exact_usages(plan.sums)[at] - row.bound * MILLION
    for tail in hard.tails:
        if tail.name == row.limit:
            excess = hard.tail_excess(tail, plan.sums)
    needed = max(excess, Fraction(0)) / MILLION
    return float(row.limited_to + (needed if row.sense == "at most" else -needed))


def _least_beyond(hard: Problem, units: Floats, at: int, passes: Passes, near: float) -> Solution:
    """Return the plan that exceeds one limit the least, the others being kept."""
    elastic = _elastic(hard, units, {hard.rows[at].limit})
    return Search(elastic, passes, near, _scales(units)).solve(_HALF / units)


def _least_ratio(
    hard: Problem, units: Floats, at: int, passes: Passes, near: float
) -> Fraction | None:
    """Return the ratio that a limit per another measure would have to take.

    The plan that exceeds it the least in its measure may be a small one, of a large ratio. So a
    ratio just inside that one is tried; if it can be met, the middle of what is left, and so on.
    """
    row = hard.rows[at]
    best: Fraction | None = None
    tried = out_of_reach = row.ratio
    for number in range(_MOST_RATIOS):
        rows = (*hard.rows[:at], row.at_ratio(tried), *hard.rows[at + 1 :])
        problem = replace(hard, rows=rows)
        solution = _least_beyond(problem, units, at, passes, near)
        if solution.plan is None:
            break
        found = _ratio_of(problem, at, solution.plan.sums)
        if best is None or (found < best if row.sense == "at most" else found > best):
            best = found
        if _is_excess(solution):
            out_of_reach = tried
        close = near * float(abs(best))
        left = float(out_of_reach - best)
        if abs(left) <= close:
            break
        # Of two ratios far apart the middle is that of their sizes.
        product = best * out_of_reach
        middle = sqrt(product) if best > 0 and product > 0 else float(best) + left / 2
        tried = exact(middle if number else float(best) + copysign(close / 2, left))
    return best


def _ratio_of(problem: Problem, at: int, sums: Sums) -> Fraction:
    row = problem.rows[at]
    assert row.per is not None
    per = int(sum(sums.whole()[:, 1 + problem.measures.index(row.per)]))
    beyond = problem.exact_usages(sums)[at] / per if per else Fraction(0)
    return row.ratio + (beyond if row.sense == "at most" else -beyond)


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
