"""Two scores of the same loans: whether one ranks better than the other, beyond chance.

Convention as in `discrimination.py`: bad = 1, higher score = riskier.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import auc, bads_above, goods_below, mean_variance
from penstock.measure.intervals import critical_value
from penstock.measure.unusable import refuse_unusable

# 32 bytes a pair, and some 100 more while they are compared: at most 700 MB on the driver.
MOST_PAIRS = 5_000_000


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Goods and bads for each pair of scores; a pair may come more than once.

    Attributes:
        score_a: Shape (n_pairs,), finite; higher = riskier.
        score_b: Shape (n_pairs,), the other score of the same loans.
        n_good: Shape (n_pairs,), loans with label 0.
        n_bad: Shape (n_pairs,), loans with label 1.
    """

    score_a: NDArray[np.float64]
    score_b: NDArray[np.float64]
    n_good: NDArray[np.int64]
    n_bad: NDArray[np.int64]

    @classmethod
    def of(cls, scores_a: ArrayLike, scores_b: ArrayLike, is_bad: ArrayLike) -> "PairCounts":
        """Take single loans without Spark: scores and labels (0 or 1) of shape (n_loans,)."""
        bad = np.asarray(is_bad, dtype=np.int64)
        a, b = (np.asarray(scores, dtype=np.float64) for scores in (scores_a, scores_b))
        return cls(a, b, 1 - bad, bad)


@dataclass(frozen=True)
class AucDifference:
    """AUC of score a less AUC of score b, of the same loans.

    Attributes:
        auc_a: AUC of score a, 0-1.
        auc_b: AUC of score b, 0-1.
        difference: Above 0: score a ranks better.
        low: Lower bound of the confidence interval of the difference.
        high: Upper bound of the same.
        p_value: Two-sided, of the hypothesis that both scores rank equally well, 0-1.
    """

    auc_a: float
    auc_b: float
    difference: float
    low: float
    high: float
    p_value: float


def auc_metrics(found: AucDifference | None, *, auc_a: str, auc_b: str) -> dict[str, float | None]:
    """Return a difference as metrics: both AUCs by these names, `auc_difference` with its bounds.

    What is undefined is None.
    """
    if found is None:
        names = (auc_b, auc_a, "auc_difference", "auc_difference_low", "auc_difference_high")
        return dict.fromkeys(names)
    return {
        auc_b: found.auc_b,
        auc_a: found.auc_a,
        "auc_difference": found.difference,
        "auc_difference_low": found.low,
        "auc_difference_high": found.high,
    }


def count_by_pair(
    scored: DataFrame, *, score_a: str, score_b: str, label: str, decimals: int
) -> PairCounts:
    """Count goods and bads for each pair of rounded scores, in one Spark query.

    At most 5,000,000 pairs reach the driver (some 700 MB while they are compared), and never more
    than there are loans. Scores in 0-1 by three decimals have about a million pairs at most.

    Args:
        scored: One row per loan, with the columns named below.
        score_a: Column of one score, higher = riskier.
        score_b: Column of the other, higher = riskier.
        label: Column of the label: 0 = good, 1 = bad.
        decimals: Decimals that scores are rounded to; scores equal after it count as ties.

    Raises:
        DataError: There are more pairs, scores that are null, NaN or infinite, or labels other than
            0 and 1.
    """
    is_bad = F.col(label).cast("double")
    counted = (
        scored.groupBy(
            _rounded(score_a, decimals).alias("score_a"),
            _rounded(score_b, decimals).alias("score_b"),
        )
        .agg(
            F.count_if(is_bad == 0).alias("n_good"),
            F.count_if(is_bad == 1).alias("n_bad"),
            F.count(F.lit(1)).alias("n"),
        )
        .limit(MOST_PAIRS + 1)
        .toArrow()
    )
    if counted.num_rows > MOST_PAIRS:
        raise DataError(
            f"'{score_a}' and '{score_b}' have more than {MOST_PAIRS:,} different pairs by "
            f"{decimals} decimals: lower parameter 'decimals'."
        )
    # In an order of their own: sums over pairs are then the same to the last bit.
    ordered = counted.sort_by([("score_a", "ascending"), ("score_b", "ascending")])
    a, b, n_good, n_bad, n = (column.to_numpy() for column in ordered.columns)
    pairs = PairCounts(a.astype(np.float64), b.astype(np.float64), n_good, n_bad)
    known = np.isfinite(pairs.score_a) & np.isfinite(pairs.score_b)
    refuse_unusable(
        {
            f"{score_a} or {score_b} null, NaN or infinite": n[~known].sum(),
            f"{label} neither 0 nor 1": (n - pairs.n_good - pairs.n_bad).sum(),
        },
        purpose="Cannot compare",
    )
    return pairs


