"""What a search has found: the plan, what no plan exceeds, and how each pass went."""

from dataclasses import dataclass
from fractions import Fraction

from penstock.portfolio.choice import MILLION, Floats, Sums


@dataclass(frozen=True)
class Pass:
    """What one pass has shown; money in millionths.

    Attributes:
        sets: How many sets of prices it tried; 0: whole offers were decided, without a pass.
        bound: Least bound so far that no plan exceeds.
        value: Of the best plan so far; None as long as there is none.
        beyond: How many limits the plan at the pass's best prices is beyond.
    """

    sets: int
    bound: Fraction
    value: Fraction | None
    beyond: int

    def __str__(self) -> str:
        """Say it as one reads it while the search goes on."""
        told = f"profit at most {float(self.bound / MILLION):,.0f}"
        if self.value is not None:
            gap = gap_between(self.value, self.bound)
            told += f", plan {float(self.value / MILLION):,.0f}, gap {gap:.2g}"
        if not self.sets:
            return told
        return f"{told}, {self.beyond} limit{'' if self.beyond == 1 else 's'} broken at the prices"


@dataclass(frozen=True)
class Plan:
    """Offers chosen within all limits; money in millionths.

    Attributes:
        value: Profit less penalties.
        prices: At which all but the moved have their best offer.
        moved: Key to the place of the offer among the applicant's, from 0; `NOBODY` for none.
        sums: Over the offers chosen.
    """

    value: Fraction
    prices: Floats
    moved: dict[str, int]
    sums: Sums


@dataclass(frozen=True)
class Solution:
    """The best plan found, and what no plan exceeds; money in millionths.

    Attributes:
        prices: Of each row, where the bound is least.
        sums: Over the best offers at these prices.
        bound: That no plan exceeds.
        bound_of_prices: The same by prices alone, in exact arithmetic: the dual's value at them.
            Above `bound` where branch and bound over everyone tells more.
        relaxed: Value of the core's relaxation with all others: of the gap, what lies above is
            due to prices, what lies below to whole offers. None without a core.
        plan: None if none was found.
        passes: In their order.
    """

    prices: Floats
    sums: Sums
    bound: Fraction
    bound_of_prices: Fraction
    relaxed: Fraction | None
    plan: Plan | None
    passes: tuple[Pass, ...]

    @property
    def gap(self) -> float | None:
        """Return the certified gap, as a share of the bound; None without a plan."""
        return None if self.plan is None else gap_between(self.plan.value, self.bound)

    @property
    def gap_parts(self) -> tuple[float | None, float | None]:
        """Return what of the gap prices leave, and what whole offers do; None where unknown."""
        if self.relaxed is None:
            return None, None
        relaxed = min(self.relaxed, self.bound)
        if self.plan is None:
            return gap_between(relaxed, self.bound), None
        # A plan made at other prices than the relaxation may be worth more than it.
        relaxed, size = max(relaxed, self.plan.value), _size(self.plan.value, self.bound)
        return float((self.bound - relaxed) / size), float((relaxed - self.plan.value) / size)


def gap_between(value: Fraction, bound: Fraction) -> float:
    """Return how far a value is below a bound as a share of the bound; of a bound of 0, of itself.

    Of both 0 it is 0.
    """
    return float((bound - value) / _size(value, bound))


def _size(value: Fraction, bound: Fraction) -> Fraction:
    return abs(bound) or abs(value) or Fraction(1)
