"""Whole offers for the core: plans within all limits, and how near they are to plans in parts."""

from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import NOBODY, Floats, Ints, Sums, choose, sum_over, worths
from penstock.portfolio.core import DEARER, Core, Relaxed
from penstock.portfolio.passes import Applicants
from penstock.portfolio.problem import Problem

# Offers' mean profits, for each limit with a price, given to stay inside limits, in turn.
_INSIDE = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
_FREE = 120  # applicants who are decided anew at once
_ATTEMPTS = 2  # to come back inside limits by what the last attempt was beyond them
# Multiples of a limit's price at which plans may go beyond it; at last not at all, for what is
# beyond by little costs little.
_BEYOND = (DEARER, np.inf)
# Of a row's unit, by which to come back at least: ten times the tolerance within which the solver
# takes for inside what is not.
_LEAST = 1e-8


class Rounding:
    """The core at some prices; all others keep the choice that these make.

    Args:
        problem: Rows over cells and measures.
        near: The applicants of the core.
        prices: Of each row.
        sums: Over everyone's best offers at these prices.
    """

    def __init__(self, problem: Problem, near: Applicants, prices: Floats, sums: Sums) -> None:
        self.problem, self.near, self.prices = problem, near, prices
        offers = near.offers
        self.chosen = choose(offers, worths(offers, problem.values(prices))).rows
        of_core = self._sums(self.chosen)
        self.others = Sums(sums.high - of_core.high, sums.low - of_core.low)
        self.core = Core(problem, offers, problem.bounds - problem.usages(self.others))

    def at(self, prices: Floats, sums: Sums) -> "Rounding":
        """Return the same with other prices; of sense where all are in the core."""
        return Rounding(self.problem, self.near, prices, sums)

    def relax(self) -> Relaxed | None:
        """Solve the core in parts; None where no parts keep the limits."""
        return self.core.relax(np.zeros(len(self.problem.rows)))

    def value_in_parts(self, relaxed: Relaxed) -> Fraction:
        """Return what everyone's offers are worth, those of the core in parts, in millionths."""
        profit = self.core.worth_of(relaxed.parts)
        used = np.einsum("n,nk->k", relaxed.parts, self.core.used) * self.core.units
        soft = np.isfinite(self.problem.highest)
        beyond = np.maximum(used - self.core.left, 0)[soft]
        penalties = float((self.problem.highest[soft] * beyond).sum())
        others = self.problem.profit * int(sum(self.others.whole()[:, 0]))
        return Fraction(others) + Fraction(profit - penalties)

    def first_plan(self, relaxed: Relaxed, tolerance: float) -> Ints | None:
        """Choose whole offers within all limits, the further inside the harder that is.

        Args:
            tolerance: Profit, in millionths, within which the best need not be sought.
        """
        for beyond_at in _BEYOND:
            rows = self._first_plan(relaxed, tolerance, beyond_at)
            if rows is not None:
                return rows
        return None

    def _first_plan(self, relaxed: Relaxed, tolerance: float, beyond_at: float) -> Ints | None:
        for offers in _INSIDE:
            at = relaxed
            if offers:
                tightened = self.core.relax(self.core.inside(relaxed.prices, offers))
                if tightened is None:
                    return None
                at = tightened
            free = self.core.by_doubt(at)[:_FREE]
            inside = np.zeros(len(self.problem.rows))
            for _ in range(_ATTEMPTS):
                whole = self.core.whole(at)
                rows = self.core.decide(
                    whole, free, at.prices, inside, tolerance, beyond_at=beyond_at
                )
                if self.value_of(rows) is not None:
                    return rows
                beyond = self.problem.beyond(self.sums_of(rows))
                least = _LEAST * self.core.units
                inside += np.where(beyond > 0, np.maximum(beyond, least), 0)
        return None

    def better_plan(self, rows: Ints, relaxed: Relaxed, free: int, tolerance: float) -> Ints:
        """Return a plan at least as good, by deciding so many applicants anew."""
        nowhere = np.zeros(len(self.problem.rows))
        anew = self.core.by_doubt(relaxed)[:free]
        tried = self.core.decide(rows, anew, relaxed.prices, nowhere, tolerance)
        value, before = self.value_of(tried), self.value_of(rows)
        return rows if value is None or (before is not None and value <= before) else tried

    def best_plan(self, rows: Ints | None, tolerance: float) -> tuple[Ints, Fraction | None]:
        """Decide everyone anew, and say what no plan exceeds; of sense where all are in the core.

        Args:
            rows: A plan to begin with.
            tolerance: Profit, in millionths, within which the best need not be sought.

        Returns:
            A choice, which need not be within all limits; and in millionths what no plan exceeds,
            None if branch and bound does not tell.
        """
        nobody = np.full(self.near.offers.applicants, NOBODY, np.int64)
        tried, bound = self.core.decide_all(nobody if rows is None else rows, tolerance)
        return tried, None if bound is None else self.problem.in_whole(Fraction(bound))

    def sums_of(self, rows: Ints) -> Sums:
        """Return the sums over everyone's offers, the core's being these."""
        return self.others + self._sums(rows)

    def value_of(self, rows: Ints) -> Fraction | None:
        """Return what everyone's offers are worth, in millionths; None beyond a hard limit."""
        return self.problem.value_of(self.sums_of(rows))

    def moved(self, rows: Ints) -> dict[str, int]:
        """Return the applicants whose offer is not their best at the prices, with its place."""
        places = np.where(rows == NOBODY, NOBODY, rows - self.near.offers.starts[:-1])
        differ = np.flatnonzero(rows != self.chosen)
        return {str(self.near.keys[at]): int(places[at]) for at in differ}

    def _sums(self, rows: Ints) -> Sums:
        return sum_over(self.near.offers, rows[rows != NOBODY], self.problem.n_cells)
