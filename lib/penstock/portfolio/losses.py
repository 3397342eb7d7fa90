"""What a plan may lose: its loss distribution, analytic and simulated, and its concentration."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, MinLen
from pydantic import AfterValidator
from pyspark.sql import DataFrame

from penstock.annotations import Positive, RisingShares
from penstock.evidence import Evidence
from penstock.portfolio.concentration import TOP, concentration, concentration_of_largest
from penstock.portfolio.factors import (
    AssetCorrelation,
    Correlation,
    check_scenarios,
    correlations_of,
)
from penstock.portfolio.loss_cells import count_loss_cells, largest_exposures
from penstock.portfolio.loss_report import RiskAtLevel, report_losses
from penstock.portfolio.loss_simulation import simulate_losses, simulated_risk
from penstock.portfolio.one_factor import analytic_risk


def _above_half(levels: list[float]) -> list[float]:
    if levels[0] <= 0.5:  # noqa: PLR2004 (what is no tail is no risk)
        raise ValueError("each must be above 0.5")
    return levels


Levels = Annotated[RisingShares, MinLen(1), AfterValidator(_above_half)]


def measure_losses(
    plan: DataFrame,
    *,
    sector: str,
    levels: Levels,
    pd_step: Positive,
    asset_correlations: Annotated[dict[str, AssetCorrelation], MinLen(1)],
    sector_correlation: Correlation,
    scenarios: Annotated[int, Ge(1000)],
    seed: int,
) -> Evidence:
    """Measure what a plan may lose over the term of its PDs, and how concentrated it is.

    Offers that may not be taken up count with their probability: exposure is amount x take-up. The
    analytic risk has one factor for all sectors; the simulated one a factor for each. Two Spark
    queries; the sums of some thousand cells reach the driver, the same in any order of rows: equal
    plans give equal evidence.

    Args:
        plan: One row per applicant who gets an offer, with the columns of `PLAN_COLUMNS` of
            `loss_cells.py` (`amount_usd` lent, `pd`, `lgd`, `take_up` 0-1) and the sector.
        sector: Column of the sector, of any type that has a text.
        levels: Probabilities of the value at risk, rising, above 0.5 (0.999 = 99.9 %).
        pd_step: Width of the bands that PDs are taken together in, in log-odds.
        asset_correlations: Sector to the correlation of its loans' asset values (0.04 to 0.16 for
            retail); "*" is any sector that is not named.
        sector_correlation: Of two sectors' factors, 0-1; 1 = one factor.
        scenarios: How many are drawn.
        seed: Of these draws.

    Returns:
        Metrics `loans`, `exposure_usd`, `expected_loss_usd`, `expected_loss_rate` (of the
        exposure); for each level, as 99_9, `analytic_var_<level>_usd`, `analytic_es_<level>_usd`
        (with granularity; null if no loss hangs on a factor) and `simulated_…` of both with `_low`
        and `_high`, 95 %; `hhi_`, `effective_` and `largest_share_` of `names` and `sectors`.
        Tables "risk", "sectors" and "concentration"; figures "distribution" and "sectors". The
        analytic granularity is of the first order: it is meant for some hundred loans and more.
        Where nothing is lent, loans and exposure only.

    Raises:
        DataError: Unusable rows, a sector without a correlation, or too many sectors.
        ConfigError: Too few scenarios for the highest level.
    """
    check_scenarios(scenarios, levels[-1])
    cells = count_loss_cells(plan, sector=sector, pd_step=pd_step)
    if not cells.exposure.sum() > 0:
        return Evidence({"loans": float(cells.loans.sum()), "exposure_usd": 0.0})
    of_sector = correlations_of(cells.sectors, asset_correlations)
    correlations = np.array([of_sector[str(name)] for name in cells.sector], dtype=np.float64)
    by_sector = simulate_losses(
        cells,
        correlations,
        sector_correlation=sector_correlation,
        scenarios=scenarios,
        seed=seed,
    )
    simulated = simulated_risk(by_sector, levels)
    analytic = [analytic_risk(cells, correlations, level) for level in levels]
    risks = [RiskAtLevel(*each) for each in zip(levels, analytic, simulated, strict=True)]
    by_what = {
        "names": concentration_of_largest(
            largest_exposures(plan, most=TOP),
            total=float(cells.exposure.sum()),
            squares=float(cells.squared_exposure.sum()),
        ),
        "sectors": concentration(cells.by_sector(cells.exposure)),
    }
    return report_losses(cells, correlations, by_sector.sum(axis=1), risks, by_what)
