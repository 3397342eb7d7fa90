"""Rows left out: how many rows a model is neither made on nor judged by, and why.

What the outcome of a row is, and why it may not be known, is said where rows are read; here they
are counted.
"""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Table
from penstock.measure.samples import DEVELOPMENT, JUDGED
from penstock.plural import plural

# What `count_outcomes` reads of the observations, and `count_left_out` of the other tables.
OBSERVED_COLUMNS = "is_bad INT, indeterminate STRING, observed_on DATE"
SAMPLED_COLUMNS, OUTCOME_COLUMNS = "sample STRING, is_bad INT", "is_bad INT"

GOOD, BAD, OTHERS = "good", "bad", "others"
NO_TARGET = "no target is named"
MOST_CAUSES = 20  # that a report lists; more are one row
MOST_NAMED = 5  # in an error
CALIBRATION = "calibration"
USES = (DEVELOPMENT, CALIBRATION, JUDGED)
BY_OUTCOME, BY_USE = "rows_by_outcome", "rows_by_use"
OUTCOME_TABLE = ("outcome", "rows", "share", "without_a_day", "first_day", "last_day")
USE_TABLE = ("use", "cause", "rows", "share", "bads")
Counts = tuple[int, int]  # rows, and the bads among them
CURE = (
    "Name the target, and as text those of its values that are good and bad, under target, "
    "good_values and bad_values of read_observations; where performance months are not over, fewer "
    "of them (performance_months) or a later as_of."
)


def count_outcomes(observations: DataFrame) -> Evidence:
    """Count rows by outcome, and those whose outcome is not known by the reason why.

    Runs one Spark query, of whose rows at most `MOST_CAUSES` + 3 reach the driver.

    Args:
        observations: One row per row: `is_bad` (0 or 1; null: not known), `indeterminate` (why it
            is not known; null: it is, or there is no target), `observed_on` (null: no day).

    Returns:
        Metric indeterminate, the rows whose outcome is not known; table rows_by_outcome: good, bad,
        then each reason by its rows, those beyond the first `MOST_CAUSES` as one row "others",
        whose days are not told. Shares are of all rows, 0-1.

    Raises:
        DataError: There is no row whose outcome is known; with the commonest reasons.
    """
    counted = _counted(observations)
    known = {row["outcome"]: row for row in counted if row["outcome"] in (GOOD, BAD)}
    if not known:
        raise DataError(f"No row has an outcome that is known: {_named(counted)}. {CURE}")
    total, *by_outcome = counted
    rows, causes = total["n"], [row for row in by_outcome if row["outcome"] not in known]
    lines = [
        *(_line(name, known.get(name), rows) for name in (GOOD, BAD)),
        *(_line(row["outcome"], row, rows) for row in causes[:MOST_CAUSES]),
    ]
    if others := rows - sum(line[1] for line in lines):
        undated = total["undated"] - sum(line[3] for line in lines)
        lines.append((OTHERS, others, others / rows, undated, None, None))
    return Evidence(
        metrics={"indeterminate": float(rows - sum(row["n"] for row in known.values()))},
        tables={BY_OUTCOME: Table("Rows by outcome", OUTCOME_TABLE, tuple(lines))},
    )


def _counted(observations: DataFrame) -> list[Row]:
    """Return the counts of all rows, then of known outcomes, then of the commonest reasons."""
    is_bad = F.col("is_bad")
    why = F.coalesce("indeterminate", F.lit(NO_TARGET))
    outcome = F.when(is_bad == 0, GOOD).when(is_bad == 1, BAD).otherwise(why)
    is_known = F.col("outcome").isin(GOOD, BAD)
    return (
        observations.select(outcome.alias("outcome"), "observed_on")
        .rollup("outcome")
        .agg(
            F.grouping("outcome").alias("is_total"),
            F.count(F.lit(1)).alias("n"),
            F.count_if(F.col("observed_on").isNull()).alias("undated"),
            F.min("observed_on").alias("first_day"),
            F.max("observed_on").alias("last_day"),
        )
        .orderBy(F.desc("is_total"), is_known.desc(), F.desc("n"), "outcome")
        .limit(MOST_CAUSES + 3)
        .collect()
    )


