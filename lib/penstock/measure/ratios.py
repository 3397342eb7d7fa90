"""Measures of a model that predicts a ratio, such as LGD: errors, explained share, ranking.

Takes counts of loans by predicted and realised ratio, both 0-1.
"""

import math
from dataclasses import dataclass

import numpy as np

from penstock.measure.intervals import critical_value
from penstock.measure.ratio_counts import Floats, RatioCounts


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RatioBin:
    """Loans with neighbouring predictions: the mean prediction against the mean outcome."""

    loans: int
    predicted: float
    realised: Interval


def rmse(counts: RatioCounts) -> float:
    """Return the root of the mean squared error."""
    return math.sqrt(counts.mean((counts.predicted - counts.realised) ** 2))


def mae(counts: RatioCounts) -> float:
    """Return the mean absolute error."""
    return counts.mean(np.abs(counts.predicted - counts.realised))


def r_squared(counts: RatioCounts) -> float | None:
    """Return 1 - squared error / variance of the outcome; None if all outcomes are one.

    It is below 0 for a model worse than the mean of these very loans.
    """
    variance = counts.variance(counts.realised)
    return 1 - rmse(counts) ** 2 / variance if variance else None


def mean_interval(counts: RatioCounts, values: Floats, *, level: float) -> Interval:
    """Return the mean over loans of what has a value for each pair, by its standard error.

    Args:
        values: Shape (n_pairs,).
        level: Confidence of the interval, 0-1 (0.95 = 95 %).
    """
    mean = counts.mean(values)
    half = critical_value(level) * math.sqrt(counts.variance(values) / counts.loans)
    return Interval(mean, mean - half, mean + half)


def skill(counts: RatioCounts, *, benchmark: float, level: float) -> Interval | None:
    """Return 1 - squared error of the model / that of one ratio for all; None if that has none.

    Source:
        Murphy, Monthly Weather Review 116 (1988). The interval is that of the estimator's influence
        function (Hampel, Journal of the American Statistical Association 69, 1974).
    """
    of_model = (counts.predicted - counts.realised) ** 2
    of_benchmark = (benchmark - counts.realised) ** 2
    total = counts.mean(of_benchmark)
    if not total:
        return None
    ratio = counts.mean(of_model) / total
    influence = (ratio * of_benchmark - of_model) / total
    half = critical_value(level) * math.sqrt(counts.variance(influence) / counts.loans)
    return Interval(1 - ratio, 1 - ratio - half, 1 - ratio + half)


def somers_d(counts: RatioCounts) -> float | None:
    """Return Somers' D of the prediction by the outcome, -1 to 1; None if all outcomes are one.

    Of two loans with different outcomes, the share that is ranked rightly less the share that is
    ranked wrongly; equal predictions are neither. With two outcomes it is the Gini.

    Source:
        Somers, American Sociological Review 27 (1962); as a Gini: Newson, Stata Journal 2 (2002).
    """
    table = _table(counts)
    below = np.cumsum(np.cumsum(table, axis=0), axis=1)
    concordant = float((table[1:, 1:] * below[:-1, :-1]).sum())
    # Of a lower prediction and a higher outcome.
    above = np.cumsum(np.cumsum(table[:, ::-1], axis=0), axis=1)[:, ::-1]
    discordant = float((table[1:, :-1] * above[:-1, 1:]).sum())
    of_outcome = table.sum(axis=0)
    comparable = (counts.loans**2 - float((of_outcome**2).sum())) / 2
    return (concordant - discordant) / comparable if comparable else None


def rank_correlation(counts: RatioCounts) -> float | None:
    """Return Spearman's rank correlation, with mid-ranks for ties; None if one side is constant."""
    ranks = [_mid_ranks(values, counts) for values in (counts.predicted, counts.realised)]
    x, y = (rank - counts.mean(rank) for rank in ranks)
    spread = math.sqrt(counts.mean(x**2) * counts.mean(y**2))
    return counts.mean(x * y) / spread if spread else None


def ratio_bins(counts: RatioCounts, *, bins: int, level: float) -> list[RatioBin]:
    """Return bins of equally many loans by prediction, lowest first.

    Equal predictions stay together, so that bins differ in size where many loans share one.
    """
    predicted, place = np.unique(counts.predicted, return_inverse=True)
    n = np.bincount(place, weights=counts.n, minlength=len(predicted))
    middle = np.cumsum(n) - n / 2
    of_pair = np.minimum(middle * bins / counts.loans, bins - 1).astype(np.int64)[place]
    found = []
    for number in np.unique(of_pair):
        chosen = of_pair == number
        part = RatioCounts(counts.predicted[chosen], counts.realised[chosen], counts.n[chosen])
        realised = mean_interval(part, part.realised, level=level)
        found.append(RatioBin(part.loans, part.mean(part.predicted), realised))
    return found


def _table(counts: RatioCounts) -> Floats:
    """Return the loans for each prediction (rows) and outcome (columns), both rising."""
    (p, row), (y, column) = (
        np.unique(values, return_inverse=True) for values in (counts.predicted, counts.realised)
    )
    table = np.zeros((len(p), len(y)))
    np.add.at(table, (row, column), counts.n)
    return table


def _mid_ranks(values: Floats, counts: RatioCounts) -> Floats:
    found, place = np.unique(values, return_inverse=True)
    n = np.bincount(place, weights=counts.n, minlength=len(found))
    ranks: Floats = (np.cumsum(n) - n / 2)[place]
    return ranks
