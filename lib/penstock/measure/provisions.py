"""The report on provisions: stages, coverage, capital, and how the allowance moved."""

from collections import defaultdict
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Series, Table

# What `report_provisions` reads.
PROVISION_COLUMNS = (
    "reporting_date DATE, stage INT, balance_usd DECIMAL(12,2), allowance_usd DECIMAL(14,2), "
    "expected_loss_usd DECIMAL(14,2), capital_usd DECIMAL(14,2), risk_weight DOUBLE"
)
STEPS = ("opening", "closed", "new", "stage", "pd", "lgd", "ead", "macro", "overlay", "closing")
WALK_COLUMNS = "reporting_date DATE, stage_before INT, stage_after INT, loans BIGINT, " + ", ".join(
    f"{step}_usd DECIMAL(18,2)" for step in STEPS
)
STAGES = (1, 2, 3)
NOT_OPEN = 0
_SUMS = ("balance_usd", "allowance_usd", "expected_loss_usd", "capital_usd")


def report_provisions(provisions: DataFrame, allowance_walk: DataFrame) -> Evidence:
    """Report the stages of each reporting date, and what happened from date to date.

    Runs two Spark queries: three rows a date, and at most fifteen a pair of dates.

    Args:
        provisions: One row per loan and reporting date, with the columns `PROVISION_COLUMNS`.
        allowance_walk: From `walk_allowance`.

    Returns:
        Metrics of the last date: exposures, balance_usd, allowance_usd, coverage (allowance over
        balance), stage_1_share to stage_3_share (of the balance), expected_loss_usd, capital_usd.
        Tables stages, totals, migration (of loans, by the stage on the earlier date) and walk
        (USD, to the cent); figures coverage and walk.

    Raises:
        DataError: There are no exposures.
    """
    counted = provisions.groupBy("reporting_date", "stage").agg(
        F.count(F.lit(1)).alias("exposures"),
        *[F.sum(name).alias(name) for name in _SUMS],
    )
    by_stage = sorted(counted.collect(), key=lambda row: (row["reporting_date"], row["stage"]))
    if not by_stage:
        raise DataError(
            "There are no exposures to report: no loan is open on a reporting_date of "
            "params.common.outlooks, or all were put aside in exposures_quarantine and "
            "provisions_quarantine. Give days between the first issue and the last instalment."
        )
    walked = allowance_walk.collect()
    totals = _totals(by_stage)
    last = list(totals)[-1]
    return Evidence(
        metrics=_metrics(totals[last], [r for r in by_stage if str(r["reporting_date"]) == last]),
        tables={
            "stages": _stage_table(by_stage, totals),
            "totals": _total_table(totals),
            "migration": _migration_table(walked),
            "walk": _walk_table(walked),
        },
        figures={"coverage": _coverage_figure(by_stage), **_walk_figure(walked)},
    )


def _totals(by_stage: list[Row]) -> dict[str, dict[str, float]]:
    totals: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in by_stage:
        for name in ("exposures", *_SUMS):
            totals[str(row["reporting_date"])][name] += float(row[name])
    return {day: dict(total) for day, total in totals.items()}


def _metrics(total: dict[str, float], stages: list[Row]) -> dict[str, float | None]:
    balance = total["balance_usd"]
    of_stage = {row["stage"]: float(row["balance_usd"]) for row in stages}
    return {
        **total,
        "coverage": _ratio(total["allowance_usd"], balance),
        **{f"stage_{s}_share": _ratio(of_stage.get(s, 0.0), balance) for s in STAGES},
    }


def _stage_table(by_stage: list[Row], totals: dict[str, dict[str, float]]) -> Table:
    rows = (
        (
            str(row["reporting_date"]),
            row["stage"],
            row["exposures"],
            float(row["balance_usd"]),
            _ratio(float(row["balance_usd"]), totals[str(row["reporting_date"])]["balance_usd"]),
            float(row["allowance_usd"]),
            _ratio(float(row["allowance_usd"]), float(row["balance_usd"])),
        )
        for row in by_stage
    )
    return Table(
        "Stages",
        ("reporting_date", "stage", "exposures", "balance_usd", "share_of_balance",
         "allowance_usd", "coverage"),
        tuple(rows),
    )  # fmt: skip


def _total_table(totals: dict[str, dict[str, float]]) -> Table:
    rows = (
        (day, *total.values(), _ratio(total["allowance_usd"], total["balance_usd"]))
        for day, total in totals.items()
    )
    return Table(
        "Allowance, expected loss of a year, and capital",
        ("reporting_date", "exposures", *_SUMS, "coverage"),
        tuple(rows),
    )


def _migration_table(walked: list[Row]) -> Table:
    loans: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for row in walked:
        loans[str(row["reporting_date"]), row["stage_before"]][row["stage_after"]] = row["loans"]
    rows = []
    for (day, before), after in sorted(loans.items()):
        n = sum(after.values())
        shares = [after.get(stage, 0) / n for stage in (*STAGES, NOT_OPEN)]
        rows.append((day, before or "new", n, *shares))
    return Table(
        "Migration from stage to stage, as shares of the loans of the earlier date",
        ("until", "from", "loans", "to_stage_1", "to_stage_2", "to_stage_3", "closed"),
        tuple(rows),
    )


def _walk_table(walked: list[Row]) -> Table:
    rows = []
    for day in sorted({row["reporting_date"] for row in walked}):
        of_day = [row for row in walked if row["reporting_date"] == day]
        rows.append((str(day), *[_sum(of_day, f"{step}_usd") for step in STEPS]))
    return Table("Allowance walk, USD", ("until", *STEPS), tuple(rows))


def _coverage_figure(by_stage: list[Row]) -> Figure:
    series = []
    for stage in STAGES:
        found = [row for row in by_stage if row["stage"] == stage]
        days = tuple(str(row["reporting_date"]) for row in found)
        ratios = tuple(float(row["allowance_usd"]) / float(row["balance_usd"]) for row in found)
        series.append(Series(f"stage {stage}", days, ratios, "points"))
    return Figure(
        "Coverage by stage",
        "reporting date",
        "allowance as a share of the balance",
        tuple(s for s in series if s.x),
        "The later the stage, the greater the share that is set aside.",
    )


def _walk_figure(walked: list[Row]) -> dict[str, Figure]:
    if not walked:
        return {}
    last = max(row["reporting_date"] for row in walked)
    of_day = [row for row in walked if row["reporting_date"] == last]
    moved = STEPS[1:-1]
    amounts = tuple(_sum(of_day, f"{step}_usd") for step in moved)
    figure = Figure(
        f"What moved the allowance until {last}",
        "step",
        "USD",
        (Series("change", moved, amounts, "bars"),),
        "Opening allowance and all steps add up to the closing one, to the cent.",
    )
    return {"walk": figure}


def _sum(rows: list[Row], name: str) -> float:
    total: Any = sum(row[name] for row in rows)
    return float(total)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
