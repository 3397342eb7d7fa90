"""Bid prices: what a unit of each measure costs a plan, to decide new applications one at a time.

Source: bid-price control, Talluri and van Ryzin, The Theory and Practice of Revenue Management
(2004), ch. 3.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.errors import DataError
from penstock.portfolio.choice import Floats
from penstock.portfolio.limits import APPROVALS, Cell

BID_PRICE_COLUMNS = """
    cell MAP<STRING, STRING> COMMENT 'attribute to its value, of the offers it is for',
    measure STRING COMMENT 'key, with cell',
    price DOUBLE COMMENT 'profit that a unit of the measure must earn'"""


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
        """Build from rows of `BID_PRICE_COLUMNS`."""
        prices: dict[Cell, dict[str, float]] = {}
        for row in rows:
            cell = tuple(row["cell"][name] for name in attributes)
            prices.setdefault(cell, {})[row["measure"]] = row["price"]
        return cls(profit, tuple(attributes), prices)

    def choose(self, offers: Sequence[Mapping[str, Any]]) -> int | None:
        """Return the place of the best of an applicant's offers, in their order; None for none.

        No offer is worth 0; of equals the first counts. An offer without a profit cannot be made.

        Raises:
            DataError: An offer is of a cell that has no prices.
        """
        best, worth = None, 0.0
        for place, offer in enumerate(offers):
            if offer[self.profit] is not None and self.worth(offer) > worth:
                best, worth = place, self.worth(offer)
        return best

    def worth(self, offer: Mapping[str, Any]) -> float:
        """Return what an offer earns beyond what it uses of the limits."""
        values = [offer[name] for name in self.attributes]
        cell = tuple(None if value is None else str(value) for value in values)
        if cell not in self.prices:
            told = ", ".join(f"{n} {v}" for n, v in zip(self.attributes, cell, strict=True))
            raise DataError(
                f"There are no bid prices for {told}: the plan they come from had no such offer. "
                "Optimise a batch that has, or refer the application."
            )
        used = self.prices[cell].items()
        cost = sum(price * _amount(offer, measure) for measure, price in used)
        return float(offer[self.profit]) - cost


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


def _amount(offer: Mapping[str, Any], measure: str) -> float:
    return 1.0 if measure == APPROVALS else float(offer[measure])
