"""The loss distribution of a portfolio with a factor for each sector, by simulation.

The factor of a sector is sqrt(c) Z + sqrt(1 - c) W, with a Z that all sectors share and a W of its
own, both standard normal: the factors of two sectors have the correlation c, and with c = 1 there
is one factor. Given the factors, loans default independently; a loan's PD is that of
`one_factor.py` under its sector's factor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.portfolio.loss_cells import LossCells
from penstock.portfolio.one_factor import conditional_pds

Floats = NDArray[np.float64]

AT_ONCE = 4096  # scenarios: some megabytes


@dataclass(frozen=True)
class SimulatedRisk:
    """Value at risk and expected shortfall of simulated losses at one level, USD.

    Attributes:
        var: The least loss that at least this share of scenarios does not exceed.
        var_error: Its standard error.
        es: Mean of the worst share 1 - level; of losses that tie with `var` a fraction counts.
        es_error: Its standard error.
        by_sector: What each sector adds to `es`, in their order; they add up to it.
    """

    var: float
    var_error: float
    es: float
    es_error: float
    by_sector: Floats


def simulate_losses(
    cells: LossCells,
    correlations: Floats,
    *,
    sector_correlation: float,
    scenarios: int,
    seed: int,
) -> Floats:
    """Draw the loss of each sector in each scenario.

    Given the factors, a sector loses as often and as much as that number of equal loans which has
    its mean and its variance: exact if its loans are equal, and for many loans whatever they are.

    Args:
        cells: The portfolio.
        correlations: Asset correlation of each cell, shape (n_cells,), 0 or more and below 1.
        sector_correlation: Of the factors of two sectors, 0-1.
        scenarios: How many.
        seed: Of the draws. Equal seeds give equal losses.

    Returns:
        USD, shape (scenarios, n_sectors), sectors in their order.

    Source:
        Factors: Gordy, A Comparative Anatomy of Credit Risk Models, Journal of Banking and Finance
        24 (2000); one common and one sectoral part: Duellmann and Masschelein, A Tractable Model to
        Measure Sector Concentration Risk in Credit Portfolios (2006).
    """
    random = np.random.default_rng(seed)
    common = math.sqrt(sector_correlation) * random.standard_normal(scenarios)
    losses = np.empty((scenarios, len(cells.sectors)))
    for place, sector in enumerate(cells.sectors):
        own = math.sqrt(1 - sector_correlation) * random.standard_normal(scenarios)
        of_sector, correlation = cells.of(sector), correlations[cells.sector == sector]
        for start in range(0, scenarios, AT_ONCE):
            chosen = slice(start, start + AT_ONCE)
            pds = conditional_pds(of_sector.pd, (common + own)[chosen], correlation)
            losses[chosen, place] = _draw(of_sector, pds, random)
    return losses


def simulated_risk(by_sector: Floats, levels: Sequence[float]) -> list[SimulatedRisk]:
    """Return the risk at each level.

    Args:
        by_sector: From `simulate_losses`.
        levels: Such as 0.999, each with at least one scenario beyond it.

    Source:
        Acerbi and Tasche, On the Coherence of Expected Shortfall, Journal of Banking and Finance 26
        (2002); error of the VaR from order statistics: David and Nagaraja, Order Statistics (2003),
        section 7.1; of the ES: Manistre and Hancock, Variance of the CTE Estimator, North American
        Actuarial Journal 9 (2005); what sectors add: Tasche, Risk Contributions and Performance
        Measurement (1999).
    """
    losses = by_sector.sum(axis=1)
    ordered = np.sort(losses)
    return [_risk_at(level, losses, ordered, by_sector) for level in levels]


def _draw(cells: LossCells, pds: Floats, random: np.random.Generator) -> Floats:
    mean, squares = pds @ cells.at_default, pds @ cells.squares
    squared_means = pds**2 @ cells.squared_means
    is_lossless = mean <= 0
    safe_mean, safe_squares, safe_means = (
        np.where(is_lossless, 1.0, each) for each in (mean, squares, squared_means)
    )
    # n loans that lose `each` with probability q: n q each = mean, n q (1 - q) each^2 = variance.
    n = np.maximum(np.rint(safe_mean**2 / safe_means), 1.0)
    q = np.minimum(safe_means / safe_squares, 1.0)
    defaults = random.binomial(n.astype(np.int64), q)
    drawn: Floats = np.where(is_lossless, 0.0, defaults * safe_mean / (n * q))
    return drawn


def _risk_at(level: float, losses: Floats, ordered: Floats, by_sector: Floats) -> SimulatedRisk:
    n = len(losses)
    beyond = n * (1 - level)
    var = float(ordered[_place(n, level)])
    is_worse, is_tied = losses > var, losses == var
    weights = is_worse + is_tied * (beyond - is_worse.sum()) / is_tied.sum()
    es = float(weights @ losses / beyond)
    spread = float(weights @ (losses - es) ** 2 / beyond)
    # A share of scenarios varies by this much, and with it the place of the quantile.
    step = math.sqrt(level * (1 - level) / n)
    low, high = (ordered[_place(n, level + side)] for side in (-step, step))
    return SimulatedRisk(
        var=var,
        var_error=float(high - low) / 2,
        es=es,
        es_error=math.sqrt((spread + level * (es - var) ** 2) / beyond),
        by_sector=weights @ by_sector / beyond,
    )


def _place(n: int, share: float) -> int:
    # The product may be a hair above a whole number that is meant.
    return min(max(math.ceil(n * share - 1e-9 * n), 1), n) - 1
