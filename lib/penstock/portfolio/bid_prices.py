"""Bid prices: what a unit of each measure costs a plan, to decide new applications one at a time.

Prices know nothing of what has been used: `BidPriceControl` does, and keeps to the limits.

Source: bid-price control, Talluri and van Ryzin, The Theory and Practice of Revenue Management
(2004), ch. 3.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from penstock.errors import ConfigError, DataError
from penstock.portfolio.choice import MILLION, Floats
from penstock.portfolio.limits import APPROVALS, Cell, Limit, exact

BID_PRICE_COLUMNS = """
    cell MAP<STRING, STRING> COMMENT 'attribute to its value, of the offers it is for',
    measure STRING COMMENT 'key, with cell',
    price DOUBLE COMMENT 'profit that a unit of the measure must earn'"""
_LEEWAY = Fraction(1, 10)  # of all that moves a share: how far it may be exceeded at the beginning
_EXACT_FROM = Fraction(19, 20)  # of the applications, from where on no share may be exceeded


@dataclass(frozen=True)
class BidPrices:
    """Prices of measures by cell: an offer is worth its profit less the price of all it uses.

    Attributes:
        profit: Name of the column of profit.
        attributes: Names of what makes a cell.
        prices: Cell (values of the attributes) to measure to profit for a unit.
    """

    profit: str
    attributes: tuple[str, ...]
    prices: Mapping[Cell, Mapping[str, float]]

    @classmethod
    def of_rows(
        cls, profit: str, attributes: Sequence[str], rows: Iterable[Mapping[str, Any]]
    ) -> "BidPrices":
        """Build from rows of `BID_PRICE_COLUMNS`.

        Raises:
            DataError: Their cells are of other attributes.
        """
        prices: dict[Cell, dict[str, float]] = {}
        for row in rows:
            if row["cell"].keys() != set(attributes):
                raise DataError(
                    f"The bid prices are by {_listed(row['cell'])}, and are to be read by "
                    f"{_listed(attributes)}. Name the attributes that they are by."
                )
            cell = tuple(row["cell"][name] for name in attributes)
            prices.setdefault(cell, {})[row["measure"]] = row["price"]
        return cls(profit, tuple(attributes), prices)

    def choose(self, offers: Sequence[Mapping[str, Any]]) -> int | None:
        """Return the place of the best of an applicant's offers, in their order; None for none.

        No offer is worth 0; of equals the first counts. An offer without a profit cannot be made.
        Limits are not looked at.

        Raises:
            DataError: An offer is of a cell that has no prices, or has an amount that is none.
        """
        return next(iter(self.ranked(offers)), None)

    def ranked(self, offers: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the places of the offers that are worth more than 0, the best first."""
        made = [place for place, offer in enumerate(offers) if offer[self.profit] is not None]
        worths = {place: self.worth(offers[place]) for place in made}
        return sorted((place for place in made if worths[place] > 0), key=lambda p: -worths[p])

    def worth(self, offer: Mapping[str, Any]) -> float:
        """Return what an offer earns beyond what it uses of the limits."""
        values = [offer[name] for name in self.attributes]
        cell = tuple(None if value is None else str(value) for value in values)
        if cell not in self.prices and cell:  # of a plan without limits nothing has a price
            told = ", ".join(f"{n} {v}" for n, v in zip(self.attributes, cell, strict=True))
            raise DataError(
                f"There are no bid prices for {told}: the plan they come from had no such offer. "
                "Optimise a batch that has, or refer the application."
            )
        used = self.prices.get(cell, {}).items()
        cost = sum(price * _amount(offer, measure, self.profit) for measure, price in used)
        return _finite(offer, self.profit) - cost


