"""Leaks: the columns that tell the outcome too well, found once, for models that bin nothing."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.learn.binning.fitting import count_columns
from penstock.learn.binning.rules import BinningRules
from penstock.learn.sample import DEVELOPMENT

LEAKS = "leaks"


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
        Table "leaks" (column, reason) and metric `leaks`. The signs of all columns stand with the
        scorecard's bins.
    """
    found = count_columns(
        development.where(F.col("sample") == DEVELOPMENT),
        label="is_bad",
        numeric={name: _rules(name, special_codes, forced) for name in numeric},
        categorical={name: _rules(name, {}, forced) for name in categorical},
    )
    leaks = Table("Left out as leaks", ("column", "reason"), tuple(found.leaks.items()))
    return Evidence({LEAKS: float(len(found.leaks))}, {LEAKS: leaks})


def leaks_in(report: Evidence) -> dict[str, str]:
    """Return column to reason, from what `find_leaks` has found."""
    return dict(report.tables[LEAKS].rows)


def _rules(name: str, special_codes: Mapping[str, list[float]], forced: list[str]) -> BinningRules:
    codes = special_codes.get(name, [])
    specials = {f"code {code:g}": (code,) for code in codes}
    return BinningRules(specials=specials, is_trusted=name in forced)
