"""The method: prices from a sample that passes over all offers correct, then the core problem.

A pass over all offers gives the dual's value and slopes exactly. The sample's bounds are moved so
that its slopes there are those of the whole, and it is solved again (DANE: Shamir, Srebro and
Zhang, 2014). The best prices name the core; what the core's relaxation says of prices is tried in a
pass of its own.
"""

import logging
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import Floats, Ints, Sums
from penstock.portfolio.core import Relaxed
from penstock.portfolio.dual import Scales, newton
from penstock.portfolio.passes import Passes, margins_of, sum_best
from penstock.portfolio.problem import Problem
from penstock.portfolio.rounding import Rounding
from penstock.portfolio.solution import Pass, Plan, Solution

SAMPLE = 50_000  # applicants that are solved on the driver for prices
SMALL = 10_000  # applicants, up to which all are the core, and are decided at once
MOST_PASSES = 10  # to find prices
_STEPS = (0.3, 0.6, 1.0, 1.4)  # shares of a step that one pass tries
_GAIN = Fraction(1, 20)  # of the gap that is sought: a pass that gains less is the last
_CORES = (3_000, 9_000, 27_000)  # applicants of the core, in turn
_OF_CELL = 40  # applicants of each cell that are in the core
_FREE = (120, 400)  # applicants who are decided anew at once, in turn


