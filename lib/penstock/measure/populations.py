"""Loans by score or by bin, whatever became of them: what stability is measured on.

Needs no labels; counts of goods and bads are in `counts.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.counts import UNKNOWN_GROUP

MISSING_BIN = "missing"
# Bins are few by nature; more of them means that a column was not binned.
MOST_BINS = 100_000

BinCounts = dict[str, dict[str, int]]
"""Loans by characteristic and bin."""


@dataclass(frozen=True, eq=False)
class Population:
    """Loans for each distinct score, sorted by score.

    Attributes:
        score: Shape (n_scores,), finite.
        n: Shape (n_scores,), loans.
    """

    score: NDArray[np.float64]
    n: NDArray[np.int64]

    @classmethod
    def of(cls, scores: ArrayLike) -> "Population":
        """Count single loans without Spark: scores of shape (n_loans,)."""
        score, n = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
        return cls(score, n.astype(np.int64))

    @property
    def loans(self) -> int:
        """All loans."""
        return int(self.n.sum())


def count_populations(
    scored: DataFrame, *, score: str, by: str, decimals: int
) -> dict[str, Population]:
    """Count the loans of each population by rounded score, in one Spark query.

    At most 10^decimals + 1 rows for each value of `by` reach the driver if scores lie in 0-1
    (four decimals: 10,001, 160 kB), and never more than there are loans.

    Args:
        scored: One row per loan, with the columns named below.
        score: Column of the score.
        by: Column of the population (a month, a sample); null becomes "unknown".
        decimals: Decimals that scores are rounded to.

    Returns:
        Name to population, in the order of the names.

    Raises:
        DataError: There are scores that are null, NaN or infinite.
    """
    counted = (
        scored.groupBy(
            F.round(F.col(score).cast("double"), decimals).alias("score"), _named(by).alias("by")
        )
        .agg(F.count(F.lit(1)).alias("n"))
        .toArrow()
    )
    scores = counted["score"].to_numpy().astype(np.float64)
    names, n = counted["by"].to_numpy().astype(np.str_), counted["n"].to_numpy()
    unknown = int(n[~np.isfinite(scores)].sum())
    if unknown:
        raise DataError(
            f"Cannot measure: {unknown:,} rows with {score} null, NaN or infinite. Keep such rows "
            "out before measuring."
        )
    order = np.argsort(scores)
    scores, names, n = scores[order], names[order], n[order]
    return {
        str(name): Population(scores[names == name], n[names == name]) for name in np.unique(names)
    }


def count_bins(binned: DataFrame, *, columns: Sequence[str], by: str) -> dict[str, BinCounts]:
    """Count the loans of each population by characteristic and bin, in one Spark query.

    At most 100,000 rows (population, characteristic, bin) reach the driver.

    Args:
        binned: One row per loan, with the columns named below.
        columns: Characteristics, already binned: each value is the name of a bin, and null becomes
            "missing".
        by: Column of the population (a month, a sample); null becomes "unknown".

    Returns:
        Name of the population to its counts.

    Raises:
        DataError: There are more rows than that.
    """
    named = binned.select(
        _named(by).alias("by"),
        *(
            F.coalesce(F.col(name).cast("string"), F.lit(MISSING_BIN)).alias(f"bin_{number}")
            for number, name in enumerate(columns)
        ),
    )
    # Numbered, as a characteristic may be called as `by` is.
    bins = [f"bin_{number}" for number in range(len(columns))]
    counted = (
        named.unpivot("by", tuple(bins), "column", "bin")
        .groupBy("by", "column", "bin")
        .agg(F.count(F.lit(1)).alias("n"))
        .limit(MOST_BINS + 1)
        .toArrow()
    )
    if counted.num_rows > MOST_BINS:
        raise DataError(
            f"The characteristics {', '.join(columns)} have more than {MOST_BINS:,} bins in all: "
            "bin them before counting."
        )
    title = dict(zip(bins, columns, strict=True))
    found: dict[str, BinCounts] = {}
    for row in counted.sort_by([("by", "ascending"), ("bin", "ascending")]).to_pylist():
        of_population = found.setdefault(row["by"], {name: {} for name in columns})
        of_population[title[row["column"]]][row["bin"]] = row["n"]
    return found


def quantile_edges(population: Population, *, bins: int) -> NDArray[np.float64]:
    """Return the inner edges of bins with equally many loans: the highest score of all but one.

    Shape (n_bins - 1,) or shorter: equal scores stay in one bin, and empty bins are left out.
    """
    middle = np.cumsum(population.n) - population.n / 2
    of_score = np.minimum(middle * bins / population.loans, bins - 1).astype(np.int64)
    is_last = np.append(of_score[1:] != of_score[:-1], False)
    edges: NDArray[np.float64] = population.score[is_last]
    return edges


def loans_in_bins(population: Population, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the loans in each bin; a score equal to an edge lies below it.

    Shape (n_edges + 1,); `edges` rise.
    """
    of_score = np.searchsorted(edges, population.score, side="left")
    counted = np.bincount(of_score, weights=population.n, minlength=len(edges) + 1)
    return counted.astype(np.int64)


def _named(by: str) -> Column:
    return F.coalesce(F.col(by).cast("string"), F.lit(UNKNOWN_GROUP))
