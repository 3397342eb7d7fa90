"""The loss distribution of a portfolio that hangs on one factor, in closed form.

Each loan defaults if sqrt(R) Y + sqrt(1 - R) e > G(1 - PD), with a factor Y that all loans share,
an e of its own, both standard normal, and asset correlation R: given Y = y, its PD is
p(y) = N((G(PD) + sqrt(R) y) / sqrt(1 - R)). N is the normal distribution, G its inverse.
Greater Y is worse.

Source:
    Vasicek, Loan Portfolio Value, Risk, December 2002.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, owens_t

from penstock.portfolio.loss_cells import LossCells

Floats = NDArray[np.float64]

FARTHEST = 40.0  # as far as a normal number goes: beyond, its probability is 0
GRID = np.linspace(-8.0, 8.0, 1601)  # factors: all but 1e-15 of them


@dataclass(frozen=True)
class AnalyticRisk:
    """Value at risk and expected shortfall at one level, USD.

    Attributes:
        var: Of infinitely many, infinitely small loans with the same PDs and sums.
        var_granularity: What it rises by because loans are as many and as large as they are.
        es: As `var`, the mean loss of the worst share 1 - level.
        es_granularity: Likewise.
    """

    var: float
    var_granularity: float
    es: float
    es_granularity: float


def conditional_pds(pds: Floats, factors: Floats, correlations: Floats) -> Floats:
    """Return the PDs given the factor, 0-1, shape (n_factors, n_pds).

    Args:
        pds: Shape (n_pds,), 0-1.
        factors: Shape (n_factors,).
        correlations: Asset correlation of each PD, shape (n_pds,), 0 or more and below 1.
    """
    found: Floats = ndtr(_stressed(pds, factors, correlations))
    return found


def analytic_risk(cells: LossCells, correlations: Floats, level: float) -> AnalyticRisk | None:
    """Return the risk at a level above 0.5; None if no loss hangs on the factor at all.

    Args:
        cells: The portfolio.
        correlations: Asset correlation of each cell, shape (n_cells,), as of `conditional_pds`.
        level: Such as 0.999.

    Source:
        Granularity: Martin and Wilde, Unsystematic Credit Risk, Risk, November 2002; Emmer and
        Tasche, Calculating Credit Risk Capital Charges with the One-Factor Model, Journal of Risk 7
        (2005). Of the shortfall: Gordy, Granularity Adjustment in Portfolio Credit Risk Measurement
        (2004). Its first part, E[p(Y) | Y > y] = N2(G(PD), -y; sqrt(R)) / (1 - level), as there.
    """
    y = float(ndtri(level))
    stressed = _stressed(cells.pd, np.array([y]), correlations)[0]
    steepness = np.sqrt(correlations / (1 - correlations))
    p, density = ndtr(stressed), _density(stressed)
    slope = cells.at_default @ (steepness * density)
    if not slope > 0:
        return None
    curvature = -cells.at_default @ (steepness**2 * stressed * density)
    variance = cells.squares @ p - cells.squared_means @ p**2
    variance_slope = (cells.squares - 2 * cells.squared_means * p) @ (steepness * density)
    tail = 1 - level
    joint = bivariate_normal(_quantiles(cells.pd), -y, np.sqrt(correlations))
    return AnalyticRisk(
        var=float(cells.at_default @ p),
        var_granularity=float((variance * (y + curvature / slope) - variance_slope) / slope / 2),
        es=float(cells.at_default @ joint) / tail,
        es_granularity=float(variance * _density(np.array(y)) / slope / tail / 2),
    )


def shares_between(cells: LossCells, correlations: Floats, losses: Floats) -> Floats:
    """Return the probability that the loss lies between neighbours of `losses`, loans being small.

    Args:
        losses: USD, rising, shape (n,).

    Returns:
        Shape (n - 1,).
    """
    by_factor = conditional_pds(cells.pd, GRID, correlations) @ cells.at_default
    below = ndtr(np.interp(losses, by_factor, GRID, left=-np.inf, right=np.inf))
    found: Floats = np.diff(below)
    return found


def bivariate_normal(h: Floats, k: float, r: Floats) -> Floats:
    """Return the probability that two standard normal numbers of correlation r lie below h and k.

    Args:
        h: Shape (n,).
        k: Not 0.
        r: Shape (n,), 0 or more and below 1.

    Source:
        Owen, Tables for Computing Bivariate Normal Probabilities, Annals of Mathematical Statistics
        27 (1956), equation 2.1.
    """
    rest = np.sqrt(1 - r**2)
    with np.errstate(divide="ignore"):  # h = 0: T(0, +-infinity) = +-1/4 is right
        apart = owens_t(h, (k - r * h) / (h * rest)) + owens_t(k, (h - r * k) / (k * rest))
    has_other_sign = (h * k < 0) | ((h == 0) & (k < 0))
    found: Floats = (ndtr(h) + ndtr(k)) / 2 - apart - np.where(has_other_sign, 0.5, 0.0)
    return np.maximum(found, 0.0)


def _stressed(pds: Floats, factors: Floats, correlations: Floats) -> Floats:
    moved = _quantiles(pds) + np.sqrt(correlations) * factors[:, None]
    stressed: Floats = moved / np.sqrt(1 - correlations)
    return stressed


def _quantiles(pds: Floats) -> Floats:
    # A PD of 0 or 1 stays one, whatever the factor.
    found: Floats = np.clip(ndtri(pds), -FARTHEST, FARTHEST)
    return found


def _density(x: Floats) -> Floats:
    found: Floats = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return found
