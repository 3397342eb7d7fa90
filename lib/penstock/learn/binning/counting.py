"""Counting: goods and bads of all numeric columns at once, in Spark; what comes back is bounded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.learn.binning.cells import TALLY, Longs, Zoom, merged, tally
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.settling import ValueCounts, settle

# numpy's calls cost as much as some thousand values each: Arrow's batches are put together.
VALUES_AT_ONCE = 2**21


def check_rows(rows: DataFrame, *, label: str, numeric: Iterable[str], least: int) -> None:
    """Refuse rows that no bins can be fitted on; one query that returns one row.

    Raises:
        DataError: A label is missing or neither 0 nor 1, there are fewer than `least` goods or
            bads, or a value is infinite. All faults at once.
    """
    value = F.col(label).cast("double")
    checks = {
        "no": F.count_if(value.isNull()),
        "0": F.count_if(value == 0),
        "1": F.count_if(value == 1),
        "all": F.count(F.lit(1)),
    }
    for name in numeric:
        checks[f"infinite {name}"] = F.count_if(F.abs(F.col(name).cast("double")) == float("inf"))
    [found] = rows.agg(*(check.alias(name) for name, check in checks.items())).collect()
    faults = []
    if found["no"]:
        faults.append(f"{found['no']:,} rows have no {label}")
    if other := found["all"] - found["0"] - found["1"] - found["no"]:
        faults.append(f"{other:,} rows have {label} neither 0 nor 1")
    for wanted in ("0", "1"):
        if not found[wanted]:
            faults.append(f"no row has {label} = {wanted}, and both classes are needed")
        elif found[wanted] < least:
            faults.append(
                f"{found[wanted]:,} rows have {label} = {wanted}, fewer than there may be bins "
                f"({least}): lower max_bins or give more rows"
            )
    for name, n in found.asDict().items():
        if name.startswith("infinite ") and n:
            faults.append(f"{n:,} rows have an {name}")
    if faults:
        raise DataError(f"Cannot bin these rows: {'; '.join(faults)}.")


def numberings(rows: DataFrame, columns: Sequence[str]) -> set[str]:
    """Return the columns that number the rows: a whole number, and another one, in each.

    One query, if there are columns at all; ask of those whose span allows it
    (`ValueCounts.may_number_rows`).
    """
    if not columns:
        return set()
    checks = []
    for at, name in enumerate(columns):
        value = F.col(name).cast("double")
        known = F.when(~F.isnan(value), value)
        is_whole = F.count_if(known != F.floor(known)) == 0
        checks.append((is_whole & (F.count_distinct(known) == F.count(known))).alias(f"of {at}"))
    [found] = rows.agg(*checks).collect()
    return {name for name, holds in zip(columns, found, strict=True) if holds}


def count_values(
    rows: DataFrame, *, label: str, rules: Mapping[str, BinningRules]
) -> dict[str, ValueCounts]:
    """Count numeric columns finely enough for `quantiles.prebins`, in three passes as a rule.

    Null and NaN are missing. All counts are whole numbers, so the result does not depend on how
    rows are partitioned.

    Args:
        rows: `label` (0 or 1) and the columns that `rules` names: numbers or booleans, none
            infinite.
        label: 1 is bad.
        rules: The rules of each column.
    """
    return settle(rules, partial(count_cells, rows, label, list(rules)))


def count_cells(rows: DataFrame, label: str, columns: list[str], zooms: list[Zoom]) -> Longs:
    """Count what the zooms ask for, in one pass, and bring the sum of all partitions to the driver.

    Args:
        rows: As for `count_values`.
        label: 1 is bad.
        columns: The columns that the zooms number.
        zooms: At most one for a column.

    Returns:
        A tally, as `cells.tally` returns it; its cells number at most `settling.MOST_CELLS`.
    """
    is_bad = (F.col(label).cast("double") == 1).alias("is_bad")
    values = [
        F.col(columns[zoom.column]).cast("double").alias(f"value_{zoom.column}") for zoom in zooms
    ]
    schema = ", ".join(f"{name} LONG" for name in TALLY)
    counted = rows.select(is_bad, *values).mapInArrow(partial(_tally_partition, zooms), schema)
    sums = [F.min("low"), F.max("high"), F.sum("n_good"), F.sum("n_bad")]
    table = counted.groupBy("column", "part").agg(*sums).toArrow()
    found = np.stack([column.to_numpy() for column in table.columns])
    return found[:, np.lexsort((found[1], found[0]))]


def _tally_partition(
    zooms: list[Zoom], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    total = np.empty((len(TALLY), 0), np.int64)
    for rows in _together(batches):
        is_bad, *columns = (column.to_numpy() for column in rows.columns)
        tallies = [tally(zoom, values, is_bad) for zoom, values in zip(zooms, columns, strict=True)]
        total = merged([total, *tallies])
    yield pa.RecordBatch.from_arrays([pa.array(row) for row in total], names=TALLY)


def _together(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(each.num_rows * each.num_columns for each in waiting) >= VALUES_AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)
