"""Leaks: the columns that tell the outcome too well, found once, for models that bin nothing.

Beside them the columns that tell nothing: without a value, of one value, or an identifier's.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.learn.binning.fitting import count_columns
from penstock.learn.binning.rules import (
    BinningDocument,
    BinningRules,
    MostBins,
    rules_by_column,
)
from penstock.learn.pd_columns import LABEL, SAMPLE
from penstock.learn.sample import DEVELOPMENT

LEAKS, UNFIT = "leaks", "unfit"


def find_leaks(
    development: DataFrame,
    *,
    numeric: list[str],
    categorical: list[str],
    special_codes: dict[str, list[float]],
    forced: list[str],
    max_bins: MostBins | None,
    binning: dict[str, BinningDocument],
) -> Evidence:
    """Return the columns that a scorecard on these rows would leave out as leaks, with the reason.

    Grain: one row per loan. As a rule five Spark queries, as binning needs to count.

    Args:
        development: `sample`, `is_bad` (0 or 1) and the features; only rows with `sample` =
            "development" count.
        numeric, categorical: Features, numbers and texts.
        special_codes, forced, max_bins, binning: As of the scorecard (`scorecard_pd`); what they
            say of other columns is of no use here.

    Returns:
        Tables "leaks" and "unfit" (column, reason; the latter of columns that tell nothing), and
        metric `leaks`. The signs of all columns stand with the scorecard's bins.
    """
    documents = rules_by_column(
        trends={}, special_codes=special_codes, trusted=forced, binning=binning
    )

    def rules_of(names: Sequence[str]) -> dict[str, BinningRules]:
        given = {name: {"max_bins": max_bins, **documents.get(name, {})} for name in names}
        return {name: BinningRules.from_json(document) for name, document in given.items()}

    found = count_columns(
        development.where(F.col(SAMPLE) == DEVELOPMENT),
        label=LABEL,
        numeric=rules_of(numeric),
        categorical=rules_of(categorical),
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
