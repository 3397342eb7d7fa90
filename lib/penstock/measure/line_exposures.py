"""The report on the book of credit lines: limits, balances, exposure at default, expected loss."""

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Table
from penstock.measure.cells import Cells, grouped, ratio, total
from penstock.measure.utilisation import NAMES, limit_shares, utilisation_band

# What `report_line_exposures` reads.
LINE_EXPOSURE_COLUMNS = (
    "reporting_date DATE, is_default BOOLEAN, basis STRING, limit_usd DECIMAL(12,2), "
    "balance_usd DECIMAL(12,2), undrawn_usd DECIMAL(12,2), ead_usd DECIMAL(14,2), "
    "expected_loss_usd DECIMAL(14,2)"
)
_MONEY = ("limit_usd", "balance_usd", "undrawn_usd", "ead_usd", "expected_loss_usd")
_COLUMNS = ("lines", *_MONEY, "mean_ccf")


def report_line_exposures(line_exposures: DataFrame) -> Evidence:
    """Report what the open lines of each reporting date owe, and would owe at a default.

    Runs one Spark query, of at most some dozen rows a date.

    Args:
        line_exposures: One row per line and reporting date, with `LINE_EXPOSURE_COLUMNS`.

    Returns:
        Metrics of the last date: lines, limit_usd, balance_usd, undrawn_usd, ead_usd, mean_ccf (of
        the undrawn amount, weighted by it: what is expected to be drawn / undrawn; lines in default
        have no part), expected_loss_usd and without_loss (lines whose PD or LGD is unknown, which
        have no part in it). Tables dates, bases and bands; figure bands. Null of what is undefined.

    Raises:
        DataError: There are no lines.
    """
    drawable = F.when(~F.col("is_default"), F.col("undrawn_usd"))
    drawn = F.when(~F.col("is_default"), F.col("ead_usd") - F.col("balance_usd"))
    counted = line_exposures.groupBy(
        "reporting_date", "basis", utilisation_band().alias("band")
    ).agg(
        F.count(F.lit(1)).alias("lines"),
        *(F.sum(name).alias(name) for name in _MONEY),
        F.count_if(F.col("expected_loss_usd").isNull()).alias("without_loss"),
        F.sum(drawable).alias("drawable"),
        F.sum(drawn).alias("drawn"),
    )
    cells = counted.collect()
    if not cells:
        raise DataError(
            "There are no open credit lines to report: line_months has no row in any of "
            "params.list_open_lines.reporting_dates."
        )
    last_date = max(cell["reporting_date"] for cell in cells)
    last = [cell for cell in cells if cell["reporting_date"] == last_date]
    by_date = grouped(cells, lambda cell: str(cell["reporting_date"]))
    by_band = {NAMES[n]: found for n, found in grouped(last, lambda c: c["band"]).items()}
    by_basis = grouped(last, lambda cell: cell["basis"])
    return Evidence(
        metrics={
            **dict(zip(_COLUMNS, _row(last), strict=True)),
            "without_loss": float(total(last, "without_loss")),
        },
        tables={
            "dates": _table("Book by reporting date", "reporting_date", by_date),
            "bases": _table(f"Book of {last_date} by what exposure is told by", "basis", by_basis),
            "bands": _table(f"Book of {last_date} by utilisation", "utilisation", by_band),
        },
        figures={"bands": _figure(by_band)},
    )


def _table(title: str, of: str, groups: dict[str, list[Row]]) -> Table:
    rows = tuple((name, *_row(cells)) for name, cells in groups.items())
    return Table(title, (of, *_COLUMNS), rows)


def _row(cells: Cells) -> list[float | None]:
    money = (float(total(cells, name)) for name in _MONEY)
    return [
        float(total(cells, "lines")),
        *money,
        ratio(total(cells, "drawn"), total(cells, "drawable")),
    ]


def _figure(by_band: dict[str, list[Row]]) -> Figure:
    return Figure(
        "Exposure at default by utilisation",
        "balance / limit",
        "share of the limit",
        (
            limit_shares("exposure at default", by_band, "ead_usd", "points"),
            limit_shares("balance", by_band, "balance_usd", "reference"),
        ),
        "What lies between is expected to be drawn by those who default within twelve months.",
    )
