"""What a plan has earned, on loans whose outcome is known, beside a ranking under the same limits.

One offer a loan: the one that was made. The plan knows what was known at the decision.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.command import run_job
from bench.lendingclub import NOT_MEASURED, lendingclub_file, runs_on
from bench.released import table_of
from bench.result import Figure, Result
from penstock.portfolio.choice import MILLION, NOBODY, Floats, Offers, sum_over, worths
from penstock.portfolio.limits import Limit, compile_rows, measures_of
from penstock.portfolio.passes import Applicants, InMemory, Keys
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import Search

if TYPE_CHECKING:
    import pandas

VALUED = ("--select", "+valued_loans")
LENT_SHARE = 0.5  # of all amounts
LOSS_RATE = 0.8  # of the expected loss of so much of all loans
RESAMPLES, SEED = 2_000, 42
TOLERANCE = 1e-6
INTERVAL = (2.5, 97.5)

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Loans:
    """Judged loans; arrays have one number for each, in USD."""

    keys: Keys
    amount: Floats
    expected_loss: Floats
    expected_profit: Floats
    realised_profit: Floats
    is_bad: Floats

    @classmethod
    def of(cls, rows: "pandas.DataFrame") -> "Loans":
        """Take the columns of `valued_loans`."""
        rows = rows.sort_values("loan_id")
        number = {name: rows[name].to_numpy(np.float64) for name in rows.columns[1:]}
        return cls(
            rows["loan_id"].to_numpy(object),
            number["funded_usd"],
            np.round(number["pd"] * number["lgd"] * number["funded_usd"], 4),
            number["expected_profit_usd"],
            number["realised_profit_usd"],
            number["is_bad"],
        )


def measure() -> Result:
    """Choose among judged loans of the embedded book, and of real ones if there are any.

    The variable LENDINGCLUB names the file of real loans.
    """
    # Imported here: `make bench` starts no Spark for the benches that need none.
    from penstock.session import start_test_session  # noqa: PLC0415

    export = lendingclub_file()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        home = Path(folder)
        runs = {"book": run_job(home / "book", *VALUED)}
        runs |= runs_on(export, home, {"lendingclub": VALUED})
        spark = start_test_session(home / "session")
        try:
            names = ["loan_id", "funded_usd", "pd", "lgd", "is_bad"]
            names += ["expected_profit_usd", "realised_profit_usd"]
            rows = {
                name: table_of(spark, run, "valued_loans").select(*names).toPandas()
                for name, run in runs.items()
            }
        finally:
            spark.stop()
    figures: list[Figure] = []
    notes: list[str] = []
    for name, each in rows.items():
        compared, note = compare(name, Loans.of(each))
        figures += compared
        notes.append(note)
    if not export:
        notes.append(NOT_MEASURED)
    return Result(tuple(figures), (*notes, *NOTES))


NOTES = (
    f"Limits: at most {LENT_SHARE:.0%} of all amounts lent, and an expected loss (PD x LGD x "
    f"amount) of at most {LOSS_RATE:.0%} of what so much of all loans would lose.",
    "The ranking takes loans by expected profit of a dollar lent, passing over those that would "
    "exceed a limit.",
    f"Intervals are 95 % of {RESAMPLES:,} bootstraps of the loans, seed {SEED}, plans kept. "
    "Profit realised is of all that was paid, after funding and handling.",
)


def compare(name: str, loans: Loans) -> tuple[list[Figure], str]:
    """Return what the plan and the ranking have earned, and the difference with its interval."""
    problem = _problem(loans)
    gap, plan = planned(problem, loans)
    ranking = ranked(problem, loans)
    moved = plan.astype(float) - ranking
    gain = moved * loans.realised_profit
    lost = moved * np.minimum(loans.realised_profit, 0)
    figures = [
        *_figures(name, "plan", problem, loans, plan),
        *_figures(name, "ranking", problem, loans, ranking),
        Figure(
            f"{name}_realised_gain",
            float(gain.sum()),
            f"USD, plan less ranking, 95 % interval {_told(_interval(gain))}",
        ),
        Figure(
            f"{name}_lost_gain",
            float(lost.sum()),
            f"USD, the same of loans with a loss, {_told(_interval(lost))}",
        ),
        Figure(f"{name}_gap", gap, "certified, of the plan's expected profit"),
    ]
    note = (
        f"{name}: {len(loans.keys):,} judged loans, {loans.is_bad.mean():.1%} of them bad; the "
        f"bads are {loans.is_bad[plan].mean():.2%} of the plan, "
        f"{loans.is_bad[ranking].mean():.2%} of the ranking; "
        f"{int(np.abs(moved).sum()):,} loans are in one of them alone."
    )
    return figures, note


def _figures(name: str, kind: str, problem: Problem, loans: Loans, is_made: Flags) -> list[Figure]:
    """Return what was expected of the loans that are made, and what they earned and lost."""
    realised = loans.realised_profit[is_made]
    return [
        Figure(
            f"{name}_expected_{kind}",
            float(loans.expected_profit[is_made].sum()),
            f"USD, profit expected of the {kind}, {int(is_made.sum()):,} loans",
        ),
        Figure(f"{name}_realised_{kind}", float(realised.sum()), "USD, profit it has earned"),
        Figure(
            f"{name}_lost_{kind}",
            float(np.minimum(realised, 0).sum()),
            "USD, of that the loans with a loss",
        ),
        Figure(f"{name}_broken_{kind}", _broken(problem, loans, is_made), "limits, of 2", 0),
    ]


def planned(problem: Problem, loans: Loans) -> tuple[float, Flags]:
    """Return the certified gap, and of each loan whether the plan makes it."""
    offers = _offers(loans)
    solution = Search(problem, InMemory(Applicants(loans.keys, offers), 1), TOLERANCE).solve()
    assert solution.plan is not None and solution.gap is not None
    is_made: Flags = worths(offers, problem.values(solution.plan.prices)) > 0
    for at, key in enumerate(loans.keys):
        if key in solution.plan.moved:
            is_made[at] = solution.plan.moved[key] != NOBODY
    return solution.gap, is_made


def ranked(problem: Problem, loans: Loans) -> Flags:
    """Return of each loan whether the ranking makes it."""
    caps = np.array([float(row.bound) for row in problem.rows])
    use = np.array([loans.amount, loans.expected_loss]).T
    is_made, total = np.zeros(len(loans.keys), bool), np.zeros(2)
    for at in np.argsort(-loans.expected_profit / loans.amount, kind="stable"):
        if loans.expected_profit[at] > 0 and (total + use[at] <= caps).all():
            is_made[at], total = True, total + use[at]
    return is_made


def _problem(loans: Loans) -> Problem:
    lent = float(round(LENT_SHARE * loans.amount.sum(), 2))
    loss = float(round(LENT_SHARE * LOSS_RATE * loans.expected_loss.sum(), 2))
    limits: list[Limit] = [
        {"name": "lent", "measure": "amount", "at_most": lent},
        {"name": "loss", "measure": "expected loss", "at_most": loss},
    ]
    largest = np.abs(_offers(loans).amounts).max(axis=1)
    return Problem(measures_of(limits, []), 1, compile_rows(limits, [], [()], {}), largest)


def _offers(loans: Loans) -> Offers:
    """Return one offer a loan: profit, then the measures in the order of the alphabet."""
    n = len(loans.keys)
    amounts = np.array([loans.expected_profit, loans.amount, loans.expected_loss])
    return Offers(np.arange(n + 1), np.zeros(n, np.int32), np.rint(amounts * MILLION))


def _broken(problem: Problem, loans: Loans, is_made: Flags) -> int:
    used = problem.exact_usages(sum_over(_offers(loans), np.flatnonzero(is_made), 1))
    return sum(u > row.bound * MILLION for row, u in zip(problem.rows, used, strict=True))


def _told(interval: tuple[float, float]) -> str:
    low, high = interval
    is_chance = low <= 0 <= high
    return f"{low:,.0f} to {high:,.0f}{': it may be chance' if is_chance else ''}"


def _interval(gains: Floats) -> tuple[float, float]:
    """Return the interval of the sum of a gain by loan, loans being drawn anew."""
    random = np.random.default_rng(SEED)
    n = len(gains)
    sums = [float(gains[random.integers(0, n, n)].sum()) for _ in range(RESAMPLES)]
    low, high = np.percentile(sums, INTERVAL)
    return float(low), float(high)
