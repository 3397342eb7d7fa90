"""What cut-offs and rules would have earned on loans whose outcome is known by now.

On the embedded book, and on real loans if there are any; of these also by models of the few loans
whose outcome was known when the judged ones were issued, and what the whole graph makes of them.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.command import run_job
from bench.lendingclub import NOT_MEASURED, lendingclub_file, runs_on
from bench.result import Figure, Result

Record = dict[str, Any]  # run.json, or a part of it

REPORT = ("--select", "+strategy_report")
# The PD model learns of loans whose term of 36 months was over by the end of 2010; the LGD model of
# defaults that had been collected on for 24 months by then, 117 before the day of the export, and
# also of exceptions to the credit policy: within it there are 12.
DATES_THEN = (
    "split_by_issue_date.train_until=2007-10-31",
    "split_by_issue_date.calibration_until=2007-12-31",
    "split_defaults.train_until=2007-12-31",
    "split_defaults.test_from=2008-01-01",
    "list_defaults.collection_months=117",
    "list_defaults.include_policy_exceptions=true",
)
KNOWN_THEN = {
    "known_then": DATES_THEN,
    "known_then_with_exceptions": (*DATES_THEN, "label_defaults.include_policy_exceptions=true"),
}
RULES = {
    "all": "approve all",
    "best": "best cut-off",
    "own": "expected profit above 0",
    "share": "share by PD",
    "grades": "lender's grades",
}
PAIRS = [(rule, other) for rule in ("best", "own") for other in ("all", "share", "grades")]


def measure() -> Result:
    """Run the lending graph on the embedded book, and on real loans if there are any.

    The variable LENDINGCLUB names the file of real loans.
    """
    export = lendingclub_file()
    then = {
        name: (*REPORT, *(word for each in changes for word in ("--set", f"params.{each}")))
        for name, changes in KNOWN_THEN.items()
    }
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        home = Path(folder)
        runs = {"book": run_job(home / "book", *REPORT)}
        runs |= runs_on(export, home, {"lendingclub": (), **then})
    return result_of({name: run.record for name, run in runs.items()})


def result_of(records: Mapping[str, Record]) -> Result:
    """Return the figures of runs by their records; those of real loans may be missing."""
    figures = [
        figure
        for name, record in records.items()
        for figure in figures_of_rules(name, record["evidence"])
    ]
    if "lendingclub" not in records:
        return Result(tuple(figures), (*NOTES, NOT_MEASURED))
    return Result((*figures, *figures_of_run(records["lendingclub"])), (*NOTES, NOTE_THEN))


NOTES = (
    "USD per application, declined ones included, which earn nothing; 4 % funding and 50 USD of "
    "handling. Intervals are 95 %, of a bootstrap of 2,000 draws; those of gains are of the same "
    "loans in each draw, and no rule is changed by one.",
    "The cut-off is that of greatest expected profit on the calibration loans, which were issued "
    "before all judged ones; 0 where none was expected to earn anything, so that nobody is "
    "approved. `share` approves the 70 % of lowest PD, `grades` the lender's A to C.",
)
NOTE_THEN = (
    "lendingclub: models of loans issued until 2010, whose outcomes are those of 2018. known_then: "
    "of loans of 2007, whose 36 months were over before the first judged loan was issued; with "
    "exceptions: also of those granted against the credit policy, more than half of them."
)


def figures_of_rules(name: str, evidence: Record) -> list[Figure]:
    """Return what each rule has earned, and gained over others."""
    report = evidence["strategy_report"]
    metrics = report["metrics"]
    of_rules = {row["rule"]: row for row in _rows(report, "strategies")}
    figures = [
        Figure(f"{name}_loans", metrics["loans"], "judged loans, issued after all that is learnt"),
        Figure(
            f"{name}_cut_off",
            metrics["best_cut_off"],
            "PD, the best cut-off of the calibration loans",
        ),
    ]
    for rule, label in RULES.items():
        row = of_rules[label]
        approved = "nobody approved"
        if row["bad rate"] is not None:
            approved = f"{row['approved']:.1%} approved, {row['bad rate']:.1%} of them bad"
        meaning = f"realised by `{label}`, {_interval(metrics, f'profit_{rule}')}; "
        meaning += f"{approved}; expected {row['expected profit']:,.0f}"
        figures.append(Figure(f"{name}_profit_{rule}", metrics[f"profit_{rule}"], meaning))
    for rule, other in PAIRS:
        gain = f"gain_{rule}" if other == "all" else f"gain_{rule}_over_{other}"
        meaning = f"`{RULES[rule]}` less `{RULES[other]}`, {_interval(metrics, gain)}"
        figures.append(Figure(f"{name}_{gain}", metrics[gain], meaning))
    return figures


def figures_of_run(record: Record) -> list[Figure]:
    """Return what the whole graph makes of real loans: nodes, decisions, LGD, provisions."""
    statuses = Counter(node["status"] for node in record["nodes"])
    others = ", ".join(f"{n} {status}" for status, n in statuses.items() if status != "done")
    evidence = record["evidence"]
    lgd, book = evidence["lgd_report"]["metrics"], evidence["provision_report"]
    decided: Counter[str] = Counter()
    for row in _rows(evidence["policy_comparison"], "decisions"):
        decided[row["decision"]] += row["applications"]
    counts = ", ".join(f"{n:,} {decision}" for decision, n in sorted(decided.items()))
    figures = [
        Figure("nodes", statuses["done"], f"nodes done, {others or 'none failed or skipped'}"),
        Figure("decided", decided.total(), f"applications of the last month: {counts}"),
        Figure("lgd_rmse", lgd["rmse"], f"RMSE of the LGD model, {lgd['defaults']:,.0f} defaults"),
        Figure("lgd_rmse_of_mean", lgd["benchmark_rmse"], "RMSE of one LGD for all, same defaults"),
        Figure(
            "lgd_skill",
            lgd["skill"],
            f"share of squared error saved, {_interval(lgd, 'skill')}",
        ),
    ]
    for row in _rows(book, "totals"):
        meaning = f"USD, expected credit loss at {row['reporting_date']}, of "
        meaning += f"{row['balance_usd']:,.0f} owed on {row['exposures']:,.0f} loans"
        year = row["reporting_date"][:4]
        figures.append(Figure(f"allowance_{year}", row["allowance_usd"], meaning))
    [walk] = _rows(book, "walk")
    until = walk.pop("until")
    figures += [Figure(f"walk_{step}", usd, f"USD, until {until}") for step, usd in walk.items()]
    return [replace(each, name=f"lendingclub_{each.name}") for each in figures]


def _rows(report: Record, table: str) -> list[Record]:
    """Return the rows of a table of a report, by column."""
    shown = report["tables"][table]
    return [dict(zip(shown["columns"], row, strict=True)) for row in shown["rows"]]


def _interval(metrics: Record, name: str) -> str:
    low, high = (metrics[f"{name}_{end}"] for end in ("low", "high"))
    digits = ",.0f" if max(abs(low), abs(high)) >= 1 else ".4g"
    return f"95 % interval {low:{digits}} to {high:{digits}}"
