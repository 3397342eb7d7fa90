"""What a plan is to be, and what of an offer that takes: measures and attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.portfolio.factors import Factors
from penstock.portfolio.limits import Limit, Parity, attributes_of, measures_of
from penstock.portfolio.tail_limits import TailLimit


@dataclass(frozen=True)
class Wishes:
    """What the plan is to be.

    Attributes:
        profit: Column whose sum is maximised.
        limits, parities, tail_limits: What it must keep.
        factors: What tail limits' scenarios are drawn of.
    """

    profit: str
    limits: Sequence[Limit]
    parities: Sequence[Parity]
    tail_limits: Sequence[TailLimit]
    factors: Factors

    @property
    def measures(self) -> tuple[str, ...]:
        """Return the measures of limits; parities that are only reported cost a pass nothing."""
        of_tails = {self.factors["loss_at_default"]} if self.tail_limits else set()
        return tuple(sorted({*measures_of(self.limits, self._enforced), *of_tails}))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes of limits, which prices hang on."""
        of_tails = {self.factors["sector"], self.factors["pd_band"]} if self.tail_limits else set()
        return tuple(sorted({*attributes_of(self.limits, self._enforced), *of_tails}))

    @property
    def bounds(self) -> dict[str, float]:
        """Return limits by name, as they are written."""
        caps = {
            each["name"]: each["at_most"]
            for each in (*self.limits, *self.tail_limits)
            if "at_most" in each
        }
        return caps | {each["name"]: each["at_least"] for each in self.limits if "at_least" in each}

    @property
    def _enforced(self) -> list[Parity]:
        return [parity for parity in self.parities if parity["enforce"]]
