"""Stability: whether loans and ranking today are those that the model was made on.

All from counts; which loans are compared with which is the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from penstock.errors import DataError, did_you_mean
from penstock.measure.populations import BinCounts, Population

MODERATE = 0.10
LARGE = 0.25
SMOOTHING = 0.5  # added to the loans of each bin, so that an empty one has a logarithm
FALLING_WEIGHT = 88.0
SPREAD_WEIGHT = 0.5
FEWEST_PERIODS = 2


@dataclass(frozen=True)
class Shift:
    """How far one population lies from another.

    Attributes:
        psi: Population stability index, >= 0.
        band: "stable" below 0.10, "moderate" below 0.25, else "large".
        threshold: PSI that two samples of one population stay below with the asked confidence; in
            small samples it lies above the bands, and a PSI below it means nothing.
        is_beyond_chance: PSI above the threshold.
    """

    psi: float
    band: Literal["stable", "moderate", "large"]
    threshold: float
    is_beyond_chance: bool


def psi(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Return the population stability index, >= 0: sum of (a - e) ln(a / e) over bins.

    Shares are smoothed: half a loan is added to each bin. So it is finite with empty bins, and 0
    for equal counts, but not quite for equal shares of unequally many loans.

    Args:
        expected: Shape (n_bins,), loans of the older population, such as development.
        actual: Shape (n_bins,), loans of the newer one in the same bins.

    Returns:
        None if a population has no loans.

    Source:
        Jeffreys' divergence (Proceedings of the Royal Society A 186, 1946); bands: Siddiqi, Credit
        Risk Scorecards (2006). Smoothing by 1/2: Krichevsky and Trofimov, IEEE Transactions on
        Information Theory 27 (1981).
    """
    before, now = _loans(expected), _loans(actual)
    if before.shape != now.shape:
        raise DataError(f"PSI needs the same bins: {len(before)} expected, {len(now)} actual.")
    if not before.sum() or not now.sum():
        return None
    e, a = _shares(before), _shares(now)
    return float(((a - e) * np.log(a / e)).sum())


def shift(expected: ArrayLike, actual: ArrayLike, *, confidence: float) -> Shift | None:
    """Compare two populations by PSI, with its band and with what chance alone could do.

    Args:
        expected: Shape (n_bins,), loans of the older population.
        actual: Shape (n_bins,), loans of the newer one.
        confidence: Probability of the threshold, 0-1 (0.95).

    Returns:
        None if a population has no loans, or all loans lie in one bin.

    Source:
        Two samples of N and M loans of one population: PSI ~ chi2(bins - 1) (1/N + 1/M), Yurdakul
        and Naranjo, Journal of Risk Model Validation 14 (2020). Bins that are empty in both are not
        counted.
    """
    before, now = _loans(expected), _loans(actual)
    index = psi(before, now)
    if index is None:
        return None
    degrees = int((before + now > 0).sum()) - 1
    if not degrees:
        return None
    threshold = float(chi2.ppf(confidence, degrees)) * (1 / before.sum() + 1 / now.sum())
    band: Literal["stable", "moderate", "large"] = "stable"
    if index >= MODERATE:
        band = "large" if index >= LARGE else "moderate"
    return Shift(index, band, float(threshold), bool(index > threshold))


def csi(expected: BinCounts, actual: BinCounts, *, confidence: float) -> dict[str, Shift | None]:
    """Compare two populations characteristic by characteristic: the PSI of each one's bins.

    A bin that one population lacks has no loans there.

    Args:
        expected: Loans of the older population by characteristic and bin.
        actual: Loans of the newer one; needs each of those characteristics.
        confidence: As in `shift`.

    Raises:
        DataError: A characteristic is missing.
    """
    shifts: dict[str, Shift | None] = {}
    for name, before in expected.items():
        if name not in actual:
            raise DataError(
                f"Characteristic '{name}' is not counted in the newer population."
                f"{did_you_mean(name, actual)}"
            )
        now = actual[name]
        bins = sorted({*before, *now})
        shifts[name] = shift(
            [before.get(b, 0) for b in bins], [now.get(b, 0) for b in bins], confidence=confidence
        )
    return shifts


def gini_stability(ginis: Sequence[float]) -> float:
    """Return the mean Gini less what it loses by falling and by scattering over time.

    mean + 88 min(0, slope) - 0.5 std(residuals), slope and residuals of the straight line through
    the Ginis; at most the mean.

    Args:
        ginis: Gini of each period, oldest first, at equal distances; the weights are meant for
            weeks, as the slope is by period.

    Raises:
        DataError: There are fewer than two periods.

    Source:
        Home Credit, Credit Risk Model Stability (2024), its measure of a model's success.
    """
    if len(ginis) < FEWEST_PERIODS:
        raise DataError(f"Gini stability needs {FEWEST_PERIODS} periods or more: {len(ginis)}.")
    period = np.arange(len(ginis))
    slope, start = np.polyfit(period, ginis, 1)
    spread = np.std(np.asarray(ginis) - slope * period - start)
    return float(np.mean(ginis) + FALLING_WEIGHT * min(0.0, slope) - SPREAD_WEIGHT * spread)


def estimated_auc(population: Population) -> float | None:
    """Return the AUC that calibrated PDs promise before labels are known, 0-1.

    Each loan counts as PD bads and 1 - PD goods. It is right as far as the PDs are calibrated on
    these very loans: it sees a change of the mix of loans, never of what a PD is worth. None if all
    PDs are 0, or all are 1.

    Raises:
        DataError: A PD is outside 0-1.

    Source:
        Confidence-based performance estimation: Kivimäki et al., arXiv:2505.05295 (2025).
    """
    pd = population.score
    if len(pd) and (pd[0] < 0 or pd[-1] > 1):
        raise DataError(f"PDs must lie in 0-1; there are {pd[0]} and {pd[-1]}.")
    bads, goods = population.n * pd, population.n * (1 - pd)
    if not bads.sum() or not goods.sum():
        return None
    return float(np.average((np.cumsum(goods) - goods / 2) / goods.sum(), weights=bads))


def _loans(counts: ArrayLike) -> NDArray[np.int64]:
    loans = np.asarray(counts)
    if loans.size and (not np.issubdtype(loans.dtype, np.integer) or loans.min() < 0):
        raise DataError("PSI takes numbers of loans, not shares: it smooths by half a loan.")
    return loans.astype(np.int64)


def _shares(loans: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = (loans + SMOOTHING) / (loans.sum() + SMOOTHING * len(loans))
    return shares