def _line(outcome: str, row: Row | None, rows: int) -> tuple[Any, ...]:
    if row is None:
        return (outcome, 0, 0.0, 0, None, None)
    days = (str(day) if (day := row[name]) else None for name in ("first_day", "last_day"))
    return (outcome, row["n"], row["n"] / rows, row["undated"], *days)


def _named(counted: list[Row]) -> str:
    if not counted:
        return "there are no rows"
    total, *causes = counted
    told = [(row["outcome"], row["n"]) for row in causes[:MOST_NAMED]]
    if others := total["n"] - sum(rows for _, rows in told):
        told.append((OTHERS, others))
    return "; ".join(f"{cause} ({plural(rows, 'row')})" for cause, rows in told)


def count_left_out(outcomes: Evidence, development: DataFrame, judged: DataFrame) -> Evidence:
    """Count rows by what they are used for, and those that are left out by cause.

    Runs one Spark query, of whose rows one for each sample reaches the driver.

    Args:
        outcomes: Evidence of `count_outcomes` on the rows that were split.
        development: Rows to fit on: `sample` ("development" or "calibration"), `is_bad` (0 or 1).
        judged: Rows to judge by: `is_bad`.

    Returns:
        Metric left_out, all rows that are left out; table rows_by_use: the samples, then what is
        left out by cause, the commonest first. Its rows add up to those that were split. `bads` is
        unknown where the outcome is. A split by date leaves out rows without a day and rows after
        the last one to judge by; any other leaves out none whose outcome is known.
    """
    counted = [
        dict(zip(OUTCOME_TABLE, row, strict=True)) for row in outcomes.tables[BY_OUTCOME].rows
    ]
    rows, used = sum(line["rows"] for line in counted), _used(development, judged)
    known = {line["outcome"]: line for line in counted if line["outcome"] in (GOOD, BAD)}
    unknown = [line for line in counted if line["outcome"] not in known]
    causes = [
        *((line["outcome"], line["rows"], None) for line in unknown),
        *_causes_by_date(known, used),
    ]
    lines = [
        *((use, None, *used.get(use, (0, 0))) for use in USES),
        *(("left out", *cause) for cause in sorted(causes, key=lambda c: (-c[1], c[0]))),
    ]
    table = tuple((use, cause, n, n / rows, bads) for use, cause, n, bads in lines)
    return Evidence(
        metrics={"left_out": float(rows - sum(n for n, _ in used.values()))},
        tables={BY_USE: Table("Rows by use, and rows left out by cause", USE_TABLE, table)},
    )


def _used(development: DataFrame, judged: DataFrame) -> dict[str, Counts]:
    both = development.select(F.col("sample").alias("use"), "is_bad").unionByName(
        judged.select(F.lit(JUDGED).alias("use"), "is_bad")
    )
    counts = (F.count(F.lit(1)).alias("n"), F.count_if(F.col("is_bad") == 1).alias("bads"))
    counted = both.groupBy("use").agg(*counts).collect()
    return {row["use"]: (row["n"], row["bads"]) for row in counted}


def _causes_by_date(
    known: Mapping[str, Mapping[str, Any]], used: Mapping[str, Counts]
) -> list[tuple[str, int, int]]:
    """Return why rows of a known outcome are left out, with their number and that of the bads."""
    bads = known[BAD]["rows"] - sum(bads for _, bads in used.values())
    left = sum(line["rows"] for line in known.values()) - sum(n for n, _ in used.values())
    if not left:
        return []
    undated = sum(line["without_a_day"] for line in known.values())
    undated_bads = known[BAD]["without_a_day"]
    causes = [
        ("without a day", undated, undated_bads),
        ("after the last day to judge by", left - undated, bads - undated_bads),
    ]
    return [cause for cause in causes if cause[1]]
