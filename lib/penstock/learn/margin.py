"""A classifier's margin: the column scalings read, and the counts they are fitted on."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.functions import vector_to_array
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasRawPredictionCol
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from penstock.errors import DataError
from penstock.measure.counts import ScoreCounts

# Beyond it a PD is 0 or 1 in double, which no outcome can bear out.
MOST_LOG_ODDS = 36.0
# A margin in -36..36 has at most 720,001 places on it.
MARGIN_DECIMALS = 4

MarginCounts = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Margins, sorted, and the goods and bads at each, all of shape (n_margins,)."""


class MarginParams(HasRawPredictionCol, Params):
    """The params of a stage that turns the margin into a PD.

    Params: `rawPredictionCol` (vector, whose second element is the margin of bad), `pdCol`,
    `dropCols`.
    """

    pdCol: Param[str] = Param(
        Params._dummy(), "pdCol", "column to add: PD, 0-1", TypeConverters.toString
    )
    dropCols: Param[Iterable[str]] = Param(
        Params._dummy(), "dropCols", "columns to leave out", TypeConverters.toListString
    )

    def output_schema(self, schema: StructType, *, stage: str) -> StructType:
        """Return the columns after scoring, without a Spark job.

        Raises:
            DataError: The margin is missing, or the PD column is there already.
        """
        pd_col, margin = self.getOrDefault(self.pdCol), self.getRawPredictionCol()
        if margin not in schema.names:
            raise DataError(f"{stage} needs column '{margin}', which the classifier adds.")
        if pd_col in schema.names:
            raise DataError(f"Column '{pd_col}' is there already: drop it before scoring.")
        dropped = set(self.getOrDefault(self.dropCols))
        kept = [f for f in schema.fields if f.name not in dropped]
        return StructType([*kept, StructField(pd_col, DoubleType())])

    def margin(self) -> Column:
        """Return the margin of bad, a DOUBLE; null for a null vector."""
        return margin_of(self.getRawPredictionCol())


def margin_of(raw_prediction: str) -> Column:
    """Return the margin of bad, a DOUBLE, from a column of vectors; null for a null vector."""
    vector = F.col(raw_prediction)
    # vector_to_array() fails on a null instead of passing it on.
    return F.when(vector.isNotNull(), vector_to_array(vector)[1])


def count_by_margin(
    rows: DataFrame, *, margin: Column, label: Column, weight: str | None = None
) -> MarginCounts:
    """Count goods and bads by margin, rounded to 1e-4, in one Spark query.

    At most 720,001 margins in -36..36 reach the driver, and never more than there are rows.

    Args:
        rows: Needs the columns of margin, label and weight.
        weight: Column of what a row counts for (DECIMAL, so that sums are exact); None: for one.

    Raises:
        DataError: There are no rows, margins that are null, NaN or infinite, or labels other than 0
            and 1.
    """

    def sum_of(number: int) -> Column:
        if weight is None:
            return F.count_if(label == number)
        return F.sum(F.when(label == number, F.col(weight)).otherwise(0)).cast("double")

    counted = (
        rows.groupBy(F.round(margin, MARGIN_DECIMALS).alias("margin"))
        .agg(
            sum_of(0).alias("n_good"),
            sum_of(1).alias("n_bad"),
            F.count(F.lit(1)).alias("n"),
            F.count_if(F.coalesce(label.isin(0, 1), F.lit(False))).alias("labelled"),
        )
        .toArrow()
        .sort_by("margin")
    )
    margins, n_good, n_bad, n, labelled = (column.to_numpy() for column in counted.columns)
    margins = margins.astype(np.float64)
    faults = {
        "a margin that is null, NaN or infinite": n[~np.isfinite(margins)].sum(),
        "a label neither 0 nor 1": (n - labelled).sum(),
    }
    found = [f"{int(lost):,} rows with {fault}" for fault, lost in faults.items() if lost]
    if found or not len(margins):
        raise DataError(f"Cannot fit a scaling on {'; '.join(found) or 'no rows'}.")
    return margins, n_good, n_bad


def added_up(lots: Sequence[MarginCounts]) -> MarginCounts:
    """Return the counts of several lots of loans together; there is at least one lot."""
    margins, n_good, n_bad = (np.concatenate(columns) for columns in zip(*lots, strict=True))
    counts = ScoreCounts.added_up(margins, n_good, n_bad)
    return counts.score, counts.n_good, counts.n_bad
