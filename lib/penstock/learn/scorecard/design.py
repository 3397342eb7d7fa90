"""The rows that a scorecard is fitted on: columns, label, weight and fold, checked and bounded."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, eq=False)
class Design:
    """What is known of the rows before they are fitted.

    Attributes:
        columns: Columns of the design.
        largest: Largest absolute value of each column.
        largest_weight: Largest weight of a row.
        ranges: For each column the least and greatest value of goods, then of bads (`ENDS`).
        bad_share: Share of bads among the rows, weights aside, 0-1.
        n_folds: Folds are 0 to n_folds - 1; 1 if all rows are in one.
        encodings: For the values that all rows give, then for those given without each fold: what
            each column's number of a bin is worth, shape (n_bins,). Empty: the rows hold values.
    """

    columns: tuple[str, ...]
    largest: tuple[float, ...]
    largest_weight: float
    ranges: tuple[tuple[float, ...], ...]
    bad_share: float
    n_folds: int
    encodings: tuple[tuple[NDArray[np.float64], ...], ...] = ()

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
            encodings=tuple(tuple(each[i] for i in places) for each in self.encodings),
        )

    def encoded(self, encodings: Sequence[Sequence[NDArray[np.float64]]]) -> "Design":
        """Return the design of rows that hold numbers of bins, worth what the encodings say."""
        of_columns = zip(*encodings, strict=True)
        return replace(
            self,
            largest=tuple(float(np.abs(np.concatenate(each)).max()) for each in of_columns),
            encodings=tuple(map(tuple, encodings)),
        )

    def telling(self, columns: Iterable[str], *, without: int | None) -> tuple[str, ...]:
        """Return those of the columns that have different values where a fold is left out."""
        if not self.encodings:
            return tuple(columns)
        encoding = dict(zip(self.columns, self.encodings[_place(without)], strict=True))
        return tuple(name for name in columns if np.ptp(encoding[name]) > 0)


def design_rows(
    rows: DataFrame, columns: Mapping[str, Column], *, label: str, weight: str | None, fold: Column
) -> DataFrame:
    """Return the columns of a design, label, weight (1 without one) and fold, and no more.

    Args:
        rows: One row per loan.
        columns: Name in the design to its number: DOUBLE, or the number of a bin (INT).
        label: Column of the label: 0 = good, 1 = bad.
        weight: Column of the weight of a loan; None: each counts as 1.
        fold: Fold of a loan, a whole number from 0 on.
    """
    return rows.select(
        *(column.alias(name) for name, column in columns.items()),
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


@dataclass(frozen=True, eq=False)
class Factor:
    """What intercept and columns are multiplied by.

    Attributes:
        of: Returns numbers of shape (n_right, n_rows) for a block.
        exponents: Shape (n_right,): the numbers are below 2^exponent.
        without: Fold without which the columns have their values; None: by all rows.
    """

    of: Callable[[Block], NDArray[np.float64]]
    exponents: NDArray[np.int64]
    without: int | None = None


def sum_products(
    rows: DataFrame, design: Design, factors: Sequence[Factor]
) -> list[NDArray[np.float64]]:
    """Sum intercept and columns times each factor, in one Spark job.

    The sums are exact, so that neither partitions nor the order of tasks change a bit of them. Each
    partition sends 16 (1 + n_columns) n_right bytes by factor to the driver.

    Args:
        rows: From `design_rows`, with at least the design's columns.
        design: What `check_design` returned, or a part of it.
        factors: At least one.

    Returns:
        For each factor, shape (1 + n_columns, n_right).
    """
    add = partial(_add_batches, design=design, factors=tuple(factors))
    wanted = rows.select(*design.columns, LABEL, WEIGHT, FOLD)
    parts = wanted.mapInArrow(add, "sums ARRAY<BINARY>").collect()
    by_factor = zip(*(part.sums for part in parts), strict=True)
    return [
        total_of([bytes(part) for part in of_parts], design.exponents, factor.exponents)
        for factor, of_parts in zip(factors, by_factor, strict=True)
    ]


def _add_batches(
    batches: Iterator[pa.RecordBatch], *, design: Design, factors: Sequence[Factor]
) -> Iterator[pa.RecordBatch]:
    sums = [ExactProducts(1 + len(design.columns), len(each.exponents)) for each in factors]
    # Each task has one core: more threads on such small matrices cost ten times the time.
    with threadpool_limits(limits=1, user_api="blas"):
        for batch in batches:
            for start in range(0, batch.num_rows, CHUNK):
                _add(batch.slice(start, CHUNK), design, factors, sums)
    found = pa.array([[each.to_bytes() for each in sums]], pa.list_(pa.binary()))
    yield pa.RecordBatch.from_pydict({"sums": found})


def _add(
    rows: pa.RecordBatch, design: Design, factors: Sequence[Factor], sums: list[ExactProducts]
) -> None:
    places = [_place(factor.without) if design.encodings else 0 for factor in factors]
    for place in dict.fromkeys(places):
        block = _block(rows, design, place)
        left = slices(block.values, design.exponents)
        for factor, total, its in zip(factors, sums, places, strict=True):
            if its == place:
                total.add(left, slices(factor.of(block), factor.exponents))


def _block(rows: pa.RecordBatch, design: Design, place: int) -> Block:
    column = {name: rows.column(i).to_numpy() for i, name in enumerate(rows.schema.names)}
    values = [column[name] for name in design.columns]
    if design.encodings:
        encoding = design.encodings[place]
        values = [worth[bins] for worth, bins in zip(encoding, values, strict=True)]
    return Block(
        np.stack([np.ones(rows.num_rows), *values]), column[LABEL], column[WEIGHT], column[FOLD]
    )


def _place(without: int | None) -> int:
    return 0 if without is None else 1 + without
