import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from penstock.learn.binning.bins import information_value, trend_of, weight_of_evidence
from penstock.learn.binning.fallback import fallback_splits
from penstock.learn.binning.quantiles import Prebins
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.solving import Problem, solve, solve_all

RANDOM = np.random.default_rng(8)


def counts(n=12, seed=0, turn=None):
    """Return pre-bins whose bad rate rises with noise; behind the pre-bin `turn` it falls again."""
    random = np.random.default_rng(seed)
    rows = random.integers(60, 140, n)
    place = np.arange(n) if turn is None else turn - np.abs(np.arange(n) - turn)
    rate = np.clip(0.1 + 0.03 * place + random.normal(0, 0.06, n), 0.02, 0.9)
    bad = random.binomial(rows, rate)
    return Prebins(np.arange(1.0, n), rows - bad, bad)


def merged_counts(prebins, is_split):
    starts = np.append(0, np.flatnonzero(is_split) + 1)
    return np.add.reduceat(prebins.n_good, starts), np.add.reduceat(prebins.n_bad, starts)


ONE_WAY = {"ascending", "descending", "flat"}
ALLOWED = {
    "ascending": {"ascending", "flat"},
    "descending": {"descending", "flat"},
    "peak": {"peak", *ONE_WAY},
    "valley": {"valley", *ONE_WAY},
}


@pytest.mark.parametrize("trend", ALLOWED)
@pytest.mark.parametrize("seed", range(4))
def test_the_solution_is_the_best_of_all_ways_to_merge_that_obey_the_trend(seed, trend):
    prebins, rules = counts(9, seed, turn=5), BinningRules(trend=trend, max_bins=4)
    best = 0.0
    for mask in range(2**8):
        is_split = np.array([mask >> bit & 1 for bit in range(8)], bool)
        good, bad = merged_counts(prebins, is_split)
        is_allowed = len(good) <= 4 and trend_of(good, bad) in ALLOWED[trend]
        if is_allowed and (good + bad).min() >= 0.05 * (prebins.n_good + prebins.n_bad).sum():
            best = max(best, information_value(good, bad, smoothing=0))
    found = solve(Problem(prebins, rules, 0))
    assert found.status == "optimal"
    assert trend_of(*merged_counts(prebins, found.is_split)) in ALLOWED[trend]
    # The solver's objective is in millionths, and each of its terms is cut.
    assert information_value(*merged_counts(prebins, found.is_split), smoothing=0) == pytest.approx(
        best, abs=1e-5
    )


def test_rows_apart_count_for_the_least_size_of_a_bin():
    prebins = counts()
    n_rows = int((prebins.n_good + prebins.n_bad).sum())
    found = solve(Problem(prebins, BinningRules(min_share=0.1, trend="none"), n_apart=2 * n_rows))
    good, bad = merged_counts(prebins, found.is_split)
    assert (good + bad).min() >= 0.1 * 3 * n_rows


def test_a_solver_out_of_time_gives_way_to_simple_rules_and_says_so():
    prebins, rules = counts(40, 2), BinningRules(time_limit=1e-6, max_bins=5)
    found = solve(Problem(prebins, rules, 0))
    assert found.status == "fallback"
    assert found.note == "the solver found no bins in 1e-06 s: bins merged by simple rules"
    good, bad = merged_counts(prebins, found.is_split)
    assert trend_of(good, bad) == "ascending"
    assert 1 < len(good) <= 5


def test_a_solver_that_breaks_gives_way_and_its_words_are_kept(monkeypatch):
    def break_down(*_):
        raise ValueError("no such trend")

    monkeypatch.setattr("optbinning.OptimalBinning.fit", break_down)
    found = solve(Problem(counts(), BinningRules(), 0))
    assert found.status == "fallback"
    assert found.note.startswith("the solver failed (ValueError: no such trend)")


def test_rules_that_no_bins_obey_give_one_bin():
    prebins = counts()
    n_rows = int((prebins.n_good + prebins.n_bad).sum())
    found = solve(Problem(prebins, BinningRules(), n_apart=100 * n_rows))
    assert (found.status, found.is_split.any()) == ("fallback", False)
    assert found.note.startswith("no bins obey all rules")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=2, max_size=15))
