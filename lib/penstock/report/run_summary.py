"""The few lines that close a run on a terminal: how it went, where to look, what to do next."""

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.plural import plural
from penstock.report.formats import UNKNOWN, duration, elapsed_ms, number
from penstock.report.totals import broken_rows, failed_nodes, left_out_rows, run_totals

MOST_FAILURES = 3
LABEL_WIDTH = 10


def run_summary(record: Mapping[str, Any], *, page: str, validated: Iterable[str] = ()) -> str:
    """Return the closing summary of a run, a dozen lines of plain text.

    Args:
        record: `RunRecord.to_json()`.
        page: Where the run's page lies, as the reader should open it.
        validated: Where the pages of the model versions lie that it validated.

    Returns:
        Status and time; rows, and those left out, if any are; measures and champion as far as
        known; the release; the page; after a failure the first failed nodes, each with the first
        line of its reason, and the command that resumes.
    """
    totals = run_totals(record)
    took = duration(elapsed_ms(record["started_at"], record["ended_at"]))
    lines = [
        f"{record['graph']} {record['status']} in {took}  "
        f"({_counts(record)}{_jobs(record['spark_jobs'])}){_unchanged(record)}",
        _line(
            "rows",
            f"{number(totals.rows_in)} in, {number(totals.rows_out)} out, "
            f"{broken_rows(totals.quarantined, totals.dropped, totals.warned)}",
        ),
    ]
    if left_out := left_out_rows(record):
        lines.append(_line("left out", left_out))
    if totals.auc is not None:
        lines.append(_line("model", f"AUC {number(totals.auc)}, KS {number(totals.ks)}"))
    if totals.champion is not None:
        lines.append(_line("champion", f"version {totals.champion}"))
    if record["release"] is not None:
        lines.append(_line("release", str(record["release"])))
    lines.append(_line("report", page))
    lines += [_line("validated", of_model) for of_model in validated]
    return "\n".join([*lines, *_what_next(record)])


def _what_next(record: Mapping[str, Any]) -> list[str]:
    failed = failed_nodes(record)
    lines = [
        _line("failed", f"{n['name']}: {_first_line(n['reason'])}") for n in failed[:MOST_FAILURES]
    ]
    if len(failed) > MOST_FAILURES:
        lines.append(_line("", f"and {plural(len(failed) - MOST_FAILURES, 'more node')}"))
    if record["status"] == "interrupted":
        lines.append(_line("stopped", "by Ctrl-C; what is published is untouched"))
    if record["status"] in {"failed", "interrupted"}:
        lines.append(_line("resume", record["command"]))
    return lines


def _counts(record: Mapping[str, Any]) -> str:
    statuses = [node["status"] for node in record["nodes"]]
    counts = [(s, statuses.count(s)) for s in ("done", "skipped", "failed", "not run")]
    return ", ".join(f"{n} {status}" for status, n in counts if n) or "no nodes"


def _unchanged(record: Mapping[str, Any]) -> str:
    is_idle = record["status"] == "ok" and all(n["status"] == "skipped" for n in record["nodes"])
    return f": nothing has changed since release {record['release']}" if is_idle else ""


def _jobs(count: int) -> str:
    return f", {plural(count, 'Spark job')}" if count >= 0 else ""  # below zero: Spark did not tell


def _first_line(reason: str) -> str:
    return next((line.strip() for line in reason.splitlines() if line.strip()), UNKNOWN)


def _line(name: str, text: str) -> str:
    return f"  {name:<{LABEL_WIDTH}}{text}"