class _Cap:
    """A limit from above, and what has been used of it, in millionths."""

    def __init__(self, limit: Limit, profit: str) -> None:
        self.limit, self.profit = limit, profit
        self.most = exact(limit["at_most"])
        self.used = self.moved = Fraction(0)

    def use_of(self, offer: Mapping[str, Any]) -> Fraction:
        """Return what an offer uses; of a limit per another measure, beyond its share of that."""
        limit = self.limit
        inside = all(
            offer[name] is not None and str(offer[name]) in values
            for name, values in limit.get("where", {}).items()
        )
        used = Fraction(self._millionths(offer, limit["measure"]) if inside else 0)
        return used - self.most * self._millionths(offer, limit["per"]) if "per" in limit else used

    def allows(self, use: Fraction, decided: int, expected: int) -> bool:
        """Return whether so much may be used."""
        if use <= 0:
            return True
        if "per" not in self.limit:
            return self.used + use <= self.most * MILLION
        # What all that is expected will move, by what has moved so far.
        moved = (self.moved + use) * expected / decided
        left = max(1 - Fraction(decided) / (_EXACT_FROM * expected), Fraction(0))
        return self.used + use <= _LEEWAY * moved * left

    def add(self, use: Fraction) -> None:
        """Count it as used."""
        self.used += use
        self.moved += abs(use)

    def _millionths(self, offer: Mapping[str, Any], measure: str) -> int:
        return round(MILLION * _amount(offer, measure, self.profit))


class BidPriceControl:
    """Decides applications one at a time, by bid prices and within limits.

    A cap on a sum is never exceeded. A share or an average, of which nothing can be said before
    much is decided, may be exceeded by an allowance that falls to 0 before the last applications.
    Floors, soft limits, parities and tail limits stop nobody: of them prices alone know.

    Args:
        prices: Of a plan for applicants like those to come.
        limits: On all that is decided here.
        expected: How many applications there will be, about. From 95 % of them on nothing adds to
            a share or an average beyond its limit.
    """

    def __init__(self, prices: BidPrices, limits: Sequence[Limit], expected: int) -> None:
        if expected < 1:
            raise ConfigError(
                f"expected is {expected}: say how many applications there will be, about."
            )
        self.prices, self.expected, self.decided = prices, expected, 0
        caps = (limit for limit in limits if "at_most" in limit and "penalty" not in limit)
        self._caps = [_Cap(limit, prices.profit) for limit in caps]

    def decide(self, offers: Sequence[Mapping[str, Any]]) -> int | None:
        """Return the place of the best offer that limits leave room for, and count it as made.

        Raises:
            DataError: An offer is of a cell that has no prices, or has an amount that is none: then
                nothing is counted.
        """
        ranked = self.prices.ranked(offers)
        self.decided += 1
        for place in ranked:
            uses = [cap.use_of(offers[place]) for cap in self._caps]
            each = list(zip(self._caps, uses, strict=True))
            if all(cap.allows(use, self.decided, self.expected) for cap, use in each):
                for cap, use in each:
                    cap.add(use)
                return place
        return None


def bid_price_rows(
    attributes: Sequence[str], cells: Sequence[Cell], measures: Sequence[str], values: Floats
) -> list[tuple[dict[str, str | None], str, float]]:
    """Return the rows of `BID_PRICE_COLUMNS`.

    Args:
        values: What a unit of profit and of each measure is worth, by cell: prices with their sign
            turned.
    """
    return [
        (dict(zip(attributes, cell, strict=True)), measure, float(-worth) + 0.0)
        for cell, of_cell in zip(cells, values, strict=True)
        for measure, worth in zip(measures, of_cell[1:], strict=True)
    ]


def _amount(offer: Mapping[str, Any], measure: str, profit: str) -> float:
    if measure == APPROVALS:
        return 1.0
    amount = _finite(offer, measure)
    if amount < 0 and measure != profit:
        raise DataError(f"The {measure} of an offer is {amount:g}: it must be 0 or more.")
    return amount


def _finite(offer: Mapping[str, Any], name: str) -> float:
    number = offer[name]
    if number is None or not isfinite(number):
        raise DataError(f"The {name} of an offer is {number}: it must be a number.")
    return float(number)


def _listed(attributes: Iterable[str]) -> str:
    return ", ".join(sorted(attributes)) or "nothing"
