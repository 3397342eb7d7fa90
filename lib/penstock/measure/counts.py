"""Goods and bads for each score: the one thing that all metrics are computed from.

Spark counts, numpy computes: nothing behind `count_by_score` touches the rows again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.measure.unusable import refuse_unusable

UNKNOWN_GROUP = "unknown"


@dataclass(frozen=True, eq=False)
class ScoreCounts:
    """Goods and bads for each distinct score and group, sorted by score, then group.

    Attributes:
        score: Shape (n_scores,), finite; higher = riskier.
        n_good: Shape (n_scores,), loans with label 0.
        n_bad: Shape (n_scores,), loans with label 1.
        group: Shape (n_scores,), the group's name; "" where nothing was grouped.
    """

    score: NDArray[np.float64]
    n_good: NDArray[np.int64]
    n_bad: NDArray[np.int64]
    group: NDArray[np.str_]

    @classmethod
    def of(cls, scores: ArrayLike, is_bad: ArrayLike) -> "ScoreCounts":
        """Count single loans without Spark: scores and labels (0 or 1) of shape (n_loans,)."""
        bad = np.asarray(is_bad, dtype=np.int64)
        return cls.added_up(np.asarray(scores, dtype=np.float64), 1 - bad, bad)

    @classmethod
    def added_up(
        cls, scores: NDArray[np.float64], n_good: NDArray[np.int64], n_bad: NDArray[np.int64]
    ) -> "ScoreCounts":
        """Add up goods and bads of shape (n_lots,) whose scores may come more than once."""
        score, place = np.unique(scores, return_inverse=True)
        good, bad = (
            np.bincount(place, weights=of_class, minlength=len(score)).astype(np.int64)
            for of_class in (n_good, n_bad)
        )
        return cls(score, good, bad, np.full(len(score), ""))

    @property
    def n(self) -> NDArray[np.int64]:
        """Loans at each score, shape (n_scores,)."""
        return self.n_good + self.n_bad

    @property
    def goods(self) -> int:
        """All loans with label 0."""
        return int(self.n_good.sum())

    @property
    def bads(self) -> int:
        """All loans with label 1."""
        return int(self.n_bad.sum())

    @property
    def loans(self) -> int:
        """All loans."""
        return self.goods + self.bads

    def total(self) -> "ScoreCounts":
        """Return the counts of all groups together."""
        return ScoreCounts.added_up(self.score, self.n_good, self.n_bad)

    def by_group(self) -> dict[str, "ScoreCounts"]:
        """Return the counts of each group, in the order of the groups' names."""
        return {str(name): self._where(self.group == name) for name in np.unique(self.group)}

    def _where(self, chosen: NDArray[np.bool_]) -> "ScoreCounts":
        return ScoreCounts(
            self.score[chosen], self.n_good[chosen], self.n_bad[chosen], self.group[chosen]
        )


def count_by_score(
    scored: DataFrame, *, score: str, label: str, by: str | None, decimals: int
) -> ScoreCounts:
    """Count goods and bads for each rounded score, in one Spark query.

    At most 10^decimals + 1 rows for each value of `by` reach the driver if scores lie in 0-1
    (six decimals: a million, 32 MB), and never more than there are loans.

    Args:
        scored: One row per loan, with the columns named below.
        score: Column of the score, higher = riskier.
        label: Column of the label: 0 = good, 1 = bad.
        by: Column to count apart (a vintage, a segment); null becomes the group "unknown". None:
            one group, "".
        decimals: Decimals that scores are rounded to; scores equal after it count as ties.

    Raises:
        DataError: There are scores that are null, NaN or infinite, or labels other than 0 and 1.
    """
    is_bad = F.col(label).cast("double")
    group = F.lit("") if by is None else F.coalesce(F.col(by).cast("string"), F.lit(UNKNOWN_GROUP))
    counted = scored.groupBy(
        F.round(F.col(score).cast("double"), decimals).alias("score"), group.alias("group")
    ).agg(
        F.count_if(is_bad == 0).alias("n_good"),
        F.count_if(is_bad == 1).alias("n_bad"),
        F.count_if(is_bad.isNull()).alias("n_unlabelled"),
        F.count_if(~is_bad.isin(0.0, 1.0)).alias("n_mislabelled"),
    )
    table = counted.toArrow()
    columns = {name: table[name].to_numpy() for name in table.column_names}
    scores = columns["score"].astype(np.float64)
    counted_as = ("n_good", "n_bad", "n_unlabelled", "n_mislabelled")
    rows = np.sum([columns[name] for name in counted_as], axis=0)
    refuse_unusable(
        {
            f"{score} null, NaN or infinite": rows[~np.isfinite(scores)].sum(),
            f"{label} null": columns["n_unlabelled"].sum(),
            f"{label} neither 0 nor 1": columns["n_mislabelled"].sum(),
        }
    )
    groups = columns["group"].astype(np.str_)
    order = np.lexsort((groups, scores))
    return ScoreCounts(
        scores[order], columns["n_good"][order], columns["n_bad"][order], groups[order]
    )


def quantile_bins(counts: ScoreCounts, bins: int) -> NDArray[np.int64]:
    """Return the bin (0 = lowest scores) of each score, for `bins` bins with equally many loans.

    Equal scores stay together: a score belongs to the bin in which the middle of its loans lies, so
    bins differ in size, or stay empty, where many loans share one score.
    """
    middle = np.cumsum(counts.n) - counts.n / 2
    return np.minimum(middle * bins / counts.loans, bins - 1).astype(np.int64)
