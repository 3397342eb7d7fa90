"""Calibration: whether loans default as often as their PD says.

Takes counts whose score is a PD (0-1).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from penstock.measure.counts import ScoreCounts, quantile_bins
from penstock.measure.intervals import critical_value


@dataclass(frozen=True)
class CalibrationBin:
    """Loans with neighbouring PDs: predicted against observed, all rates as fractions.

    Attributes:
        low: Lower bound of the 95 % interval of the bad rate.
        high: Upper bound of the same.
    """

    loans: int
    bads: int
    mean_pd: float
    bad_rate: float
    low: float
    high: float


@dataclass(frozen=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty + within_variance - within_covariance.

    Attributes:
        reliability: Mean squared gap of mean PD and bad rate over bins; 0 is best.
        resolution: Mean squared gap of the bins' bad rates and the overall one; higher is better.
        uncertainty: Bad rate x good rate, which no model can change.
        within_variance: Variance of the PDs inside their bins.
        within_covariance: Twice the covariance of PD and label inside the bins.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float


@dataclass(frozen=True)
class HosmerLemeshow:
    """Hosmer-Lemeshow test: the chi-square statistic, its degrees of freedom and p-value, 0-1."""

    statistic: float
    degrees: int
    p_value: float


def mean_pd(counts: ScoreCounts) -> float:
    """Return the mean PD of all loans, 0-1."""
    return float(np.average(counts.score, weights=counts.n))


def bad_rate(counts: ScoreCounts) -> float:
    """Return the share of bads among all loans, 0-1."""
    return counts.bads / counts.loans


def calibration_in_the_large(counts: ScoreCounts) -> float | None:
    """Return mean PD / bad rate - 1 (0.05 = PDs are 5 % too high); None without bads."""
    return mean_pd(counts) / bad_rate(counts) - 1 if counts.bads else None


def brier(counts: ScoreCounts) -> float:
    """Return the mean squared distance of PD and label, 0-1, lower is better.

    Source:
        Brier, Monthly Weather Review 78 (1950), halved to one class as is usual.
    """
    squares = counts.n_bad * (1 - counts.score) ** 2 + counts.n_good * counts.score**2
    return float(squares.sum() / counts.loans)


def ece(counts: ScoreCounts, *, bins: int) -> float:
    """Return the expected calibration error: mean |mean PD - bad rate| over bins, by their loans.

    Source:
        Naeini, Cooper and Hauskrecht, AAAI (2015), with bins of equally many loans.
    """
    table = calibration_bins(counts, bins=bins)
    return sum(b.loans * abs(b.mean_pd - b.bad_rate) for b in table) / counts.loans


def brier_decomposition(counts: ScoreCounts, *, bins: int) -> BrierParts:
    """Split the Brier score into parts that add up to it exactly, by bins of equally many loans.

    Source:
        Murphy, Journal of Applied Meteorology 12 (1973); the two within-bin parts: Stephenson,
        Coelho and Jolliffe, Weather and Forecasting 23 (2008).
    """
    _, of_score = np.unique(quantile_bins(counts, bins), return_inverse=True)
    n = np.bincount(of_score, weights=counts.n)
    predicted = np.bincount(of_score, weights=counts.n * counts.score) / n
    observed = np.bincount(of_score, weights=counts.n_bad) / n
    overall = bad_rate(counts)
    from_mean = counts.score - predicted[of_score]
    with_label = counts.n_bad - counts.n * observed[of_score]
    return BrierParts(
        reliability=float(np.average((predicted - observed) ** 2, weights=n)),
        resolution=float(np.average((observed - overall) ** 2, weights=n)),
        uncertainty=overall * (1 - overall),
        within_variance=float(np.average(from_mean**2, weights=counts.n)),
        within_covariance=float(2 * (from_mean * with_label).sum() / counts.loans),
    )


def hosmer_lemeshow(counts: ScoreCounts, *, bins: int, estimated: int) -> HosmerLemeshow | None:
    """Test whether bins of equally many loans have as many bads as their PDs expect.

    Undefined (None) if a bin expects no bads or no goods, or degrees of freedom are not left. With
    many loans the test refuses gaps too small to matter: read it beside `ece`.

    Args:
        counts: Loans by PD.
        bins: Bins, 10 by custom.
        estimated: Degrees of freedom lost to fitting: 2 on loans that the PD was fitted on, 0 on
            others.

    Source:
        Hosmer and Lemeshow, Communications in Statistics A9 (1980); degrees of freedom on other
        loans: Hosmer, Lemeshow and Sturdivant, Applied Logistic Regression (2013), chapter 5.
    """
    table = calibration_bins(counts, bins=bins)
    degrees = len(table) - estimated
    if degrees < 1 or not all(0 < b.mean_pd < 1 for b in table):
        return None
    statistic = sum(
        b.loans * (b.bad_rate - b.mean_pd) ** 2 / (b.mean_pd * (1 - b.mean_pd)) for b in table
    )
    return HosmerLemeshow(statistic, degrees, float(chi2.sf(statistic, degrees)))


def calibration_bins(counts: ScoreCounts, *, bins: int) -> list[CalibrationBin]:
    """Return predicted and observed default for `bins` bins of equally many loans, lowest PD first.

    Equal PDs stay in one bin; empty bins are left out.

    Source:
        Interval: Wilson, Journal of the American Statistical Association 22 (1927), at 95 %.
    """
    of_score = quantile_bins(counts, bins)
    return [_bin(counts, of_score == number) for number in np.unique(of_score)]


def _bin(counts: ScoreCounts, inside: NDArray[np.bool_]) -> CalibrationBin:
    loans, bads = int(counts.n[inside].sum()), int(counts.n_bad[inside].sum())
    low, high = wilson_interval(bads, loans, level=0.95)
    predicted = float(np.average(counts.score[inside], weights=counts.n[inside]))
    return CalibrationBin(loans, bads, predicted, bads / loans, low, high)


def wilson_interval(bads: int, loans: int, *, level: float) -> tuple[float, float]:
    """Return the Wilson score interval of a bad rate, as fractions."""
    z = critical_value(level)
    rate = bads / loans
    centre = (rate + z * z / (2 * loans)) / (1 + z * z / loans)
    spread = math.sqrt(rate * (1 - rate) / loans + (z / loans) ** 2 / 4)
    half = z / (1 + z * z / loans) * spread
    return max(0.0, centre - half), min(1.0, centre + half)
