"""Groups beside a reference, by the prices of their offers. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from penstock.measure.price_gaps import Gap, LikeGap, Lot, like_gap, standardised_gap
from penstock.measure.reference_groups import ReferenceGroups

Offers = Mapping[str | None, Lot]
"""Kind of offer to the offers of that kind; those of kind None are like no other."""


@dataclass(frozen=True)
class ComparedPrices:
    """The offers of a group beside those of the reference; of that itself nothing is compared.

    Attributes:
        difference: Of the mean prices, as a fraction.
        smd: The same in standard deviations.
        like: Difference of the prices of offers alike.
    """

    name: str
    offers: Lot
    difference: float | None = None
    smd: Gap | None = None
    like: LikeGap | None = None

    def light(self, max_gap: float) -> str:
        """Return red if the whole interval of the gap alike lies beyond, to either side.

        Returns:
            Amber if the gap alone does, "" if there is none, else green.
        """
        if not self.like:
            return ""
        gap = self.like.gap
        if abs(gap.value) <= max_gap:
            return "green"
        if gap.low is None or gap.high is None:
            return "amber"
        return "red" if max(gap.low, -gap.high) > max_gap else "amber"


def compare_prices(groups: ReferenceGroups[Offers], *, level: float) -> list[ComparedPrices]:
    """Return the groups beside the reference, which is among them.

    Args:
        level: Confidence of the intervals, 0-1.

    Source:
        As of `standardised_gap` and `like_gap`.
    """
    if groups.reference is None:
        return []
    beside = groups.groups[groups.reference]
    return [
        ComparedPrices(name, total(offers))
        if name == groups.reference
        else ComparedPrices(
            name,
            total(offers),
            total(offers).mean - total(beside).mean,
            standardised_gap(total(offers), total(beside), level=level),
            like_gap(_kinds(offers), _kinds(beside), level=level),
        )
        for name, offers in groups.groups.items()
    ]


def total(offers: Offers) -> Lot:
    """Return the offers of all kinds; there are some."""
    return reduce(add, offers.values())


def _kinds(offers: Offers) -> dict[str, Lot]:
    return {kind: lot for kind, lot in offers.items() if kind is not None}
