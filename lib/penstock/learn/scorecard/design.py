"""The rows that a scorecard is fitted on: columns, label, weight and fold, checked and bounded."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits  # it has no stubs

from penstock.errors import DataError
from penstock.learn.scorecard.exact import CHUNK, ExactProducts, exponent_above, slices, total_of

LABEL, WEIGHT, FOLD = "_label", "_weight", "_fold"
ENDS = ("least good", "greatest good", "least bad", "greatest bad")


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a design.

    Attributes:
        values: Shape (1 + n_columns, n_rows): a row of ones (the intercept), then the columns.
        label: Shape (n_rows,), 0 or 1.
        weight: Shape (n_rows,), > 0.
        fold: Shape (n_rows,), from 0 on.
    """

    values: NDArray[np.float64]
    label: NDArray[np.float64]
    weight: NDArray[np.float64]
    fold: NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """What is known of the rows before they are fitted.

    Attributes:
        columns: Columns of the design.
        largest: Largest absolute value of each column.
        largest_weight: Largest weight of a row.
        ranges: For each column the least and greatest value of goods, then of bads (`ENDS`).
        bad_share: Share of bads among the rows, weights aside, 0-1.
        n_folds: Folds are 0 to n_folds - 1; 1 if all rows are in one.
    """

    columns: tuple[str, ...]
    largest: tuple[float, ...]
    largest_weight: float
    ranges: tuple[tuple[float, ...], ...]
    bad_share: float
    n_folds: int

    @property
    def exponents(self) -> NDArray[np.int64]:
        """Power of two above each column and the intercept, shape (1 + n_columns,)."""
        return np.array([exponent_above(1.0), *map(exponent_above, self.largest)])

    def only(self, columns: Iterable[str]) -> "Design":
        """Return the design of some of the columns, in the order given."""
        places = [self.columns.index(name) for name in columns]
        return replace(
            self,
            columns=tuple(self.columns[i] for i in places),
            largest=tuple(self.largest[i] for i in places),
            ranges=tuple(self.ranges[i] for i in places),
        )


def design_rows(
    rows: DataFrame, columns: Mapping[str, str], *, label: str, weight: str | None, fold: Column
) -> DataFrame:
    """Return the columns of a design, label, weight (1 without one) and fold, and no more.

    Args:
        rows: One row per loan.
        columns: Name in the design to column of `rows`, a number.
        label: Column of the label: 0 = good, 1 = bad.
        weight: Column of the weight of a loan; None: each counts as 1.
        fold: Fold of a loan, a whole number from 0 on.
    """
    return rows.select(
        *(F.col(column).cast("double").alias(name) for name, column in columns.items()),
        F.col(label).cast("double").alias(LABEL),
        (F.lit(1.0) if weight is None else F.col(weight).cast("double")).alias(WEIGHT),
        fold.cast("int").alias(FOLD),
    )


def check_design(rows: DataFrame) -> Design:
    """Refuse rows that no regression can be fitted on; return what else one query has told.

    Args:
        rows: From `design_rows`.

    Raises:
        DataError: No rows or one class only, a label neither 0 nor 1, a weight that is not a
            positive number, a fold below 0 or missing, a column with nulls, NaN or infinite
            values. All faults at once.
    """
    columns = tuple(c for c in rows.columns if c not in (LABEL, WEIGHT, FOLD))
    [found] = rows.agg(*(told.alias(name) for name, told in _asked(columns).items())).collect()
    told = found.asDict()
    _refuse(told, columns)
    return Design(
        columns,
        largest=tuple(told[f"largest {name}"] for name in columns),
        largest_weight=told["largest weight"],
        ranges=tuple(tuple(told[f"{end} {name}"] for end in ENDS) for name in columns),
        bad_share=told["bads"] / (told["goods"] + told["bads"]),
        n_folds=1 if told["first fold"] == told["last fold"] else told["last fold"] + 1,
    )


