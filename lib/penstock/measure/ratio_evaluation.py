"""Evaluation of a model of a ratio, LGD or CCF, on defaults whose outcome is known."""

from typing import Annotated

import numpy as np
from annotated_types import Interval
from pyspark.sql import DataFrame

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure import ratios
from penstock.measure.evaluation import Bins
from penstock.measure.intervals import CONFIDENCE
from penstock.measure.ratio_counts import RatioCounts, count_by_ratio
from penstock.measure.ratios import RatioBin

# What an evaluation reads of a scored table, and of the table the model was fitted on.
SCORED_LGD_COLUMNS, REALISED_LGD_COLUMNS = "lgd DOUBLE, realised_lgd DOUBLE", "realised_lgd DOUBLE"
SCORED_CCF_COLUMNS, REALISED_CCF_COLUMNS = "ccf DOUBLE, realised_ccf DOUBLE", "realised_ccf DOUBLE"
BARS = 20
# A fourth decimal would let a hundred million counts reach the driver.
Decimals = Annotated[int, Interval(ge=1, le=3)]


def evaluate_lgd(
    scored: DataFrame, fitted_on: DataFrame, *, bins: Bins, decimals: Decimals
) -> Evidence:
    """Measure the errors, the ranking and the calibration of predicted LGDs.

    The benchmark is to give every loan the mean LGD of the loans that the model was fitted on: what
    is known without a model. Runs two Spark queries, whose results are bounded as `count_by_ratio`
    says.

    Grain: one row per defaulted loan in both tables.

    Args:
        scored: Needs `lgd` and `realised_lgd`, both 0-1.
        fitted_on: Needs `realised_lgd`.
        bins: Bins of equally many loans of the calibration table, at least 2.
        decimals: Decimals that ratios are counted by, 1-3; measures are exact for rounded ratios.

    Returns:
        The evidence of `ratio_evidence_of`.

    Raises:
        DataError: A table has no rows, or rows that cannot be measured.
    """
    cure = "check the dates of split_defaults, and collection_months of list_defaults"
    return _evaluate(scored, fitted_on, ratio="lgd", cure=cure, bins=bins, decimals=decimals)


def evaluate_ccf(
    scored: DataFrame, fitted_on: DataFrame, *, bins: Bins, decimals: Decimals
) -> Evidence:
    """Measure the errors, the ranking and the calibration of predicted CCFs.

    Grain: one row per defaulted line in both tables. Those of `scored` without a realised CCF, near
    their limit, are left out: `evaluate_ead` judges them.

    Args:
        scored: Needs `ccf` and `realised_ccf`, both 0-1.
        fitted_on: Needs `realised_ccf`.
        bins: As `evaluate_lgd`.
        decimals: As `evaluate_lgd`.

    Returns:
        The evidence of `ratio_evidence_of`.

    Raises:
        DataError: As `evaluate_lgd`.
    """
    judged = scored.where("realised_ccf IS NOT NULL")
    cure = "check the dates of split_line_defaults, and reference of list_line_defaults"
    return _evaluate(judged, fitted_on, ratio="ccf", cure=cure, bins=bins, decimals=decimals)


def _evaluate(
    scored: DataFrame, fitted_on: DataFrame, *, ratio: str, cure: str, bins: int, decimals: int
) -> Evidence:
    realised = f"realised_{ratio}"
    judged = count_by_ratio(scored, predicted=ratio, realised=realised, decimals=decimals)
    before = count_by_ratio(
        fitted_on.select(realised, fitted_on[realised].alias(ratio)),
        predicted=ratio,
        realised=realised,
        decimals=decimals,
    )
    if not judged.loans or not before.loans:
        raise DataError(f"There are no defaults to evaluate the {ratio.upper()} model on: {cure}.")
    benchmark = before.mean(before.realised)
    return ratio_evidence_of(judged, ratio=ratio, benchmark=benchmark, bins=bins)


