"""Limits on the mean loss of the worst scenarios, and the linear rows that keep a plan to them.

In a scenario, which gives each sector's factor a value, a plan loses what its offers lose at
default x their PD given the factor: as many and as small loans do (infinitely granular). The mean
loss of the worst share 1 - level of all scenarios is the greatest that any so many scenarios have
on average, and for each choice of scenarios that average is linear in the plan: a row, called a
cut. Every cut holds for whoever keeps the limit, so that what no plan within cuts exceeds, no plan
within the limit does.

Source: Rockafellar and Uryasev, Optimization of Conditional Value-at-Risk, Journal of Risk 2
(2000); cuts: Kuenzi-Bay and Mayer, Computational Aspects of Minimizing Conditional Value-at-Risk,
Computational Management Science 3 (2006).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Annotated

import numpy as np
from annotated_types import Interval, MinLen
from numpy.typing import NDArray
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.annotations import NotNegative
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.portfolio.factors import (
    PARTS,
    Factors,
    Group,
    Scenarios,
    check_scenarios,
    draw_scenarios,
)
from penstock.portfolio.limits import Cell, Limit, Row, exact

Level = Annotated[float, Interval(gt=0.5, lt=1)]  # at a half and below there is no tail


class TailLimit(TypedDict):
    """A limit on the mean loss of the worst scenarios.

    Attributes:
        name: What it is called in reports, once among all limits.
        level: The worst share 1 - level of scenarios counts, above 0.5 (0.99 = the worst 1 %).
        at_most: In the unit of the loss at default.
    """

    name: Annotated[str, MinLen(1)]
    level: Level
    at_most: NotNegative


@dataclass(frozen=True)
class Worst:
    """The worst scenarios of a plan.

    Attributes:
        mean: Their mean loss, in the unit of the loss at default.
        pds: Mean PD of each group in them, 0-1.
        scenarios: Which they are, from 0 on; of the last a part may count.
    """

    mean: Fraction
    pds: tuple[Fraction, ...]
    scenarios: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tail:
    """A limit on the mean loss of the worst scenarios, over cells of offers.

    Attributes:
        factors: What scenarios were drawn of.
        groups: Of each cell the place of its sector and band of PD among the scenarios'; -1 where
            no offer can be made.
    """

    limit: TailLimit
    factors: Factors
    scenarios: Scenarios
    groups: tuple[int, ...]

    @property
    def name(self) -> str:
        """Return the name of the limit."""
        return self.limit["name"]

    @property
    def measure(self) -> str:
        """Return the column of the loss at default."""
        return self.factors["loss_at_default"]

    @cached_property
    def bound(self) -> Fraction:
        """Return the limit, in the unit of the loss at default."""
        return exact(self.limit["at_most"])

    def worst(self, at_default: Sequence[int]) -> Worst:
        """Return the worst scenarios of a plan.

        Args:
            at_default: Loss at default of each cell, in any unit.
        """
        of_groups = [0] * len(self.scenarios.groups)
        for group, amount in zip(self.groups, at_default, strict=True):
            if group >= 0:
                of_groups[group] += int(amount)
        return worst_scenarios(self.scenarios, self.limit["level"], of_groups)

    def cut(self, at_default: Sequence[int]) -> Row:
        """Return the row of the scenarios that are a plan's worst."""
        worst = self.worst(at_default)
        weights = tuple(worst.pds[at] if at >= 0 else Fraction(0) for at in self.groups)
        of_cells = {self.measure: weights}
        return Row(self.name, "at most", of_cells, self.bound, scenarios=worst.scenarios)


def worst_scenarios(scenarios: Scenarios, level: float, at_default: Sequence[int]) -> Worst:
    """Return the worst share 1 - level of scenarios; of the last of them a part may count.

    Which are the worst is told by doubles, their mean is exact.

    Args:
        at_default: Loss at default of each group, in any unit; `Worst.mean` is in the same.
    """
    n = scenarios.pds.shape[1]
    losses = np.zeros(n)
    for pds, amount in zip(scenarios.pds, at_default, strict=True):
        if amount:
            losses += pds * float(amount)
    counted = np.argsort(-losses, kind="stable")[: ceil(n * (1 - exact(level)))].tolist()
    sums, of = _summed_pds(scenarios, level, counted)
    lost = sum(int(pd) * amount for pd, amount in zip(sums, at_default, strict=True))
    pds_of_groups = tuple(Fraction(int(pd), of) for pd in sums)
    return Worst(Fraction(lost, of), pds_of_groups, tuple(counted))


