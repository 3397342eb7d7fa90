"""Loans by predicted and by realised ratio: what all measures of a ratio model come from.

Spark counts, numpy computes: nothing behind `count_by_ratio` touches the rows again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.measure.unusable import refuse_unusable

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RatioCounts:
    """Loans for each pair of ratios that occurs, sorted by prediction, then outcome.

    Attributes:
        predicted: Shape (n_pairs,), 0-1.
        realised: Shape (n_pairs,), 0-1.
        n: Shape (n_pairs,), loans.
    """

    predicted: Floats
    realised: Floats
    n: NDArray[np.int64]

    @classmethod
    def of(cls, predicted: ArrayLike, realised: ArrayLike) -> "RatioCounts":
        """Count single loans without Spark: ratios of shape (n_loans,)."""
        pairs = np.column_stack((predicted, realised)).astype(np.float64)
        found, n = np.unique(pairs, axis=0, return_counts=True)
        return cls(found[:, 0], found[:, 1], n.astype(np.int64))

    @property
    def loans(self) -> int:
        """All loans."""
        return int(self.n.sum())

    def mean(self, values: Floats) -> float:
        """Return the mean over loans of what has a value for each pair, shape (n_pairs,)."""
        return float(np.average(values, weights=self.n))

    def variance(self, values: Floats) -> float:
        """Return the variance over loans of what has a value for each pair."""
        return self.mean((values - self.mean(values)) ** 2)


def count_by_ratio(
    scored: DataFrame, *, predicted: str, realised: str, decimals: int
) -> RatioCounts:
    """Count loans by rounded prediction and outcome, in one Spark query.

    At most (10^decimals + 1)^2 rows reach the driver (three decimals: a million, 24 MB), and never
    more than there are loans.

    Args:
        scored: One row per loan, with the columns named below.
        predicted: Column of the predicted ratio, 0-1.
        realised: Column of the realised ratio, 0-1.
        decimals: Decimals that both are rounded to; ratios equal after it count as ties.

    Raises:
        DataError: There are ratios that are null, NaN or outside 0-1.
    """
    pair = [F.round(F.col(c).cast("double"), decimals).alias(c) for c in (predicted, realised)]
    counted = scored.groupBy(*pair).agg(F.count(F.lit(1)).alias("n")).toArrow()
    ratios = {c: counted[c].to_numpy().astype(np.float64) for c in (predicted, realised)}
    n = counted["n"].to_numpy().astype(np.int64)
    faults = {}
    for name, values in ratios.items():
        is_known = np.isfinite(values)
        faults[f"{name} null, NaN or infinite"] = n[~is_known].sum()
        faults[f"{name} outside 0-1"] = n[is_known & ((values < 0) | (values > 1))].sum()
    refuse_unusable(faults)
    order = np.lexsort((ratios[realised], ratios[predicted]))
    return RatioCounts(ratios[predicted][order], ratios[realised][order], n[order])
