"""Unseen WoE: what the values of loans in a fold are worth by bins made without that fold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame

from penstock.catalyst.internals import as_leaf
from penstock.learn.binning.bins import ColumnBins, Partition
from penstock.learn.binning.fitting import CountedColumn
from penstock.learn.binning.refitting import finest_partition, refit
from penstock.learn.binning.woe import by_bin
from penstock.learn.scorecard.design import FOLD, LABEL, Design, check_design, design_rows


@dataclass(frozen=True, eq=False)
class FoldBins:
    """Bins made of all loans, and what bins without a fold can be made of.

    Attributes:
        bins: Column to its bins, as all loans give them.
        counted: Column to what its bins were made of.
    """

    bins: Mapping[str, ColumnBins]
    counted: Mapping[str, CountedColumn]

    @contextmanager
    def design(
        self, loans: DataFrame, columns: Sequence[str], *, label: str, weight: str | None,
        fold: Column,
    ) -> Iterator[tuple[DataFrame, Design]]:  # fmt: skip
        """Give the rows of a design that knows the WoE of all loans, and that without each fold.

        The rows hold numbers of pre-bins and categories, and lie in memory until the block ends.
        Three reads of them, whatever the folds: the solver chooses bins without a fold by counts.

        Args:
            loans: One row per loan: what the columns are binned by, label, weight and fold.
            columns: Columns that have bins.
            label, weight, fold: As for `design_rows`.
        """
        finest = {name: finest_partition(name, self.counted[name]) for name in columns}
        places = {name: by_bin(each, range(len(each.labels))) for name, each in finest.items()}
        rows = design_rows(loans, places, label=label, weight=weight, fold=fold)
        rows.persist()
        try:
            design = check_design(rows)
            if design.n_folds > 1:  # else nothing can be held out, which its user refuses
                design = design.encoded(self._encodings(rows, finest, design.n_folds))
            yield as_leaf(rows), design
        finally:
            rows.unpersist()

    def _encodings(
        self, rows: DataFrame, finest: Mapping[str, Partition], n_folds: int
    ) -> list[list[NDArray[np.float64]]]:
        by_fold = _count_by_fold(rows, finest, n_folds)
        total = {name: sum(counts[name] for counts in by_fold) for name in finest}
        without = refit(
            {name: self.counted[name] for name in finest},
            [{name: tuple(total[name] - counts[name]) for name in finest} for counts in by_fold],
        )
        return [
            [bins[name].woe_in(each) for name, each in finest.items()]
            for bins in (self.bins, *without)
        ]


def _count_by_fold(
    rows: DataFrame, finest: Mapping[str, Partition], n_folds: int
) -> list[dict[str, NDArray[np.int64]]]:
    """Return, for each fold, goods and bads of each column by bin: shapes (2, n_bins)."""
    sizes = {name: len(each.labels) for name, each in finest.items()}
    count = partial(_count, sizes=sizes, n_folds=n_folds)
    wanted = rows.select(*finest, LABEL, FOLD)
    parts = wanted.mapInArrow(count, "counts ARRAY<LONG>").collect()
    every = np.sum([part.counts for part in parts], axis=0).reshape(n_folds, 2, -1)
    ends = np.cumsum([*sizes.values()])[:-1]
    return [dict(zip(sizes, np.split(of_fold, ends, axis=1), strict=True)) for of_fold in every]


def _count(
    batches: Iterator[pa.RecordBatch], *, sizes: Mapping[str, int], n_folds: int
) -> Iterator[pa.RecordBatch]:
    counts = [np.zeros((2 * n_folds, size), np.int64) for size in sizes.values()]
    for batch in batches:
        *places, label, fold = (column.to_numpy() for column in batch.columns)
        group = 2 * fold.astype(np.int64) + (label == 1)
        for of_column, place in zip(counts, places, strict=True):
            found = np.bincount(group * of_column.shape[1] + place, minlength=of_column.size)
            np.add(of_column, found.reshape(of_column.shape), out=of_column)
    every = np.concatenate(counts, axis=1).ravel()
    yield pa.RecordBatch.from_pydict({"counts": pa.array([every.tolist()], pa.list_(pa.int64()))})
