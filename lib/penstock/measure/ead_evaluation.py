"""Evaluation of exposures at default of credit lines, in money, on defaults out of time."""

import math

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Table
from penstock.measure.cells import Cells, grouped, ratio, total
from penstock.measure.intervals import CONFIDENCE, critical_value
from penstock.measure.utilisation import NAMES, limit_shares, utilisation_band

# What `evaluate_ead` reads of the lines that judge, and of those that were learnt from.
JUDGED_COLUMNS = (
    "limit_usd DECIMAL(12,2), balance_usd DECIMAL(12,2), undrawn_usd DECIMAL(12,2), "
    "ead_usd DECIMAL(12,2), expected_by STRING, expected_ead_usd DECIMAL(14,2)"
)
CCF_COLUMNS = "realised_ccf DOUBLE"
# One rule a line: what each would have expected to be owed.
RULES = ("model", "one CCF for all", "balance: nothing more is drawn", "limit: all is drawn")
USD = "decimal(14,2)"
_MONEY = ("limit_usd", "balance_usd", "ead_usd", "rule_0")


def evaluate_ead(judged: DataFrame, fitted_on: DataFrame) -> Evidence:
    """Measure what was expected to be owed at default against what was owed.

    Runs two Spark queries, of one row and of at most twelve.

    Grain: one row per defaulted line in both tables.

    Args:
        judged: From `add_exposure`, with the columns `JUDGED_COLUMNS`.
        fitted_on: Lines the CCF model was fitted on: their mean CCF is that of "one CCF for all".

    Returns:
        Metrics defaults, ead_usd, expected_ead_usd, expected_to_realised (of the sums; with _low
        and _high, 95 %), error_of_limits (mean absolute error as a share of the mean limit) and
        saved_error (share of the absolute error of "one CCF for all" that the model saves). Tables
        rules, bases and bands; figure bands. What is undefined is None.

    Raises:
        DataError: A table has no rows.

    Source:
        Interval of a ratio of sums: Cochran, Sampling Techniques (1977), section 6.3.
    """
    exact = F.col("realised_ccf").cast("decimal(28,12)")
    [mean] = fitted_on.agg((F.sum(exact) / F.count(exact)).cast("double").alias("ccf")).collect()
    cells = [] if mean["ccf"] is None else _cells(judged, mean["ccf"]).collect()
    if not cells:
        raise DataError(
            "There are no defaulted lines to evaluate exposures on: check the dates of "
            "split_line_defaults, and reference of list_line_defaults."
        )
    by_basis = grouped(cells, lambda cell: cell["expected_by"])
    by_band = {NAMES[n]: found for n, found in grouped(cells, lambda cell: cell["band"]).items()}
    return Evidence(
        metrics=_metrics(cells),
        tables={
            "rules": _rule_table(cells),
            "bases": _group_table("Exposure by what it was told by", "basis", by_basis),
            "bands": _group_table("Exposure by utilisation before", "utilisation", by_band),
        },
        figures={"bands": _band_figure(by_band)},
    )


def _cells(judged: DataFrame, mean_ccf: float) -> DataFrame:
    at_mean = F.col("balance_usd").cast("double") + mean_ccf * F.col("undrawn_usd").cast("double")
    expected = (F.col("expected_ead_usd"), at_mean, F.col("balance_usd"), F.col("limit_usd"))
    rules = {f"rule_{n}": column.cast(USD) for n, column in enumerate(expected)}
    grouped = judged.withColumns(rules).groupBy("expected_by", utilisation_band().alias("band"))
    return grouped.agg(
        F.count(F.lit(1)).alias("defaults"),
        *(F.sum(name).alias(name) for name in ("limit_usd", "balance_usd", "ead_usd")),
        *_products(F.col("rule_0"), F.col("ead_usd")),
        *(part for name in rules for part in _errors(name)),
    )


def _products(expected: Column, owed: Column) -> list[Column]:
    # Decimals: sums of doubles would depend on the order of rows.
    return [
        F.sum(expected * expected).alias("expected_squares"),
        F.sum(expected * owed).alias("products"),
        F.sum(owed * owed).alias("ead_squares"),
    ]


def _errors(name: str) -> list[Column]:
    error = F.col(name) - F.col("ead_usd")
    return [
        F.sum(name).alias(name),
        F.sum(F.abs(error)).alias(f"{name}_errors"),
        F.sum(error * error).alias(f"{name}_squares"),
    ]


def _metrics(cells: Cells) -> dict[str, float | None]:
    owed, expected = total(cells, "ead_usd"), total(cells, "rule_0")
    errors, of_mean = total(cells, "rule_0_errors"), total(cells, "rule_1_errors")
    of_sums = ratio(expected, owed)
    half = _half_width(cells)
    saved = ratio(of_mean - errors, of_mean)
    return {
        "defaults": float(total(cells, "defaults")),
        "ead_usd": float(owed),
        "expected_ead_usd": float(expected),
        "expected_to_realised": of_sums,
        "expected_to_realised_low": None if of_sums is None else of_sums - half,
        "expected_to_realised_high": None if of_sums is None else of_sums + half,
        "error_of_limits": ratio(errors, total(cells, "limit_usd")),
        "saved_error": saved,
    }


def _half_width(cells: Cells) -> float:
    owed = total(cells, "ead_usd")
    if not owed:
        return 0.0
    of_sums = total(cells, "rule_0") / owed
    squares, products, of_owed = (
        total(cells, name) for name in ("expected_squares", "products", "ead_squares")
    )
    residual = float(squares - 2 * of_sums * products + of_sums**2 * of_owed)
    quantile = critical_value(CONFIDENCE)
    return quantile * math.sqrt(max(residual, 0.0)) / float(owed)


def _rule_table(cells: Cells) -> Table:
    n, owed = total(cells, "defaults"), total(cells, "ead_usd")
    rows = []
    for number, rule in enumerate(RULES):
        expected, errors, squares = (
            total(cells, f"rule_{number}{end}") for end in ("", "_errors", "_squares")
        )
        rmse = math.sqrt(squares / n)
        rows.append((rule, float(expected), ratio(expected, owed), float(errors / n), rmse))
    columns = ("rule", "expected_ead_usd", "expected_to_realised", "mae_usd", "rmse_usd")
    return Table("What each rule would have expected", columns, tuple(rows))


def _group_table(title: str, of: str, groups: dict[str, list[Row]]) -> Table:
    rows = []
    for name, cells in groups.items():
        money = [float(total(cells, column)) for column in _MONEY]
        of_sums = ratio(total(cells, "rule_0"), total(cells, "ead_usd"))
        rows.append((name, float(total(cells, "defaults")), *money, of_sums))
    columns = ("limit_usd", "balance_usd", "ead_usd", "expected_ead_usd", "expected_to_realised")
    return Table(title, (of, "defaults", *columns), tuple(rows))


def _band_figure(by_band: dict[str, list[Row]]) -> Figure:
    return Figure(
        "Exposure at default by utilisation",
        "balance / limit before the default",
        "share of the limit",
        (
            limit_shares("realised", by_band, "ead_usd", "points"),
            limit_shares("expected", by_band, "rule_0", "line"),
            limit_shares("balance before", by_band, "balance_usd", "reference"),
        ),
        "What lies between the reference and the points was drawn on the way to default.",
    )
