"""The core problem: applicants near indifference, solved as they are by HiGHS, in whole offers.

Everyone else keeps the choice that the prices make. What is left of the limits is the core's; the
relaxation says which few applicants it would have taken in part, and those and their neighbours
are decided by branch and bound. Source: core problems, Balas and Zemel 1980; Pisinger 1995.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from penstock.errors import NodeFailed
from penstock.portfolio.choice import NOBODY, Floats, Ints, Offers, choose
from penstock.portfolio.dual import row_usages
from penstock.portfolio.problem import Problem

_WHOLE = 1e-6  # how near 0 or 1 a part is taken for whole
_FEASIBILITY = 1e-9
_MOST_NODES = 100  # a limit of time would make plans depend on the machine
_OFFERS_IN_NODES = 600_000  # offers x nodes: of a few applicants more nodes than that
DEARER = 30.0  # multiple of a limit's price at which branch and bound may go beyond it
_HALF = 0.5  # above it a whole part is 1
_PRICED = 1e-9  # share of a row's unit below which its price is none


@dataclass(frozen=True)
class Relaxed:
    """The core problem solved in parts.

    Attributes:
        parts: Of each offer, 0-1.
        prices: Of each row.
    """

    parts: Floats
    prices: Floats


class _Quiet(highspy.Highs):
    """HiGHS without the banner that it prints as it makes ready to call back."""

    def enableCallbacks(self) -> None:  # noqa: N802 - its name
        """Do without: nobody calls back."""


class Core:
    """Offers of a few applicants, and what the limits leave for them.

    Args:
        problem: The rows.
        offers: Of the applicants of the core.
        left: Bounds less what all others use, in millionths.
    """

    def __init__(self, problem: Problem, offers: Offers, left: Floats) -> None:
        self.problem, self.offers, self.left = problem, offers, left
        self.owners = np.repeat(np.arange(offers.applicants), np.diff(offers.starts))
        used = row_usages(problem, offers, np.arange(len(self.owners)))
        # Rows in units in which the largest use is 1, profit in one in which its mean size is.
        self.units = np.maximum(np.abs(used).max(axis=0, initial=0.0), 1.0)
        self.used = used / self.units
        self.worth = problem.profit * offers.amounts[0]
        self.unit = max(float(np.abs(self.worth).mean()) if len(self.worth) else 1.0, 1.0)

    def relax(self, inside: Floats) -> Relaxed | None:
        """Solve in parts, so far inside each limit; None where no parts keep the limits."""
        everyone = np.arange(len(self.owners))
        solver = self._model(everyone, self.left - inside, self.problem.highest)
        if not _run(solver):
            return None
        solution = solver.getSolution()
        duals = -np.array(solution.row_dual)[: len(self.units)]
        prices = np.clip(duals * self.unit / self.units, 0, self.problem.highest)
        prices[~self._is_priced(prices)] = 0
        return Relaxed(np.array(solution.col_value)[: len(self.owners)], prices)

    def worth_of(self, parts: Floats) -> float:
        """Return the profit of offers in parts, in millionths."""
        # Without BLAS, whose sums depend on the number of cores.
        return float(np.einsum("n,n->", self.worth, parts))

    def inside(self, prices: Floats, offers: float) -> Floats:
        """Return how far inside each limit with a price the profit of so many offers buys."""
        is_priced = self._is_priced(prices)
        far = offers * self.unit / np.where(is_priced, prices, 1.0)
        return np.where(is_priced, np.minimum(far, 2 * self.units), 0.0)

    def _is_priced(self, prices: Floats) -> NDArray[np.bool_]:
        priced: NDArray[np.bool_] = prices > _PRICED * self.unit / self.units
        return priced

    def whole(self, relaxed: Relaxed) -> Ints:
        """Return each applicant's offer that the relaxation takes whole; else `NOBODY`."""
        chosen = np.full(self.offers.applicants, NOBODY, np.int64)
        taken = np.flatnonzero(relaxed.parts > 1 - _WHOLE)
        chosen[self.owners[taken]] = taken
        return chosen

    def by_doubt(self, relaxed: Relaxed) -> Ints:
        """Return the applicants: those taken in part, then those nearest to another choice."""
        used = row_usages(self.problem, self.offers, np.arange(len(self.owners)))
        doubt = choose(self.offers, self.worth - np.einsum("nk,k->n", used, relaxed.prices)).margins
        is_part = (relaxed.parts > _WHOLE) & (relaxed.parts < 1 - _WHOLE)
        doubt[self.owners[is_part]] = -1
        return np.argsort(doubt, kind="stable")

    def decide(
        self,
        chosen: Ints,
        free: Ints,
        prices: Floats,
        inside: Floats,
        tolerance: float,
        *,
        beyond_at: float = DEARER,
    ) -> Ints:
        """Decide some applicants anew, by branch and bound; the others keep what is chosen.

        Whole offers seldom fill limits to the last cent, and plans within them are hard to come
        by: to be a little beyond is allowed at a price, and for the caller to see.

        Args:
            free: Applicants to decide.
            prices: Of each row, about.
            inside: How far below each limit to stay, in millionths.
            tolerance: Profit, in millionths, within which the best need not be sought.
            beyond_at: Multiple of a limit's price at which to go beyond it; infinite: not at all.
        """
        is_free = np.zeros(self.offers.applicants, bool)
        is_free[free] = True
        rows = np.flatnonzero(is_free[self.owners])
        kept = chosen[~is_free & (chosen != NOBODY)]
        left = self.left - inside - (self.used[kept] * self.units).sum(axis=0)
        beyond = beyond_at * (prices + self.unit / self.units)
        highest = np.minimum(self.problem.highest, beyond)
        solver = self._model(rows, left, highest, tolerance)
        return self._branch(solver, rows, chosen, is_free)

    def decide_all(self, chosen: Ints, tolerance: float) -> tuple[Ints, float | None]:
        """Decide everyone anew, and say what no choice exceeds, by branch and bound.

        Args:
            chosen: To begin with.
            tolerance: Profit, in millionths, within which the best need not be sought.

        Returns:
            The choice, within limits but for the solver's tolerance; and what none exceeds, in
            millionths, None if that is unknown. HiGHS works in doubles: costs and prices that are
            off by its tolerance count as right. Added is that tolerance times how far all columns
            and rows can go: by weak duality it takes no more off a bound.
        """
        rows = self._fitting()
        if not len(rows):
            return np.full(self.offers.applicants, NOBODY, np.int64), self._worth_of_nobody()
        solver = self._model(rows, self.left, self.problem.highest, tolerance)
        most_nodes = max(_OFFERS_IN_NODES // max(len(rows), 1), _MOST_NODES)
        solver.setOptionValue("mip_max_nodes", most_nodes)
        everyone = np.ones(self.offers.applicants, bool)
        decided = self._branch(solver, rows, chosen, everyone)
        bound = -solver.getInfo().mip_dual_bound
        if not np.isfinite(bound):
            return decided, None
        n = len(np.unique(self.owners[rows]))  # each uses at most 1 of a row, in its unit
        far = 1 + 2 * n + 2 * float((n + np.abs(np.minimum(self.left / self.units, n))).sum())
        return decided, (bound + _FEASIBILITY * far) * self.unit

    def _worth_of_nobody(self) -> float:
        """Return what penalties leave where the core has no offer; at least that, in doubles."""
        is_soft = np.isfinite(self.problem.highest)
        beyond = np.maximum(-self.left[is_soft], 0.0)
        penalties = np.einsum("k,k->", self.problem.highest[is_soft], beyond)
        return -float(penalties) * (1 - _FEASIBILITY)

    def _fitting(self) -> Ints:
        """Return the offers but those that alone exceed a hard limit that all offers only fill."""
        is_filled = np.isinf(self.problem.highest) & (self.used >= 0).all(axis=0)
        beyond = self.used - self.left / self.units > _FEASIBILITY
        fitting: Ints = np.flatnonzero(~beyond[:, is_filled].any(axis=1))
        return fitting

    def _branch(
        self, solver: highspy.Highs, rows: Ints, chosen: Ints, is_free: NDArray[np.bool_]
    ) -> Ints:
        start = highspy.HighsSolution()
        n_soft = solver.getNumCol() - len(rows)
        start.col_value = np.isin(rows, chosen).astype(float).tolist() + [0.0] * n_soft
        solver.setSolution(start)
        is_solved = _run(solver)
        if is_solved and not _is_worth_what_it_says(solver):
            # HiGHS's presolve may mistake the start for a better plan than there is.
            solver.clearSolver()
            is_solved = _run(solver)
        if not is_solved:
            return chosen
        parts = np.array(solver.getSolution().col_value)[: len(rows)]
        decided = np.where(is_free, NOBODY, chosen)
        taken = rows[parts > _HALF]
        decided[self.owners[taken]] = taken
        return decided

    def _model(
        self, rows: Ints, left: Floats, highest: Floats, tolerance: float | None = None
    ) -> highspy.Highs:
        """Return the problem of some offers; in whole ones if there is a tolerance."""
        owners = np.unique(self.owners[rows], return_inverse=True)[1]
        soft = np.flatnonzero(np.isfinite(highest))
        n_limits, n_offers, n_soft = len(left), len(rows), len(soft)
        beyond = (-np.ones(n_soft), (soft, np.arange(n_soft)))
        one_each = (np.ones(n_offers), (owners, np.arange(n_offers)))
        n_owners = int(owners.max(initial=-1)) + 1
        matrix = sparse.block_array(
            [
                [
                    sparse.csc_array(self.used[rows].T),
                    sparse.csc_array(beyond, shape=(n_limits, n_soft)),
                ],
                [sparse.csc_array(one_each, shape=(n_owners, n_offers)), None],
            ],
            format="csc",
        )
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = n_limits + n_owners, n_offers + n_soft
        penalties = highest[soft] * self.units[soft]
        model.col_cost_ = np.concatenate([-self.worth[rows], penalties]) / self.unit
        model.col_lower_ = np.zeros(n_offers + n_soft)
        model.col_upper_ = np.concatenate([np.ones(n_offers), np.full(n_soft, np.inf)])
        model.row_lower_ = np.full(n_limits + n_owners, -np.inf)
        # Nobody uses more than 1: beyond as many owners a limit is none, however large.
        room = np.minimum(left / self.units, n_owners)
        model.row_upper_ = np.concatenate([room, np.ones(n_owners)])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        if tolerance is not None:
            whole, any_ = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
            model.integrality_ = [whole] * n_offers + [any_] * n_soft
        solver = _Quiet()  # type: ignore[no-untyped-call]
        options = {
            "output_flag": False,
            "threads": 1,  # the same plan on any number of cores
            "random_seed": 0,
            "primal_feasibility_tolerance": _FEASIBILITY,
            "dual_feasibility_tolerance": _FEASIBILITY,
            "mip_feasibility_tolerance": _FEASIBILITY,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": (tolerance or 0.0) / self.unit,
            "mip_max_nodes": _MOST_NODES,
        }
        for name, value in options.items():
            solver.setOptionValue(name, value)
        if solver.passModel(model) == highspy.HighsStatus.kError:
            raise NodeFailed("HiGHS refused the core problem: its numbers are out of range.")
        return solver


def _run(solver: highspy.Highs) -> bool:
    """Solve, and return whether there is a solution."""
    solver.run()
    status = solver.getInfo().primal_solution_status
    return bool(status == highspy.SolutionStatus.kSolutionStatusFeasible)


def _is_worth_what_it_says(solver: highspy.Highs) -> bool:
    """Return whether the solution has the value that the solver tells."""
    told = solver.getInfo().objective_function_value
    costs, values = np.array(solver.getLp().col_cost_), np.array(solver.getSolution().col_value)
    return abs(float(np.einsum("n,n->", costs, values)) - told) <= _WHOLE * max(abs(told), 1.0)