def ratio_evidence_of(judged: RatioCounts, *, ratio: str, benchmark: float, bins: int) -> Evidence:
    """Return the evidence on predicted ratios, from defaults counted by prediction and outcome.

    Args:
        judged: Counts of at least one default.
        ratio: What is predicted, "lgd" or "ccf".
        benchmark: The ratio that every default would get without a model, 0-1.
        bins: Bins of the calibration table.

    Returns:
        Metrics rmse, mae, r2, skill (share of the benchmark's squared error that the model saves),
        benchmark_rmse, somers_d, rank_correlation, mean_<ratio>, mean_realised_<ratio>,
        error_of_mean (mean prediction less mean outcome) and defaults; skill, mean_realised_<ratio>
        and error_of_mean with _low and _high, 95 %. Tables errors and calibration; figures
        calibration and distribution. What is undefined is None.
    """
    alone = RatioCounts(judged.predicted * 0 + benchmark, judged.realised, judged.n)
    calibrated = ratios.ratio_bins(judged, bins=bins, level=CONFIDENCE)
    return Evidence(
        metrics=_metrics(judged, alone, benchmark, ratio),
        tables={
            "errors": _error_table(judged, alone, ratio),
            "calibration": _bin_table(calibrated, ratio),
        },
        figures={
            "calibration": _calibration_figure(calibrated, ratio),
            "distribution": _distribution_figure(judged, ratio),
        },
    )


def _metrics(
    judged: RatioCounts, alone: RatioCounts, benchmark: float, ratio: str
) -> dict[str, float | None]:
    skill = ratios.skill(judged, benchmark=benchmark, level=CONFIDENCE)
    realised = ratios.mean_interval(judged, judged.realised, level=CONFIDENCE)
    errors = judged.predicted - judged.realised
    error = ratios.mean_interval(judged, errors, level=CONFIDENCE)
    return {
        "rmse": ratios.rmse(judged),
        "mae": ratios.mae(judged),
        "r2": ratios.r_squared(judged),
        "skill": skill.value if skill else None,
        "skill_low": skill.low if skill else None,
        "skill_high": skill.high if skill else None,
        "benchmark_rmse": ratios.rmse(alone),
        "somers_d": ratios.somers_d(judged),
        "rank_correlation": ratios.rank_correlation(judged),
        f"mean_{ratio}": judged.mean(judged.predicted),
        f"mean_realised_{ratio}": realised.value,
        f"mean_realised_{ratio}_low": realised.low,
        f"mean_realised_{ratio}_high": realised.high,
        "error_of_mean": error.value,
        "error_of_mean_low": error.low,
        "error_of_mean_high": error.high,
        "defaults": float(judged.loans),
    }


def _error_table(judged: RatioCounts, alone: RatioCounts, ratio: str) -> Table:
    rows = (
        (name, ratios.rmse(counts), ratios.mae(counts), ratios.r_squared(counts))
        for name, counts in (("model", judged), ("mean of the defaults fitted on", alone))
    )
    return Table(
        f"Errors of the predicted {ratio.upper()}", ("by", "rmse", "mae", "r2"), tuple(rows)
    )


def _bin_table(bins: list[RatioBin], ratio: str) -> Table:
    return Table(
        f"Calibration by predicted {ratio.upper()}",
        ("bin", "defaults", f"mean_{ratio}", f"mean_realised_{ratio}", "low_95", "high_95"),
        tuple(
            (number, b.loans, b.predicted, b.realised.value, b.realised.low, b.realised.high)
            for number, b in enumerate(bins, start=1)
        ),
    )


def _calibration_figure(bins: list[RatioBin], ratio: str) -> Figure:
    predicted = tuple(b.predicted for b in bins)
    ends = [*predicted, *(b.realised.low for b in bins), *(b.realised.high for b in bins)]
    line = (min(ends), max(ends))
    return Figure(
        f"Calibration of {ratio.upper()}",
        f"mean predicted {ratio.upper()}",
        f"mean realised {ratio.upper()}",
        (
            Series("observed", predicted, tuple(b.realised.value for b in bins), "points"),
            Series("95 % interval", predicted, tuple(b.realised.low for b in bins), "bound"),
            Series("", predicted, tuple(b.realised.high for b in bins), "bound"),
            Series("identity", line, line, "reference"),
        ),
        "On the diagonal, the outcome is what was predicted.",
    )


def _distribution_figure(judged: RatioCounts, ratio: str) -> Figure:
    middles = tuple((bar + 0.5) / BARS for bar in range(BARS))
    series = []
    for name, values in (("predicted", judged.predicted), ("realised", judged.realised)):
        loans, _ = np.histogram(values, bins=BARS, range=(0.0, 1.0), weights=judged.n)
        series.append(Series(name, middles, tuple(float(n) for n in loans / judged.loans)))
    return Figure(
        f"Distribution of {ratio.upper()}",
        ratio.upper(),
        "share of defaults",
        tuple(series),
        "A model of the mean lies closer to the middle than the outcomes, which go from 0 to 1.",
    )
