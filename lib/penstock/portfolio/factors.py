"""Factors that the losses of sectors hang on: what is said of them, and scenarios of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval, MinLen
from numpy.typing import NDArray
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.portfolio.one_factor import conditional_pds

ANY_OTHER = "*"
LEAST_BEYOND = 20  # scenarios beyond a level: fewer say nothing of it
PARTS = 10**12  # of a PD, held as a whole number: sums of them are exact
_MOST_PDS = 50_000_000  # that the driver holds: 400 megabytes

Correlation = Annotated[float, Interval(ge=0, le=1)]
AssetCorrelation = Annotated[float, Interval(ge=0, lt=1)]
Group = tuple[str, str]  # sector, and upper edge of the band of PD as a text


class Factors(TypedDict):
    """What scenarios are drawn of.

    Attributes:
        sector: Column of the sector.
        pd_band: Column of a PD as a text, of few values, at least the PD of each offer.
        loss_at_default: Column of what is lost if an offer defaults, expected before take-up.
        asset_correlations: Sector to the correlation of its loans' asset values; "*" is any other.
        sector_correlation: Of two sectors' factors, 0-1; 1 = one factor.
        scenarios: How many are drawn.
        seed: Of these draws.
    """

    sector: str
    pd_band: str
    loss_at_default: str
    asset_correlations: Annotated[dict[str, AssetCorrelation], MinLen(1)]
    sector_correlation: Correlation
    scenarios: Annotated[int, Ge(1000)]
    seed: Annotated[int, Ge(0)]


@dataclass(frozen=True, eq=False)
class Scenarios:
    """PDs of groups of loans given the factors of their sectors.

    Attributes:
        groups: Sector and PD of each.
        pds: In `PARTS` of 1, rounded up, groups x scenarios.
    """

    groups: tuple[Group, ...]
    pds: NDArray[np.int64]


def check_scenarios(scenarios: int, level: float) -> None:
    """Refuse scenarios that are too few for a level.

    Raises:
        ConfigError: Fewer than `LEAST_BEYOND` lie beyond it.
    """
    least = int(np.ceil(LEAST_BEYOND / (1 - level) - 1e-6))
    if scenarios < least:
        raise ConfigError(
            f"scenarios is {scenarios:,}, of which {scenarios * (1 - level):.3g} lie beyond the "
            f"level {level:g}: they say nothing of it. Draw {least:,}, or lower the level."
        )


def correlations_of(sectors: Iterable[str], by_sector: Mapping[str, float]) -> dict[str, float]:
    """Return the asset correlation of each sector.

    Args:
        by_sector: Sector to its correlation; "*" is any that is not named.

    Raises:
        DataError: A sector has none.
    """
    found = {}
    for name in sectors:
        correlation = by_sector.get(name, by_sector.get(ANY_OTHER))
        if correlation is None:
            raise DataError(
                f"There are loans of the sector '{name}', for which asset_correlations names no "
                f"correlation.{did_you_mean(name, by_sector)} Add it there, or '{ANY_OTHER}' for "
                "any other."
            )
        found[name] = correlation
    return found


def draw_scenarios(groups: Sequence[Group], factors: Factors) -> Scenarios:
    """Draw the factors of sectors, and work out the PDs that they make.

    A sector's factor is sqrt(c) Z + sqrt(1 - c) W, as of `loss_simulation.py`. Its W hangs on the
    seed and its own name: the same whichever other sectors there are.

    Raises:
        DataError: A sector has no correlation, or a band of PD is no PD.
        ConfigError: There are more PDs than the driver can hold.
    """
    n, c = factors["scenarios"], factors["sector_correlation"]
    if n * len(groups) > _MOST_PDS:
        raise ConfigError(
            f"{n:,} scenarios of {len(groups):,} sectors and bands of PD are more than "
            f"{_MOST_PDS:,} numbers. Draw fewer, or take coarser bands."
        )
    sectors = sorted({sector for sector, _ in groups})
    correlations = correlations_of(sectors, factors["asset_correlations"])
    common = math.sqrt(c) * np.random.default_rng(factors["seed"]).standard_normal(n)
    pds = np.empty((len(groups), n), np.int64)
    for sector in sectors:
        own = np.random.default_rng([factors["seed"], *sector.encode()]).standard_normal(n)
        factor = common + math.sqrt(1 - c) * own
        places = [at for at, group in enumerate(groups) if group[0] == sector]
        of_sector = np.array([_pd_of(groups[at][1]) for at in places])
        asset = np.full(len(places), correlations[sector])
        pds[places] = np.ceil(conditional_pds(of_sector, factor, asset).T * PARTS)
    return Scenarios(tuple(groups), pds)


def _pd_of(band: str) -> float:
    try:
        pd = float(band)
    except ValueError:
        pd = math.nan
    if not 0 <= pd <= 1:
        raise DataError(
            f"There are offers whose band of PD is '{band}': it must be a PD, 0-1, the greatest of "
            "the band."
        )
    return pd
