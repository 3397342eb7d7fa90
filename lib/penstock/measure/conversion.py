"""The report on realised CCFs: which defaults have one, what was clipped, how they are spread."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.cells import Cells, grouped, ratio, total

# What `report_conversion` reads.
LINE_DEFAULT_COLUMNS = (
    "default_month DATE, basis STRING, unclipped_ccf DOUBLE, realised_ccf DOUBLE, "
    "undrawn_usd DECIMAL(12,2), balance_usd DECIMAL(12,2), ead_usd DECIMAL(12,2)"
)
HAS_CCF, NEAR_LIMIT = "CCF", "EAD factor"
# Of the figure: tenths from -0.5 to 1.5; what lies beyond is in the outermost.
FIRST_BAR, LAST_BAR, BARS_PER_UNIT = -5, 14, 10
# Doubles would add up in another order each time.
_EXACT = "decimal(28,12)"


def report_conversion(line_defaults: DataFrame) -> Evidence:
    """Report what the defaults of credit lines say of the CCF.

    Runs one Spark query, of at most some hundred rows for each year.

    Args:
        line_defaults: One row per default, with the columns `LINE_DEFAULT_COLUMNS`.

    Returns:
        Metrics defaults, with_ccf, near_limit, left_out, below_0 and above_1 (CCFs that are
        clipped), mean_ccf (of clipped ones, each default counting once), mean_ccf_uncapped (0 where
        it is below, and as it is above 1) and drawn_share (of the sum of all undrawn amounts). The
        mean of none is None. Tables bases and years; figure distribution, of unclipped CCFs.

    Raises:
        DataError: There are no defaults.
    """
    ccf = F.col("unclipped_ccf")
    floored = F.when(ccf < 0, 0.0).otherwise(ccf)
    has_ccf = F.col("basis") == HAS_CCF
    bar = F.floor(ccf * BARS_PER_UNIT).cast("int")
    counted = line_defaults.groupBy(
        "basis",
        F.year("default_month").alias("year"),
        F.when(has_ccf, F.greatest(F.lit(FIRST_BAR), F.least(F.lit(LAST_BAR), bar))).alias("bar"),
    ).agg(
        F.count(F.lit(1)).alias("defaults"),
        F.count_if(ccf < 0).alias("below_0"),
        F.count_if(ccf > 1).alias("above_1"),
        F.sum(F.col("realised_ccf").cast(_EXACT)).alias("clipped"),
        F.sum(floored.cast(_EXACT)).alias("uncapped"),
        F.sum(F.when(has_ccf, F.col("ead_usd") - F.col("balance_usd"))).alias("drawn"),
        F.sum(F.when(has_ccf, F.col("undrawn_usd"))).alias("undrawn"),
    )
    cells = counted.collect()
    if not cells:
        raise DataError(
            "There are no defaults of credit lines to report: no line of line_months turns from "
            "is_default false to true. A line whose first row is in default tells nothing."
        )
    return Evidence(
        metrics=_metrics(cells),
        tables={"bases": _basis_table(cells), "years": _year_table(cells)},
        figures=_figures(cells),
    )


def _metrics(cells: Cells) -> dict[str, float | None]:
    known = _with_ccf(cells)
    near = [cell for cell in cells if cell["basis"] == NEAR_LIMIT]
    defaults, with_ccf, of_near = (total(found, "defaults") for found in (cells, known, near))
    return {
        "defaults": float(defaults),
        "with_ccf": float(with_ccf),
        "near_limit": float(of_near),
        "left_out": float(defaults - with_ccf - of_near),
        "below_0": float(total(known, "below_0")),
        "above_1": float(total(known, "above_1")),
        "mean_ccf": ratio(total(known, "clipped"), with_ccf),
        "mean_ccf_uncapped": ratio(total(known, "uncapped"), with_ccf),
        "drawn_share": ratio(total(known, "drawn"), total(known, "undrawn")),
    }


def _with_ccf(cells: Cells) -> Cells:
    return [cell for cell in cells if cell["basis"] == HAS_CCF]


def _basis_table(cells: Cells) -> Table:
    defaults = total(cells, "defaults")
    rows = []
    for basis, found in grouped(cells, lambda cell: cell["basis"]).items():
        n = total(found, "defaults")
        rows.append((basis, float(n), ratio(n, defaults)))
    # Those that tell a CCF come first.
    rows.sort(key=lambda row: row[0] not in (HAS_CCF, NEAR_LIMIT))
    return Table("Defaults by what they tell", ("basis", "defaults", "share"), tuple(rows))


def _year_table(cells: Cells) -> Table:
    rows = []
    for year, found in grouped(cells, lambda cell: cell["year"]).items():
        known = _with_ccf(found)
        counts = (float(total(known, name)) for name in ("defaults", "below_0", "above_1"))
        means = (ratio(total(known, n), total(known, "defaults")) for n in ("clipped", "uncapped"))
        rows.append((str(year), float(total(found, "defaults")), *counts, *means))
    return Table(
        "Realised CCF by year of default",
        ("year", "defaults", "with_ccf", "below_0", "above_1", "mean_ccf", "mean_ccf_uncapped"),
        tuple(rows),
    )


def _figures(cells: Cells) -> dict[str, Figure]:
    known = _with_ccf(cells)
    if not known:
        return {}
    by_bar = grouped(known, lambda cell: cell["bar"])
    bars, n = range(FIRST_BAR, LAST_BAR + 1), total(known, "defaults")
    figure = Figure(
        "Realised CCF before clipping",
        "CCF",
        "share of defaults with a CCF",
        (
            Series(
                "",
                tuple((bar + 0.5) / BARS_PER_UNIT for bar in bars),
                tuple(float(total(by_bar.get(bar, ()), "defaults") / n) for bar in bars),
            ),
        ),
        "Below 0 was paid back before default; above 1 more than the limit is owed.",
    )
    return {"distribution": figure}
