"""Evaluation of a PD model on loans whose outcome is known."""

from typing import Annotated, Literal

from annotated_types import Ge, Interval
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Table
from penstock.measure import calibration, discrimination, figures
from penstock.measure.calibration import CalibrationBin
from penstock.measure.counts import UNKNOWN_GROUP, ScoreCounts, count_by_score
from penstock.measure.intervals import CONFIDENCE

# What `evaluate_pd` reads of a scored table.
SCORED_COLUMNS = "pd DOUBLE, is_bad INT, issue_date DATE"
VintageLength = Literal["year", "quarter"]
# With one bin ECE sees only the mean, with none it is 0 whatever the model.
Bins = Annotated[int, Ge(2)]
# Each further decimal lets ten times as many counts reach the driver.
Decimals = Annotated[int, Interval(ge=1, le=8)]


def evaluate_pd(
    scored: DataFrame, *, date: str, vintage: VintageLength, bins: Bins, decimals: Decimals
) -> Evidence:
    """Measure ranking and calibration of the PDs, over all loans and by vintage.

    Runs one Spark query, whose result is bounded as `count_by_score` says; the rest is arithmetic
    on the driver. Metrics that need both classes are None where one is missing.

    Grain: one row per loan.

    Args:
        scored: Needs `pd` (0-1), `is_bad` (0 or 1) and the column `date`.
        date: Column with the day that vintages go by (null: vintage "unknown").
        vintage: "year" or "quarter" of that day.
        bins: Bins of equally many loans for ECE and the calibration table, at least 2.
        decimals: Decimals of PD that loans are counted by, 1-8; metrics are exact for the rounded
            PD.

    Returns:
        Metrics auc, auc_low, auc_high (95 %), ks, gini, brier, ece, calibration_in_the_large,
        bad_rate, mean_pd, loans, bads; tables vintages, calibration, deciles; figures roc, cap, ks,
        calibration, scores, vintages. All rates are fractions.

    Raises:
        DataError: There are no rows, or rows that cannot be measured.
    """
    return evidence_of(
        count_by_vintage(scored, date=date, vintage=vintage, decimals=decimals), bins=bins
    )


def count_by_vintage(
    scored: DataFrame, *, date: str, vintage: VintageLength, decimals: int
) -> ScoreCounts:
    """Count goods and bads by PD, vintage by vintage, in one Spark query.

    Args:
        scored, date, vintage, decimals: As in `evaluate_pd`.

    Raises:
        DataError: There are no rows, or rows that cannot be measured.
    """
    by_vintage = scored.select("pd", "is_bad", _vintage(date, vintage).alias("vintage"))
    counted = count_by_score(
        by_vintage, score="pd", label="is_bad", by="vintage", decimals=decimals
    )
    if not counted.loans:
        raise DataError(
            "There are no rows to evaluate: check the filter or split that feeds this evaluation."
        )
    _refuse_impossible_pds(counted)
    return counted


def evidence_of(counted: ScoreCounts, *, bins: int) -> Evidence:
    """Return the evidence that `evaluate_pd` speaks of, from counts by PD and vintage."""
    counts, vintages = counted.total(), counted.by_group()
    calibrated = calibration.calibration_bins(counts, bins=bins)
    return Evidence(
        metrics=_metrics(counts, bins=bins),
        tables={
            "vintages": _vintage_table(vintages),
            "calibration": _calibration_table(calibrated),
            "deciles": _decile_table(counts),
        },
        figures=_figures(counts, vintages, calibrated),
    )


def _vintage(date: str, length: VintageLength) -> Column:
    year = F.year(date).cast("string")
    if length == "year":
        return year
    return F.concat(year, F.lit("Q"), F.quarter(date).cast("string"))


def _refuse_impossible_pds(counts: ScoreCounts) -> None:
    outside = (counts.score < 0) | (counts.score > 1)
    if outside.any():
        raise DataError(
            f"{int(counts.n[outside].sum()):,} rows have a pd outside 0-1, such as "
            f"{counts.score[outside][0]}: a PD is a probability, not points or a percentage."
        )


def _metrics(counts: ScoreCounts, *, bins: int) -> dict[str, float | None]:
    interval = discrimination.auc_interval(counts, level=CONFIDENCE)
    return {
        "auc": discrimination.auc(counts),
        "auc_low": interval[0] if interval else None,
        "auc_high": interval[1] if interval else None,
        "ks": discrimination.ks(counts),
        "gini": discrimination.gini(counts),
        "brier": calibration.brier(counts),
        "ece": calibration.ece(counts, bins=bins),
        "calibration_in_the_large": calibration.calibration_in_the_large(counts),
        "bad_rate": calibration.bad_rate(counts),
        "mean_pd": calibration.mean_pd(counts),
        "loans": float(counts.loans),
        "bads": float(counts.bads),
    }


def _vintage_table(vintages: dict[str, ScoreCounts]) -> Table:
    return Table(
        "By vintage",
        ("vintage", "loans", "bad_rate", "mean_pd", "auc", "ks"),
        tuple(
            (
                name,
                counts.loans,
                calibration.bad_rate(counts),
                calibration.mean_pd(counts),
                discrimination.auc(counts),
                discrimination.ks(counts),
            )
            for name, counts in vintages.items()
        ),
    )


def _calibration_table(bins: list[CalibrationBin]) -> Table:
    return Table(
        "Calibration by PD",
        ("bin", "loans", "bads", "mean_pd", "bad_rate", "low_95", "high_95"),
        tuple(
            (number, b.loans, b.bads, b.mean_pd, b.bad_rate, b.low, b.high)
            for number, b in enumerate(bins, start=1)
        ),
    )


def _decile_table(counts: ScoreCounts) -> Table:
    return Table(
        "Deciles, riskiest first",
        ("decile", "loans", "bads", "bad_rate", "lift", "bads_captured"),
        tuple(discrimination.lift_by_decile(counts)),
    )


def _figures(
    counts: ScoreCounts, vintages: dict[str, ScoreCounts], bins: list[CalibrationBin]
) -> dict[str, Figure]:
    by_vintage = [
        (name, calibration.bad_rate(of_vintage), calibration.mean_pd(of_vintage))
        for name, of_vintage in vintages.items()
    ]
    drawn = {
        "roc": figures.roc_figure(counts),
        "cap": figures.cap_figure(counts),
        "ks": figures.ks_figure(counts),
        "calibration": figures.calibration_figure(bins),
        "scores": figures.score_figure(counts),
        "vintages": figures.vintage_figure(by_vintage)
        if vintages.keys() != {UNKNOWN_GROUP}
        else None,
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}