def _asked(columns: Iterable[str]) -> dict[str, Column]:
    is_good, is_bad = F.col(LABEL) == 0, F.col(LABEL) == 1
    asked = {
        "goods": F.count_if(is_good),
        "bads": F.count_if(is_bad),
        "mislabelled": F.count_if(_fails(is_good | is_bad)),
        "misweighted": F.count_if(_fails(_finite(WEIGHT) & (F.col(WEIGHT) > 0))),
        "unfolded": F.count_if(_fails(F.col(FOLD) >= 0)),
        "largest weight": F.max(WEIGHT),
        "first fold": F.min(FOLD),
        "last fold": F.max(FOLD),
    }
    for name in columns:
        asked[f"unknown {name}"] = F.count_if(_fails(_finite(name)))
        asked[f"largest {name}"] = F.max(F.abs(F.col(name)))
        for end in ENDS:
            value = F.when(is_good if end.endswith("good") else is_bad, F.col(name))
            asked[f"{end} {name}"] = (F.min if end.startswith("least") else F.max)(value)
    return asked


def _refuse(told: Mapping[str, Any], columns: Iterable[str]) -> None:
    faults = [f"no row is {name[:-1]}" for name in ("goods", "bads") if not told[name]]
    counted = {
        "mislabelled": "a label neither 0 nor 1",
        "misweighted": "a weight that is not a positive number",
        "unfolded": "no fold, or one below 0",
        **{f"unknown {name}": f"a null, NaN or infinite {name}" for name in columns},
    }
    faults += [f"{told[name]:,} rows have {fault}" for name, fault in counted.items() if told[name]]
    if faults:
        raise DataError(f"Cannot fit a scorecard on these rows: {'; '.join(faults)}.")


def _fails(holds: Column) -> Column:
    return ~F.coalesce(holds, F.lit(False))


def _finite(name: str) -> Column:
    return F.abs(F.col(name)) < float("inf")


def sum_products(
    rows: DataFrame,
    design: Design,
    right: Callable[[Block], NDArray[np.float64]],
    right_exponents: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum intercept and columns times what is made of each block, in one Spark job.

    The sums are exact, so that neither partitions nor the order of tasks change a bit of them. Each
    partition sends 16 (1 + n_columns) n_right bytes to the driver.

    Args:
        rows: From `design_rows`, with at least the design's columns.
        design: What `check_design` returned, or a part of it.
        right: Returns numbers of shape (n_right, n_rows).
        right_exponents: Shape (n_right,): the numbers are below 2^exponent.

    Returns:
        Shape (1 + n_columns, n_right).
    """
    add = partial(_add_batches, design=design, right=right, right_exponents=right_exponents)
    wanted = rows.select(*design.columns, LABEL, WEIGHT, FOLD)
    parts = wanted.mapInArrow(add, "sums BINARY").collect()
    return total_of([bytes(part.sums) for part in parts], design.exponents, right_exponents)


def _add_batches(
    batches: Iterator[pa.RecordBatch],
    *,
    design: Design,
    right: Callable[[Block], NDArray[np.float64]],
    right_exponents: NDArray[np.int64],
) -> Iterator[pa.RecordBatch]:
    sums = ExactProducts(1 + len(design.columns), len(right_exponents))
    # Each task has one core: more threads on such small matrices cost ten times the time.
    with threadpool_limits(limits=1, user_api="blas"):
        for batch in batches:
            for start in range(0, batch.num_rows, CHUNK):
                block = _block(batch.slice(start, CHUNK), design)
                left = slices(block.values, design.exponents)
                sums.add(left, slices(right(block), right_exponents))
    yield pa.RecordBatch.from_pydict({"sums": pa.array([sums.to_bytes()], pa.binary())})


def _block(batch: pa.RecordBatch, design: Design) -> Block:
    column = {name: batch.column(i).to_numpy() for i, name in enumerate(batch.schema.names)}
    ones = np.ones(batch.num_rows)
    return Block(
        np.stack([ones, *(column[name] for name in design.columns)]),
        column[LABEL],
        column[WEIGHT],
        column[FOLD],
    )
