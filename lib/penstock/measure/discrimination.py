"""Discrimination: how well a score ranks bads above goods.

Convention: bad = 1, higher score = riskier. With one class only every metric is None ("undefined").
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from penstock.errors import ConfigError
from penstock.measure.counts import ScoreCounts, quantile_bins
from penstock.measure.intervals import critical_value

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def auc(counts: ScoreCounts) -> float | None:
    """Return the area under the ROC curve, 0-1: P(bad's score > good's) + P(equal) / 2.

    Source:
        Mann-Whitney statistic with mid-ranks for ties: Hanley and McNeil, Radiology 143 (1982).
    """
    if not _has_both_classes(counts):
        return None
    return float(np.average(goods_below(counts), weights=counts.n_bad))


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
    variance = mean_variance(goods_below(counts), counts.n_bad) + mean_variance(
        bads_above(counts), counts.n_good
    )
    half = critical_value(level) * math.sqrt(variance)
    return max(0.0, area - half), min(1.0, area + half)


def gini(counts: ScoreCounts) -> float | None:
    """Return the Gini coefficient 2 AUC - 1, from -1 to 1 (also: accuracy ratio of the CAP)."""
    area = auc(counts)
    return None if area is None else 2 * area - 1


def partial_gini(counts: ScoreCounts, *, share: float) -> float | None:
    """Return the accuracy ratio of the CAP over the riskiest `share` of loans, at most 1.

    The area between the CAP and chance up to `share`, over the same area for the perfect ranking:
    1 = all bads (or bads only) come first, 0 = chance. It is `gini` for a share of 1. Within equal
    scores the CAP is straight: their loans come in random order.

    Args:
        counts: Loans by score.
        share: Share of loans to look at, above 0 and up to 1 (0.2 = the riskiest fifth).

    Raises:
        ConfigError: `share` is not as above.

    Source:
        CAP and accuracy ratio: Engelmann, Hayden and Tasche, Risk 16 (2003), here cut at `share`.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"Parameter 'share' is {share}; it must be above 0 and at most 1.")
    curve = cap_curve(counts)
    if curve is None or not counts.goods:
        return None
    of_loans, of_bads = curve
    inside = of_loans < share
    x = np.append(of_loans[inside], share)
    area = np.trapezoid(np.append(of_bads[inside], np.interp(share, of_loans, of_bads)), x)
    rate = counts.bads / counts.loans
    rising = min(share, rate)
    perfect = rising**2 / (2 * rate) + share - rising
    chance = share**2 / 2
    return float((area - chance) / (perfect - chance))


def h_measure(counts: ScoreCounts, *, alpha: float, beta: float) -> float | None:
    """Return the H measure, 0-1: the expected loss that the score saves, as a share of all.

    Declining a good costs c and accepting a bad 1 - c, with c drawn from Beta(alpha, beta); for
    each c the best cut-off is used. The loss is compared with that of the better of accepting and
    declining everybody: 0 = nothing saved, 1 = perfect ranking.

    Args:
        counts: Loans by score.
        alpha: First shape of the distribution of c, above 0.
        beta: Second shape, above 0. (2, 2): Hand (2009). (1 + bad rate, 1 + good rate): the costs
            that Hand and Anagnostopoulos (2014) advise, as the rarer class is mostly the dearer.

    Raises:
        ConfigError: A shape is not above 0.

    Source:
        Hand, Machine Learning 77 (2009); Hand and Anagnostopoulos, Pattern Recognition Letters 40
        (2014). The convex hull of the ROC curve is found as the isotonic bad rate by score:
        Fawcett and Niculescu-Mizil, Machine Learning 68 (2007).
    """
    if not (alpha > 0 and beta > 0):
        raise ConfigError(f"Parameters 'alpha' = {alpha} and 'beta' = {beta} must be above 0.")
    if not _has_both_classes(counts):
        return None
    rate = isotonic_regression(counts.n_bad / counts.n, weights=counts.n).x
    # Rounding may leave 0-1, where the incomplete beta function is undefined.
    loss = _least_loss(counts.n_good, counts.n_bad, np.clip(rate, 0, 1), alpha, beta)
    blind = _least_loss(counts.goods, counts.bads, counts.bads / counts.loans, alpha, beta)
    return 1 - loss / blind


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


def goods_below(counts: ScoreCounts) -> NDArray[np.float64]:
    """Return the share of goods that each score lies above, equal ones by half, 0-1.

    Shape (n_scores,); the mean over bads is the AUC. Needs a good.
    """
    below: NDArray[np.float64] = (np.cumsum(counts.n_good) - counts.n_good / 2) / counts.goods
    return below


def bads_above(counts: ScoreCounts) -> NDArray[np.float64]:
    """Return the share of bads that lie above each score, equal ones by half, 0-1.

    Shape (n_scores,); the mean over goods is the AUC. Needs a bad.
    """
    above: NDArray[np.float64] = 1 - (np.cumsum(counts.n_bad) - counts.n_bad / 2) / counts.bads
    return above


def mean_variance(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """Return the sampling variance of the mean of values, each seen `weights` (> 1 in all) times.

    Both of shape (n_values,).
    """
    n = int(weights.sum())
    mean = np.average(values, weights=weights)
    return float((weights * (values - mean) ** 2).sum() / (n - 1) / n)


def _has_both_classes(counts: ScoreCounts) -> bool:
    return counts.goods > 0 and counts.bads > 0


def _cumulative_shares(counts: ScoreCounts) -> Curve:
    return np.cumsum(counts.n_good) / counts.goods, np.cumsum(counts.n_bad) / counts.bads


def _least_loss(
    goods: NDArray[np.int64] | int,
    bads: NDArray[np.int64] | int,
    rate: NDArray[np.float64] | float,
    alpha: float,
    beta: float,
) -> float:
    # Where the cost ratio c is below their bad rate, loans are best declined, else accepted.
    declined = alpha / (alpha + beta) * betainc(alpha + 1, beta, rate)
    accepted = beta / (alpha + beta) * (1 - betainc(alpha, beta + 1, rate))
    return float(np.sum(goods * declined + bads * accepted))
