"""The likeliest logistic line: log-odds of bad as a straight line in one number, from counts."""

import numpy as np
from numpy.typing import NDArray

MAX_STEPS = 100
TOLERANCE = 1e-12  # largest step, in coefficients of the standardised number, that ends the fit
ROUNDING = 1e-14  # of the loss: one that has risen by less may have fallen

Floats = NDArray[np.float64]


def likeliest_line(
    design: Floats, start: Floats, *, loans: NDArray[np.int64], bad_share: Floats
) -> Floats:
    """Return slope and intercept of the greatest likelihood, of shape (2,).

    Args:
        design: Shape (n_values, 2): the number, centred and scaled, so that one tolerance serves
            all numbers, and ones.
        start: Slope and intercept to begin with.
        loans: Shape (n_values,).
        bad_share: Shape (n_values,): what share of them counts as bad, 0-1. One line must be
            likeliest, or all numbers be equal: then the slope is that of `start`.

    Source:
        Newton steps with halving: Lin, Lin and Weng, Machine Learning 68 (2007).
    """
    line, loss = start, _loss(design @ start, loans, bad_share)
    for _ in range(MAX_STEPS):
        gradient = design.T @ (loans * (probability(design @ line) - bad_share))
        # The tiny ridge only matters if all numbers are equal.
        step = np.linalg.solve(information(design, line, loans) + 1e-12 * np.eye(2), gradient)
        most = loss * (1 + ROUNDING)
        while (new := _loss(design @ (line - step), loans, bad_share)) > most:
            step /= 2
            if np.abs(step).max() < TOLERANCE:
                break
        line, loss = line - step, new
        if np.abs(step).max() < TOLERANCE:
            break
    return line


def information(design: Floats, line: Floats, loans: NDArray[np.int64]) -> Floats:
    """Return the observed information of slope and intercept, of shape (2, 2)."""
    bad = probability(design @ line)
    found: Floats = design.T @ ((loans * bad * (1 - bad))[:, None] * design)
    return found


def probability(log_odds: Floats) -> Floats:
    """Return the probability (0-1) of log-odds of any shape, without overflow."""
    found: Floats = np.exp(-np.logaddexp(0, -log_odds))
    return found


def _loss(log_odds: Floats, loans: NDArray[np.int64], bad_share: Floats) -> float:
    return float((loans * (np.logaddexp(0, log_odds) - bad_share * log_odds)).sum())