class Search:
    """The search for prices and plan.

    Args:
        problem: Rows over cells and measures.
        passes: Over all offers.
        tolerance: Gap at which the search ends.
        scales: Units of prices; None: those of the plan that no limit holds back.
    """

    def __init__(
        self, problem: Problem, passes: Passes, tolerance: float, scales: Scales | None = None
    ) -> None:
        self.problem, self.passes, self.tolerance = problem, passes, tolerance
        self.scales = scales
        self.told: list[Pass] = []
        self.prices = np.zeros(len(problem.rows))
        self.sums: Sums | None = None
        self.bound_of_prices: Fraction | None = None
        self.branched: Fraction | None = None
        self.plan: Plan | None = None
        self.relaxed: Fraction | None = None

    def solve(self, start: Floats | None = None) -> Solution:
        """Return the best plan found and the proof of how good it is.

        Args:
            start: Prices to begin at, such as those of the last plan.
        """
        self.find_prices(start)
        if not self._is_proven():
            self._find_plan()
        assert self.sums is not None and self.bound_of_prices is not None
        return Solution(
            self.prices,
            self.sums,
            self.bound,
            self.bound_of_prices,
            self.relaxed,
            self.plan,
            tuple(self.told),
        )

    @property
    def bound(self) -> Fraction:
        """Return what no plan exceeds, in millionths; there must have been a pass."""
        assert self.bound_of_prices is not None
        if self.branched is None:
            return self.bound_of_prices
        return min(self.branched, self.bound_of_prices)

    def nobody(self) -> Solution:
        """Return that nobody has an offer, which is no plan, where limits are known to conflict."""
        prices = np.zeros(len(self.problem.rows))
        [sums] = self.passes.sums([self.problem.values(prices)])
        bound = self.problem.dual_value(prices, sums, self.passes.applicants)
        return Solution(prices, sums, bound, bound, None, None, ())

    def find_prices(self, start: Floats | None = None) -> None:
        """Find the prices at which the dual, over all offers, is least."""
        problem = self.problem
        free = self._try_no_prices()
        if self._is_proven() or not len(problem.rows):
            return
        at, sums = self.prices, free
        if start is not None:
            at = np.clip(start, 0, problem.highest)
            [sums] = self.try_prices([at])
            if problem.profit and self.prices is not at:  # worse than none at all
                at, sums = self.prices, free
        scales = self.scales or scales_of(problem, free)
        sample = self.passes.subsample(SAMPLE).offers
        share = sample.applicants / self.passes.applicants if self.passes.applicants else 1.0
        bounds = share * problem.bounds
        while len(self.told) < MOST_PASSES:
            assert self.sums is not None
            before = self.bound
            if start is not None or len(self.told) > 1:
                # The sample's slopes at these prices become those of all offers.
                of_sample = problem.usages(sum_best(sample, problem.values(at), problem.n_cells))
                bounds = share * (problem.bounds - problem.usages(sums)) + of_sample
            aimed = newton(problem, sample, bounds, scales, at)
            steps = (1.0,) if share == 1 or len(self.told) == 1 else _STEPS
            moves = [at + step * (aimed - at) for step in steps]
            self.try_prices([np.clip(prices, 0, problem.highest) for prices in moves])
            if share == 1 or before - self.bound <= self._gap_sought() * _GAIN:
                break
            at, sums = self.prices, self.sums

    def try_prices(self, tried: Sequence[Floats]) -> list[Sums]:
        """Pass over all offers at some prices; keep the best bound, and any plan."""
        found = self.passes.sums([self.problem.values(prices) for prices in tried])
        self._see(tried, found, len(tried))
        return found

    def _try_no_prices(self) -> Sums:
        """Return the sums at prices of 0; without profit nobody has an offer: no pass is needed."""
        nowhere = np.zeros(len(self.problem.rows))
        if self.problem.profit:
            return self.try_prices([nowhere])[0]
        nobody = self.problem.sums_of_nobody()
        self._see([nowhere], [nobody], 0)
        return nobody

    def _see(self, tried: Sequence[Floats], found: Sequence[Sums], sets: int) -> None:
        """Keep the best bound, and any plan, of what prices have led to."""
        problem = self.problem
        duals = []
        for prices, sums in zip(tried, found, strict=True):
            duals.append(problem.dual_value(prices, sums, self.passes.applicants))
            self._keep(prices, {}, sums)
            if self.bound_of_prices is None or duals[-1] < self.bound_of_prices:
                self.bound_of_prices, self.prices, self.sums = duals[-1], prices, sums
        best = found[duals.index(min(duals))]
        beyond = int((problem.usages(best) > problem.bounds).sum())
        self._tell(sets, beyond)

    def _tell(self, sets: int, beyond: int) -> None:
        value = self.plan.value if self.plan else None
        self.told.append(Pass(sets, self.bound, value, beyond))
        say = logging.getLogger(__name__).info
        if not self.problem.profit:
            say("Can all limits be met together?")
        elif sets:
            say("pass %d: %s", sum(each.sets > 0 for each in self.told), self.told[-1])
        else:
            say("whole offers: %s", self.told[-1])

    def _find_plan(self) -> None:
        """Decide the applicants near indifference in whole offers; take more until it is proven."""
        for size in _CORES:
            assert self.sums is not None
            is_all = self.passes.applicants <= max(size, SMALL)
            widths = np.full(self.problem.n_cells, np.inf) if is_all else self._widths(size)
            near = self.passes.near(self.problem.values(self.prices), widths)
            rounding = Rounding(self.problem, near, self.prices, self.sums)
            relaxed = rounding.relax()
            if relaxed is not None:
                [at_relaxed] = self.try_prices([relaxed.prices])
                in_parts = rounding.value_in_parts(relaxed)
                self.relaxed = in_parts if self.relaxed is None else max(in_parts, self.relaxed)
                if is_all:  # then no choice hangs on the prices that made the core
                    rounding = rounding.at(relaxed.prices, at_relaxed)
                self._decide(rounding, relaxed)
            if is_all or self._is_proven() or self._is_for_whole_offers():
                return

    def _decide(self, rounding: Rounding, relaxed: Relaxed) -> None:
        """Decide in whole offers: a few applicants anew, more of them, and of few everyone."""
        everyone, rows = self.passes.applicants, None
        if everyone <= _FREE[-1]:  # nothing less is quicker
            self._decide_all(rounding, rows)
        if not self._is_proven():
            rows = self._round(rounding, relaxed)
        if _FREE[-1] < everyone <= SMALL and not self._is_proven():
            self._decide_all(rounding, rows)

    def _round(self, rounding: Rounding, relaxed: Relaxed) -> Ints | None:
        rows = rounding.first_plan(relaxed, self._worth_seeking())
        if rows is None:
            self._tell(0, 0)
            return None
        n_near = rounding.near.offers.applicants
        for free in (None, *(few for few in _FREE if few < n_near)):
            if free is not None:
                rows = rounding.better_plan(rows, relaxed, free, self._worth_seeking())
            self._keep(rounding.prices, rounding.moved(rows), rounding.sums_of(rows))
            if self._is_proven():
                break
        self._tell(0, 0)
        return rows

    def _decide_all(self, rounding: Rounding, rows: Ints | None) -> None:
        rows, branched = rounding.best_plan(rows, self._worth_seeking())
        self._keep(rounding.prices, rounding.moved(rows), rounding.sums_of(rows))
        # A bound below a plan within all limits would be none: whoever said so was off by more
        # than is allowed for.
        if branched is not None and (self.plan is None or branched >= self.plan.value):
            self.branched = branched
        self._tell(0, 0)

    def _keep(self, prices: Floats, moved: dict[str, int], sums: Sums) -> None:
        value = self.problem.value_of(sums)
        if value is not None and (self.plan is None or value > self.plan.value):
            self.plan = Plan(value, prices, moved, sums)

    def _widths(self, size: int) -> Floats:
        """Return, for each cell, the margin within which enough applicants lie."""
        sample = self.passes.subsample(SAMPLE).offers
        margins, cells = margins_of(sample, self.problem.values(self.prices))
        share = sample.applicants / self.passes.applicants
        widths = np.full(self.problem.n_cells, _nearest(margins, size * share))
        of_cell = min(_OF_CELL, size / self.problem.n_cells) * share
        for cell in range(self.problem.n_cells):
            widths[cell] = max(widths[cell], _nearest(margins[cells == cell], of_cell))
        return widths

    def _is_for_whole_offers(self) -> bool:
        """Return whether what is left of the gap is for whole offers: a larger core is no help."""
        if self.plan is None or self.relaxed is None:
            return False
        return 10 * (self.bound - self.relaxed) < self.bound - self.plan.value

    def _is_proven(self) -> bool:
        if self.plan is None:
            return False
        return self.bound - self.plan.value <= self._gap_sought()

    def _worth_seeking(self) -> float:
        return self.tolerance / 2 * abs(float(self.bound))

    def _gap_sought(self) -> Fraction:
        return Fraction(self.tolerance) * abs(self.bound)


def scales_of(problem: Problem, free: Sums) -> Scales:
    """Return the units of prices, by the plan that no limit holds back."""
    profit = max(float(sum(free.whole()[:, 0])), 1.0)
    return Scales(
        profit, np.maximum(np.maximum(np.abs(problem.bounds), moved_by(problem, free)), 1)
    )


def moved_by(problem: Problem, sums: Sums) -> Floats:
    """Return how much a plan moves each row, up and down, in millionths."""
    moved: Floats = np.einsum("kcm,cm->k", np.abs(problem.weights), sums.whole().astype(np.float64))
    return moved


def _nearest(margins: Floats, wanted: float) -> float:
    """Return the margin within which so many lie."""
    if not len(margins):
        return 0.0
    at = min(max(int(np.ceil(wanted)), 1), len(margins)) - 1
    return float(np.partition(margins, at)[at])
