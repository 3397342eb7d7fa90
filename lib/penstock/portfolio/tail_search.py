"""The search within tail limits: cuts are added until plans keep to them.

Cuts are found on a few thousand applicants, whose problem HiGHS solves in parts again and again;
what they leave out is found on all. A cut says nothing of the applicants it was found on: each
holds whatever the plan. Source: cutting planes, Kelley, The Cutting-Plane Method for Solving Convex
Programs, Journal of SIAM 8 (1960).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import MILLION, Floats, Offers, best_rows, sum_over, worths
from penstock.portfolio.core import Core, Relaxed
from penstock.portfolio.feasibility import Conflict
from penstock.portfolio.limits import Row
from penstock.portfolio.passes import Passes
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import SMALL, Search
from penstock.portfolio.solution import Pass, Solution
from penstock.portfolio.tail_limits import Tail

_SAMPLE = 2_000  # applicants that cuts are first found on
_MOST_CUTS = 60  # of a tail limit, on each set of applicants
_MOST_PASSES = 60  # over all offers, for the cuts that a few thousand applicants leave out
_CLOSE = 1e-9  # of a limit: what is beyond it by less is at it
_OF_TOLERANCE = 0.02  # of the gap that is sought, which a cut that is left out may cost

Solve = Callable[[Problem, Floats | None], tuple[Solution, Conflict | None]]


@dataclass(frozen=True)
class Solved:
    """A problem whose rows have the cuts of its tail limits, and what the search made of it."""

    problem: Problem
    solution: Solution
    conflict: Conflict | None

    def merged(self) -> tuple[Problem, Solution]:
        """Return problem and solution for reports: the cuts of a tail limit are one row.

        Its price is the sum of theirs, and its weights are their mean, weighed by the prices of the
        plan: what is charged at them is the same.
        """
        problem, solution = self.problem, self.solution
        priced = solution.plan.prices if solution.plan else solution.prices
        rows = [row for row in problem.rows if row.limit not in _names(problem)]
        kept = [[at] for at, row in enumerate(problem.rows) if row.limit not in _names(problem)]
        for tail in problem.tails:
            cuts = _cuts_of(problem, tail)
            rows.append(_mean_row(problem, cuts, priced))
            kept.append(cuts)

        def summed(prices: Floats) -> Floats:
            return np.array([prices[places].sum() for places in kept])

        plan = solution.plan and replace(solution.plan, prices=summed(solution.plan.prices))
        told = replace(solution, prices=summed(solution.prices), plan=plan)
        return replace(problem, rows=tuple(rows)), told


def solve_within_tails(problem: Problem, passes: Passes, tolerance: float, solve: Solve) -> Solved:
    """Search within the rows of a problem, and within cuts of its tail limits.

    Args:
        problem: Its rows are without cuts.
        tolerance: Gap that is sought.
        solve: Solves a problem, from prices of its rows on or from none.

    Returns:
        What was solved last. Its bound holds for the tail limits, its plan keeps them.
    """
    if not problem.tails:
        return Solved(problem, *solve(problem, None))
    cuts = _cuts_of_few(problem, passes, tolerance)
    told: list[Pass] = []
    start = None
    while passes.applicants > SMALL and len(told) < _MOST_PASSES:
        search = Search(replace(problem, rows=(*problem.rows, *cuts)), passes, tolerance)
        search.find_prices(start)
        told += search.told
        missing = _missing(search)
        cuts = (*cuts, *missing)
        start = np.concatenate([search.prices, np.zeros(len(missing))])
        if not missing:
            break
    cut = replace(problem, rows=(*problem.rows, *cuts))
    solution, conflict = solve(cut, start)
    return Solved(cut, replace(solution, passes=_in_turn([*told, *solution.passes])), conflict)


def _cuts_of_few(problem: Problem, passes: Passes, tolerance: float) -> tuple[Row, ...]:
    """Return the cuts that a sample needs, and then, of few applicants, all of them."""
    sizes = (_SAMPLE, SMALL) if _SAMPLE < passes.applicants <= SMALL else (_SAMPLE,)
    cuts: tuple[Row, ...] = ()
    for size in sizes:
        offers = passes.subsample(size).offers
        share = offers.applicants / passes.applicants if passes.applicants else 1.0
        cuts = find_cuts(problem, cuts, offers, share, tolerance)
    return cuts


def find_cuts(
    problem: Problem, cuts: tuple[Row, ...], offers: Offers, share: float, tolerance: float
) -> tuple[Row, ...]:
    """Return the cuts that hold a plan of some applicants, in parts, within tail limits.

    Those that have no price there are left out, but for the last of each limit.

    Args:
        problem: Its rows are without cuts.
        cuts: To begin with.
        share: Of all applicants: theirs is that share of all bounds.
    """
    if not cuts:
        cuts = _first_cuts(problem, offers)
    if not offers.applicants:
        return cuts
    for _ in range(_MOST_CUTS):
        cut = replace(problem, rows=(*problem.rows, *cuts))
        core = Core(cut, offers, share * cut.bounds)
        relaxed = core.relax(np.zeros(len(cut.rows)))
        if relaxed is None:
            return cuts
        worth = tolerance * abs(core.worth_of(relaxed.parts))
        missing = _exceeded(cut, _in_parts(cut, offers, relaxed), relaxed.prices, share, worth)
        if not missing:
            return _priced(cut, relaxed.prices)
        cuts = (*cuts, *missing)
    return cuts


def _first_cuts(problem: Problem, offers: Offers) -> tuple[Row, ...]:
    """Return a cut of each tail limit: of the plan that nothing holds back."""
    free = best_rows(offers, worths(offers, problem.values(np.zeros(len(problem.rows)))))
    sums = sum_over(offers, free, problem.n_cells)
    return tuple(tail.cut(problem.of_measure(tail.measure, sums)) for tail in problem.tails)


def _in_parts(problem: Problem, offers: Offers, relaxed: Relaxed) -> dict[str, list[int]]:
    """Return what is lost at default by the parts of offers, by measure and cell, in millionths."""
    found = {}
    for measure in {tail.measure for tail in problem.tails}:
        amounts = relaxed.parts * offers.amounts[1 + problem.measures.index(measure)]
        sums = np.bincount(offers.cells, amounts, problem.n_cells)
        found[measure] = [int(amount) for amount in np.rint(sums)]
    return found


def _exceeded(
    problem: Problem, lost: dict[str, list[int]], prices: Floats, share: float, worth: float
) -> tuple[Row, ...]:
    """Return the cuts of a plan, for the tail limits that it is beyond.

    Args:
        lost: Measure to the loss at default of each cell, in millionths.
        worth: Profit that does not matter, in millionths.
    """
    missing = []
    for tail in problem.tails:
        bound = share * float(tail.bound) * MILLION
        excess = float(tail.worst(lost[tail.measure]).mean) - bound
        price = float(prices[_cuts_of(problem, tail)].sum())
        if excess > _CLOSE * bound and not 0 < price * excess <= _OF_TOLERANCE * worth:
            missing.append(tail.cut(lost[tail.measure]))
    return tuple(missing)


def _missing(search: Search) -> tuple[Row, ...]:
    """Return the cuts that say more of the best offers at the best prices than those there are."""
    problem, sums, prices = search.problem, search.sums, search.prices
    assert sums is not None
    worth = search.tolerance * abs(float(search.bound))
    missing = []
    used = problem.exact_usages(sums)
    for tail in problem.tails:
        lost = problem.of_measure(tail.measure, sums)
        cuts = _cuts_of(problem, tail)
        mean, price = tail.worst(lost).mean, float(prices[cuts].sum())
        more = float(mean - max(used[at] for at in cuts))
        is_beyond = mean > tail.bound * MILLION
        if price * more > _OF_TOLERANCE * worth or (not price and is_beyond):
            missing.append(tail.cut(lost))
    return tuple(missing)


def _priced(problem: Problem, prices: Floats) -> tuple[Row, ...]:
    kept: list[Row] = []
    for tail in problem.tails:
        cuts = _cuts_of(problem, tail)
        kept += [problem.rows[at] for at in cuts if prices[at] > 0] or [problem.rows[cuts[-1]]]
    return tuple(kept)


def _mean_row(problem: Problem, cuts: Sequence[int], prices: Floats) -> Row:
    row = problem.rows[cuts[0]]
    shares = prices[cuts] / prices[cuts].sum() if prices[cuts].any() else np.eye(len(cuts))[0]
    weights = {}
    for measure in row.weights:
        of_cuts = [[float(w) for w in problem.rows[at].weights[measure]] for at in cuts]
        mean = np.einsum("k,kc->c", shares, np.array(of_cuts))
        weights[measure] = tuple(Fraction(float(weight)) for weight in mean)
    return replace(row, weights=weights, scenarios=())


def _in_turn(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """Return the passes of several searches, with the best bound and plan until each."""
    told: list[Pass] = []
    for each in passes:
        last = told[-1] if told else each
        known = [value for value in (last.value, each.value) if value is not None]
        told.append(
            replace(each, bound=min(last.bound, each.bound), value=max(known, default=None))
        )
    return tuple(told)


def _names(problem: Problem) -> set[str]:
    return {tail.name for tail in problem.tails}


def _cuts_of(problem: Problem, tail: Tail) -> list[int]:
    return [at for at, row in enumerate(problem.rows) if row.limit == tail.name]
