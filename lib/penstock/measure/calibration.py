"""Calibration: whether loans default as often as their PD says.

Takes counts whose score is a PD (0-1).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from penstock.measure.counts import ScoreCounts, quantile_bins


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
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = bads / loans
    centre = (rate + z * z / (2 * loans)) / (1 + z * z / loans)
    spread = math.sqrt(rate * (1 - rate) / loans + (z / loans) ** 2 / 4)
    half = z / (1 + z * z / loans) * spread
    return max(0.0, centre - half), min(1.0, centre + half)
