"""The calibration line: log-odds of default as a straight line in the log-odds of the PD."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.errors import ConfigError
from penstock.measure.counts import ScoreCounts
from penstock.measure.logistic_line import information, likeliest_line


@dataclass(frozen=True)
class CalibrationLine:
    """Log-odds of default = intercept + slope x log-odds of the PD; 0 and 1 are perfect.

    Attributes:
        slope: Below 1: PDs too extreme (overfitted); above 1: too timid.
        intercept: Below 0 at slope 1: PDs too high.
        slope_error: Standard error of the slope.
        intercept_error: Standard error of the intercept.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float


def calibration_line(counts: ScoreCounts, *, floor: float) -> CalibrationLine | None:
    """Fit the calibration line by maximum likelihood.

    Undefined (None) where no finite line is likeliest: with one class, one PD, or a PD that parts
    goods from bads.

    Args:
        counts: Loans by PD.
        floor: Smallest PD to take for true, above 0 and below 0.5: PDs nearer to 0 or 1 are moved
            to it and to 1 - floor, as their log-odds would be infinite.

    Raises:
        ConfigError: `floor` is not as above.

    Source:
        Cox, Biometrika 45 (1958); errors from the observed information.
    """
    if not 0 < floor < 0.5:  # noqa: PLR2004
        raise ConfigError(f"Parameter 'floor' is {floor}; it must be above 0 and below 0.5.")
    pd = np.clip(counts.score, floor, 1 - floor)
    log_odds = np.log(pd) - np.log1p(-pd)
    if not _overlap(log_odds, counts):
        return None
    # Centred and scaled, so that one tolerance serves all PDs.
    centre = float(np.average(log_odds, weights=counts.n))
    scale = math.sqrt(np.average((log_odds - centre) ** 2, weights=counts.n))
    design = np.column_stack(((log_odds - centre) / scale, np.ones_like(log_odds)))
    start = np.array([0.0, math.log(counts.bads / counts.goods)])
    beta = likeliest_line(design, start, loans=counts.n, bad_share=counts.n_bad / counts.n)
    covariance = np.linalg.inv(information(design, beta, counts.n))
    to_plain = np.array([[1 / scale, 0.0], [-centre / scale, 1.0]])
    slope, intercept = to_plain @ beta
    errors = np.sqrt(np.diag(to_plain @ covariance @ to_plain.T))
    return CalibrationLine(float(slope), float(intercept), float(errors[0]), float(errors[1]))


def _overlap(log_odds: NDArray[np.float64], counts: ScoreCounts) -> bool:
    of_goods, of_bads = log_odds[counts.n_good > 0], log_odds[counts.n_bad > 0]
    if not len(of_goods) or not len(of_bads):
        return False
    return bool(of_goods.max() > of_bads.min() and of_bads.max() > of_goods.min())
