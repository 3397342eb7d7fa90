"""Leaks: the columns that tell the outcome too well, found once, for models that bin nothing.

Beside them the columns that tell nothing: without a value, of one value, or an identifier's.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.learn.binning.fitting import count_columns
from penstock.learn.binning.rules import BinningRules
from penstock.learn.sample import DEVELOPMENT

LEAKS, UNFIT = "leaks", "unfit"


def find_leaks(
    development: DataFrame,
    *,
    numeric: list[str],
    categorical: list[str],
    special_codes: dict[str, list[float]],
    forced: list[str],
) -> Evidence:
    """Return the columns that a scorecard on these rows would leave out as leaks, with the reason.

    Grain: one row per loan. As a rule five Spark queries, as binning needs to count.

    Args:
        development: `sample`, `is_bad` (0 or 1) and the features; only rows with `sample` =
            "development" count.
        numeric, categorical: Features, numbers and texts.
        special_codes: Numeric feature to values that are no amounts.
        forced: Features that are used even if they look like leaks.

    Returns:
        Tables "leaks" and "unfit" (column, reason; the latter of columns that tell nothing), and
        metric `leaks`. The signs of all columns stand with the scorecard's bins.
    """
    found = count_columns(
        development.where(F.col("sample") == DEVELOPMENT),
        label="is_bad",
        numeric={name: _rules(name, special_codes, forced) for name in numeric},
        categorical={name: _rules(name, {}, forced) for name in categorical},
    )
    columns = ("column", "reason")
    tables = {LEAKS: Table("Left out as leaks", columns, tuple(found.leaks.items()))}
    if found.unfit:
        title = "Left out as they tell nothing"
        tables[UNFIT] = Table(title, columns, tuple(found.unfit.items()))
    return Evidence({LEAKS: float(len(found.leaks))}, tables)


def left_out_by(report: Evidence) -> dict[str, str]:
    """Return column to reason, of all that `find_leaks` would leave out."""
    return {column: why for table in report.tables.values() for column, why in table.rows}


def _rules(name: str, special_codes: Mapping[str, list[float]], forced: list[str]) -> BinningRules:
    codes = special_codes.get(name, [])
    specials = {f"code {code:g}": (code,) for code in codes}
    return BinningRules(specials=specials, is_trusted=name in forced)
