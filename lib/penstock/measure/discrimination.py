"""Discrimination: how well a score ranks bads above goods.

Convention: bad = 1, higher score = riskier. With one class only every metric is None ("undefined").
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from penstock.measure.counts import ScoreCounts, quantile_bins

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def auc(counts: ScoreCounts) -> float | None:
    """Return the area under the ROC curve, 0-1: P(bad's score > good's) + P(equal) / 2.

    Source:
        Mann-Whitney statistic with mid-ranks for ties: Hanley and McNeil, Radiology 143 (1982).
    """
    if not _has_both_classes(counts):
        return None
    return float(np.average(_goods_below(counts), weights=counts.n_bad))


def auc_interval(counts: ScoreCounts, *, level: float) -> tuple[float, float] | None:
    """Return the two-sided confidence interval of the AUC, cut to 0-1.

    Args:
        counts: Fewer than two goods or two bads: None.
        level: Confidence, 0-1 (0.95 = 95 %).

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988): the variance of each loan's
        placement among the other class, here summed over grouped counts.
    """
    area = auc(counts)
    if area is None or min(counts.goods, counts.bads) <= 1:
        return None
    bads_above = 1 - (np.cumsum(counts.n_bad) - counts.n_bad / 2) / counts.bads
    variance = _mean_variance(_goods_below(counts), counts.n_bad) + _mean_variance(
        bads_above, counts.n_good
    )
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
    return max(0.0, area - half), min(1.0, area + half)


def gini(counts: ScoreCounts) -> float | None:
    """Return the Gini coefficient 2 AUC - 1, from -1 to 1 (also: accuracy ratio of the CAP)."""
    area = auc(counts)
    return None if area is None else 2 * area - 1


def ks(counts: ScoreCounts) -> float | None:
    """Return the Kolmogorov-Smirnov distance max |F_bad - F_good| over all scores, 0-1."""
    if not _has_both_classes(counts):
        return None
    of_goods, of_bads = _cumulative_shares(counts)
    return float(np.abs(of_bads - of_goods).max())


def roc_curve(counts: ScoreCounts) -> Curve | None:
    """Return shares of goods (x) and of bads (y) scored at or above each score, from 0 to 1.

    Shape (n_scores + 1,) each; the area below it by trapezes is the AUC.
    """
    if not _has_both_classes(counts):
        return None
    of_goods = np.cumsum(counts.n_good[::-1]) / counts.goods
    of_bads = np.cumsum(counts.n_bad[::-1]) / counts.bads
    return np.concatenate(([0.0], of_goods)), np.concatenate(([0.0], of_bads))


def cap_curve(counts: ScoreCounts) -> Curve | None:
    """Return the cumulative accuracy profile: shares of loans (x), riskiest first, and bads (y).

    Shape (n_scores + 1,) each. Undefined (None) without bads.
    """
    if not counts.bads:
        return None
    of_loans = np.cumsum(counts.n[::-1]) / counts.loans
    of_bads = np.cumsum(counts.n_bad[::-1]) / counts.bads
    return np.concatenate(([0.0], of_loans)), np.concatenate(([0.0], of_bads))


def ks_curves(counts: ScoreCounts) -> tuple[NDArray[np.float64], Curve] | None:
    """Return the scores and the shares of goods and of bads at or below each, shape (n_scores,)."""
    if not _has_both_classes(counts):
        return None
    return counts.score, _cumulative_shares(counts)


def lift_by_decile(
    counts: ScoreCounts,
) -> list[tuple[int, int, int, float, float | None, float | None]]:
    """Return (decile, loans, bads, bad rate, lift, share of bads captured) for each tenth of loans.

    Decile 1 holds the riskiest tenth; equal scores stay in one decile and empty deciles are left
    out. Lift = bad rate of the decile / of all; captured = bads in this and riskier deciles / all
    bads. Both are None without bads.
    """
    of_score = quantile_bins(counts, 10)
    rows: list[tuple[int, int, int, float, float | None, float | None]] = []
    captured = 0
    for decile in range(9, -1, -1):
        inside = of_score == decile
        loans, bads = int(counts.n[inside].sum()), int(counts.n_bad[inside].sum())
        if not loans:
            continue
        captured += bads
        lift = bads / loans * counts.loans / counts.bads if counts.bads else None
        share = captured / counts.bads if counts.bads else None
        rows.append((10 - decile, loans, bads, bads / loans, lift, share))
    return rows


def _has_both_classes(counts: ScoreCounts) -> bool:
    return counts.goods > 0 and counts.bads > 0


def _cumulative_shares(counts: ScoreCounts) -> Curve:
    return np.cumsum(counts.n_good) / counts.goods, np.cumsum(counts.n_bad) / counts.bads


def _goods_below(counts: ScoreCounts) -> NDArray[np.float64]:
    below: NDArray[np.float64] = (np.cumsum(counts.n_good) - counts.n_good / 2) / counts.goods
    return below


def _mean_variance(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    n = int(weights.sum())
    mean = np.average(values, weights=weights)
    return float((weights * (values - mean) ** 2).sum() / (n - 1) / n)