def mean_pds(scenarios: Scenarios, level: float, counted: Sequence[int]) -> tuple[Fraction, ...]:
    """Return the mean PD of each group in a share 1 - level of scenarios, 0-1.

    Args:
        counted: Which these are, from 0 on; of the last a part may count.
    """
    sums, of = _summed_pds(scenarios, level, counted)
    return tuple(Fraction(int(pd), of) for pd in sums)


def _summed_pds(
    scenarios: Scenarios, level: float, counted: Sequence[int]
) -> tuple[NDArray[np.object_], int]:
    """Return the sum of the PDs of each group, and what to divide it by for their mean."""
    beyond = scenarios.pds.shape[1] * (1 - exact(level))
    whole = int(beyond)
    part = beyond - whole
    # Python's whole numbers, which have room for the part.
    sums = scenarios.pds[:, counted[:whole]].sum(axis=1).astype(object) * part.denominator
    if part:
        sums += scenarios.pds[:, counted[whole]].astype(object) * part.numerator
    # Both counts, of scenarios and of parts of a PD, in units of the part's denominator.
    return sums, int(beyond * part.denominator) * PARTS


def check_tail_limits(
    tail_limits: Sequence[TailLimit],
    factors: Factors,
    limits: Sequence[Limit],
    columns: Sequence[str],
) -> None:
    """Refuse tail limits that are called as others are, or speak of what is not there.

    Raises:
        ConfigError: Naming the limit, or the column, and the cure.
    """
    seen = {limit["name"] for limit in limits}
    for tail in tail_limits:
        if tail["name"] in seen:
            raise ConfigError(
                f"Two limits are called '{tail['name']}': give each a name of its own."
            )
        seen.add(tail["name"])
        check_scenarios(factors["scenarios"], tail["level"])
    if tail_limits:
        check_factors(factors, columns)


def check_factors(factors: Factors, columns: Sequence[str]) -> None:
    """Refuse factors that name columns that are not there.

    Raises:
        ConfigError: Naming the column, and the nearest one.
    """
    named = (factors["sector"], factors["pd_band"], factors["loss_at_default"])
    for key, name in zip(("sector", "pd_band", "loss_at_default"), named, strict=True):
        if name not in columns:
            raise ConfigError(
                f"The {key} of factors is '{name}', which the offers have not."
                f"{did_you_mean(name, columns)}"
            )


def compile_tails(
    tail_limits: Sequence[TailLimit],
    factors: Factors,
    attributes: Sequence[str],
    cells: Sequence[Cell],
    made: Sequence[int],
) -> tuple[Tail, ...]:
    """Draw scenarios for the sectors and bands of PD of offers, and hold limits against them.

    Args:
        attributes: Of cells.
        made: How many offers of each cell can be made.

    Raises:
        DataError: Offers that can be made have no sector, no correlation or no band of PD.
    """
    if not tail_limits:
        return ()
    sector, band = attributes.index(factors["sector"]), attributes.index(factors["pd_band"])
    of_cells = [
        group_of(cell[sector], cell[band], factors) if n else None
        for cell, n in zip(cells, made, strict=True)
    ]
    groups = sorted({group for group in of_cells if group is not None})
    places = {group: at for at, group in enumerate(groups)}
    scenarios = draw_scenarios(groups, factors)
    numbers = tuple(-1 if group is None else places[group] for group in of_cells)
    return tuple(Tail(each, factors, scenarios, numbers) for each in tail_limits)


def group_of(sector: str | None, band: str | None, factors: Factors) -> Group:
    """Return the sector and band of PD of offers.

    Raises:
        DataError: One of them is missing.
    """
    if sector is None or band is None:
        name = factors["sector"] if sector is None else factors["pd_band"]
        raise DataError(
            f"Column '{name}' of the offers is null, and tail limits go by it. Every offer that "
            "can be made needs one."
        )
    return sector, band
