"""Solving: which pre-bins of a column to merge, by OptBinning on their counts alone."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.learn.binning.bins import Status
from penstock.learn.binning.fallback import fallback_splits
from penstock.learn.binning.quantiles import Prebins
from penstock.learn.binning.rules import BinningRules


@dataclass(frozen=True)
class Problem:
    """Pre-bins of one column and the rules for merging them; `n_apart` rows are in none of them."""

    prebins: Prebins
    rules: BinningRules
    n_apart: int
    is_ordered_by_rate: bool = False


@dataclass(frozen=True)
class Solution:
    """Which splits stay: shape (n_prebins - 1,); how good that is, and why it is no better."""

    is_split: NDArray[np.bool_]
    status: Status
    note: str = ""


def solve_all(problems: Sequence[Problem]) -> list[Solution]:
    """Solve several columns at once, on as many threads as there are cores.

    The solver works outside Python's lock; processes would each need seconds to import it.
    """
    if not problems:
        return []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(solve, problems))


def solve(problem: Problem) -> Solution:
    """Return the bins of the greatest information value that the rules allow.

    Equal to OptBinning's on the raw rows with the same pre-bins. If the solver finds no bins, they
    are `fallback_splits`, and the note says why.

    Source:
        Navas-Palencia, Optimal binning: mathematical programming formulation, arXiv:2001.08025.
    """
    n_splits = len(problem.prebins.splits)
    if problem.rules.splits is not None or problem.rules.groups is not None:
        return Solution(np.ones(n_splits, bool), "fixed")
    if not n_splits:
        return Solution(np.zeros(0, bool), "optimal")
    try:
        status, splits = _optbinning(problem)
    except (ArithmeticError, IndexError, RuntimeError, ValueError) as error:
        status, splits = f"{type(error).__name__}: {error}", np.empty(0)
    if status in ("OPTIMAL", "FEASIBLE"):
        is_split = np.isin(np.arange(1, n_splits + 1), splits)
        if status == "OPTIMAL":
            return Solution(is_split, "optimal")
        limit = f"best found in {problem.rules.time_limit:g} s, not proved optimal"
        return Solution(is_split, "feasible", limit)
    reasons = {
        "UNKNOWN": f"the solver found no bins in {problem.rules.time_limit:g} s",
        "INFEASIBLE": "no bins obey all rules",
    }
    note = f"{reasons.get(status, f'the solver failed ({status})')}: bins merged by simple rules"
    is_split = fallback_splits(problem.prebins, _trend(problem), problem.rules, problem.n_apart)
    return Solution(is_split, "fallback", note)


def _trend(problem: Problem) -> str:
    if problem.is_ordered_by_rate and problem.rules.trend != "none":
        return "ascending"
    return problem.rules.trend


def _optbinning(problem: Problem) -> tuple[str, NDArray[np.float64]]:
    """Give OptBinning each pre-bin as one weighted row a class, its number being the value."""
    # Imported here, because it takes seconds, which planning and scoring can do without.
    from optbinning import OptimalBinning  # noqa: PLC0415

    _leave_ctrl_c_to_the_run()
    rules, counts = problem.rules, problem.prebins
    numbers = np.arange(len(counts.n_good), dtype=float)
    trend = _trend(problem)
    binning = OptimalBinning(
        user_splits=numbers[1:],
        min_bin_size=rules.min_share,
        max_n_bins=rules.max_bins,
        monotonic_trend=None if trend == "none" else trend,
        time_limit=rules.time_limit,
    )
    # Rows that are in no pre-bin count for the least size of a bin.
    values = np.concatenate((numbers, numbers, [np.nan]))
    is_bad = np.repeat([0, 1, 0], (len(numbers), len(numbers), 1))
    weights = np.concatenate((counts.n_good, counts.n_bad, [problem.n_apart])).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):  # equal bad rates have no area of a trend
        binning.fit(values, is_bad, weights)
    return binning.status, binning.splits


@cache
def _leave_ctrl_c_to_the_run() -> None:
    """Let no solver of this process catch SIGINT, at which it would stop half-way.

    OR-Tools resets the signal to its default when a solver ends, so that the next Ctrl-C would kill
    the process outright; OptBinning makes its solvers where their parameters cannot be reached.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415

    class Solver(cp_model.CpSolver):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.parameters.catch_sigint_signal = False

    cp_model.CpSolver = Solver  # type: ignore[misc]