def test_pooling_is_isotonic_regression(pairs):
    good, bad = np.array(pairs).T
    prebins = Prebins(np.arange(1.0, len(good)), good, bad)
    is_split = fallback_splits(prebins, "ascending", BinningRules(min_share=1e-9), 0)
    starts = np.append(0, np.flatnonzero(is_split) + 1)
    pooled_good, pooled_bad = merged_counts(prebins, is_split)
    rates = np.repeat(pooled_bad / (pooled_good + pooled_bad), np.diff(starts, append=len(good)))
    judge = isotonic_regression(bad / (good + bad), weights=good + bad).x
    np.testing.assert_allclose(rates, judge, atol=1e-12)


def test_columns_solved_at_once_are_as_alone():
    problems = [Problem(counts(seed=seed), BinningRules(), 0) for seed in range(4)]
    at_once = [found.is_split.tolist() for found in solve_all(problems)]
    assert at_once == [solve(problem).is_split.tolist() for problem in problems]


def test_as_many_columns_are_solved_at_the_same_moment_as_there_are_cores(monkeypatch):
    from optbinning import OptimalBinning

    fit, met = OptimalBinning.fit, threading.Barrier(2)

    def fit_beside_another(*args):
        met.wait(timeout=60)  # one thread alone would wait here in vain
        return fit(*args)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(OptimalBinning, "fit", fit_beside_another)
    problems = [Problem(counts(seed=seed), BinningRules(), 0) for seed in range(2)]
    assert [found.status for found in solve_all(problems)] == ["optimal", "optimal"]


def test_bins_that_a_solver_has_not_proved_the_best_in_time_are_told_as_such(monkeypatch):
    from ortools.sat.python import cp_model

    prebins, rules = counts(30, 3), BinningRules(trend="peak", time_limit=20)

    class Hasty(cp_model.CpSolver):
        """Stops at its first solution, as one does whose time is over then."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.parameters.stop_after_first_solution = True

    solve(Problem(counts(), BinningRules(), 0))  # our own solver is in its place by then
    monkeypatch.setattr(cp_model, "CpSolver", Hasty)
    found = solve(Problem(prebins, rules, 0))
    assert found.status == "feasible"
    assert found.note == "best found in 20 s, not proved optimal"
    good, bad = merged_counts(prebins, found.is_split)
    assert trend_of(good, bad) in ALLOWED["peak"]
    assert (good + bad).min() >= 0.05 * (prebins.n_good + prebins.n_bad).sum()


def test_weight_of_evidence_by_hand():
    # Two bins are not empty: 100 goods and 30 bads are smoothed to 101 and 31.
    woe = weight_of_evidence(np.array([90, 10, 0]), np.array([10, 20, 0]))
    first, second = np.log(90.5 / 101) - np.log(10.5 / 31), np.log(10.5 / 101) - np.log(20.5 / 31)
    assert woe == pytest.approx([first, second, 0], abs=1e-12)
    iv = (90.5 / 101 - 10.5 / 31) * first + (10.5 / 101 - 20.5 / 31) * second
    assert information_value(np.array([90, 10, 0]), np.array([10, 20, 0])) == pytest.approx(iv)


@pytest.mark.parametrize(
    ("bads", "trend"),
    [
        ([1, 2, 3], "ascending"),
        ([3, 2, 2], "descending"),
        ([1, 3, 2], "peak"),
        ([3, 1, 2], "valley"),
        ([2, 2, 2], "flat"),
        ([1, 3, 2, 3], "none"),
    ],
)
def test_a_trend_is_named(bads, trend):
    assert trend_of(10 - np.array(bads), np.array(bads)) == trend


AFTER_A_SOLVE = """
import os, signal, time
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.solving import Problem, solve_all
from tests.learn.binning.test_solving import counts

[found] = solve_all([Problem(counts(), BinningRules(), 0)])
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    print(found.status, "and interrupted")
"""


def test_ctrl_c_is_python_s_after_a_solve():
    # In a process of its own: the solver's handler, once gone, lets the signal kill it.
    done = subprocess.run(
        [sys.executable, "-c", AFTER_A_SOLVE], capture_output=True, text=True, check=False
    )
    assert done.stdout == "optimal and interrupted\n", (done.returncode, done.stderr)