def count_by_both(
    champion: DataFrame, other: DataFrame, *, beside: str, decimals: int
) -> PairCounts:
    """Count goods and bads for each pair of rounded PDs that two models give the same loans.

    Runs one Spark query, whose result is bounded as `count_by_pair` says.

    Grain: one row per `row_id` in each table; both have the same.

    Args:
        champion, other: `row_id`, `is_bad` (0 or 1), `pd` (0-1).
        beside: What the other model is to the champion, for errors.
        decimals: Decimals of PD that loans are counted by.

    Raises:
        DataError: There are no loans, a loan stands in one table only, or as of `count_by_pair`.
    """
    names = ("champion", beside)
    first, second = (
        table.select(
            "row_id", F.col("is_bad").alias(f"{name}_label"), F.col("pd").alias(f"{name}_pd")
        )
        for name, table in zip(names, (champion, other), strict=True)
    )
    # A loan that only one table has lacks a PD, and is refused with the others.
    label = F.coalesce(*(f"{name}_label" for name in names))
    pairs = count_by_pair(
        first.join(second, "row_id", how="full").withColumn("is_bad", label),
        score_a=f"{names[0]}_pd",
        score_b=f"{names[1]}_pd",
        label="is_bad",
        decimals=decimals,
    )
    if not len(pairs.n_good):
        raise DataError("There are no loans to compare: nothing was scored.")
    return pairs


def delong_difference(pairs: PairCounts, *, level: float) -> AucDifference | None:
    """Compare the AUCs of two scores of the same loans.

    Args:
        pairs: Fewer than two goods or two bads: None.
        level: Confidence of the interval, 0-1 (0.95 = 95 %).

    Returns:
        The difference; its p-value is 1 for two scores that rank all loans alike, and 0 for two
        that differ without any spread.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988): the variance of the difference of
        each loan's two placements is that of both AUCs less twice their covariance.
    """
    a, place_a = _single(pairs, pairs.score_a)
    b, place_b = _single(pairs, pairs.score_b)
    auc_a, auc_b = auc(a), auc(b)
    if auc_a is None or auc_b is None or min(a.goods, a.bads) <= 1:
        return None
    of_bads = goods_below(a)[place_a] - goods_below(b)[place_b]
    of_goods = bads_above(a)[place_a] - bads_above(b)[place_b]
    error = math.sqrt(mean_variance(of_bads, pairs.n_bad) + mean_variance(of_goods, pairs.n_good))
    difference = auc_a - auc_b
    half = critical_value(level) * error
    p_value = math.erfc(abs(difference) / error / math.sqrt(2)) if error else float(not difference)
    return AucDifference(auc_a, auc_b, difference, difference - half, difference + half, p_value)


def _rounded(score: str, decimals: int) -> Column:
    return F.round(F.col(score).cast("double"), decimals)


def _single(
    pairs: PairCounts, scores: NDArray[np.float64]
) -> tuple[ScoreCounts, NDArray[np.int64]]:
    score, place = np.unique(scores, return_inverse=True)
    good, bad = (
        np.bincount(place, weights=of_class, minlength=len(score)).astype(np.int64)
        for of_class in (pairs.n_good, pairs.n_bad)
    )
    return ScoreCounts(score, good, bad, np.full(len(score), "")), place
