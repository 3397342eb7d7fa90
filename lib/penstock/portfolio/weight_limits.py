"""Limits on the weights of a portfolio of assets, as users write them, and as linear rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired

import numpy as np
from annotated_types import Len, MinLen
from numpy.typing import NDArray
from pydantic import AfterValidator
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.portfolio.asset_returns import Returns

Floats = NDArray[np.float64]

WEIGHT = "weight"  # the measure that counts the weight itself


def _in_order(bounds: list[float]) -> list[float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the least comes first, then the most")
    return bounds


Bounds = Annotated[list[float], Len(2, 2), AfterValidator(_in_order)]


class WeightLimit(TypedDict):
    """A limit on a weighted sum over the assets of a portfolio; weights add up to 1.

    Keys:
        name: What it is called in reports, once.
        measure: "weight" limits a share of the portfolio; a column of numbers, their average.
        where: Column to its values: only those assets count.
        at_most, at_least: The limit, in the unit of the measure; exactly one of them.
    """

    name: Annotated[str, MinLen(1)]
    measure: str
    where: NotRequired[dict[str, Annotated[list[str], MinLen(1)]]]
    at_most: NotRequired[float]
    at_least: NotRequired[float]


@dataclass(frozen=True, eq=False)
class WeightRow:
    """One linear row: coefficients @ weights <= bound, or >= bound.

    Attributes:
        coefficients: Shape (n_assets,).
    """

    name: str
    sense: Literal["at most", "at least"]
    coefficients: Floats
    bound: float

    @property
    def sign(self) -> int:
        """1, or -1 of "at least": the row times it is at most the bound times it."""
        return 1 if self.sense == "at most" else -1


def attributes_of(limits: Sequence[WeightLimit]) -> tuple[str, ...]:
    """Return the columns that limits mention, in the order of the alphabet.

    Raises:
        ConfigError: Two limits of one name, or one that is not either at_most or at_least.
    """
    names = [limit["name"] for limit in limits]
    for limit in limits:
        if names.count(limit["name"]) > 1:
            raise ConfigError(f"Two limits are called '{limit['name']}': give each its own name.")
        if ("at_most" in limit) == ("at_least" in limit):
            raise ConfigError(f"Limit '{limit['name']}' needs either at_most or at_least.")
    measures = {limit["measure"] for limit in limits} - {WEIGHT}
    return tuple(sorted(measures | {name for limit in limits for name in limit.get("where", {})}))


def weight_rows(limits: Sequence[WeightLimit], returns: Returns) -> list[WeightRow]:
    """Return one row for each limit.

    Raises:
        ConfigError: A limit on a value that no asset has.
        DataError: A measure that is no number.
    """
    return [
        WeightRow(
            limit["name"],
            "at most" if "at_most" in limit else "at least",
            _measure(limit, returns) * _is_inside(limit, returns),
            limit["at_most"] if "at_most" in limit else limit["at_least"],
        )
        for limit in limits
    ]


def bounds_of(
    assets: Sequence[str], usual: Sequence[float], own: Mapping[str, Sequence[float]]
) -> tuple[Floats, Floats]:
    """Return the least and the greatest weight of each asset, both of shape (n_assets,).

    Raises:
        ConfigError: Bounds of an asset that has no returns.
    """
    for name in own:
        if name not in assets:
            raise ConfigError(
                f"There are bounds of '{name}', which has no returns.{did_you_mean(name, assets)}"
            )
    least, greatest = np.array([own.get(name, usual) for name in assets], dtype=np.float64).T
    return least, greatest


def _measure(limit: WeightLimit, returns: Returns) -> Floats:
    if limit["measure"] == WEIGHT:
        return np.ones(len(returns.assets))
    values = returns.attributes[limit["measure"]]
    try:
        numbers: Floats = values.astype(np.float64)
    except ValueError as error:
        raise DataError(
            f"Limit '{limit['name']}' is on '{limit['measure']}', which is no column of numbers."
        ) from error
    return numbers


def _is_inside(limit: WeightLimit, returns: Returns) -> Floats:
    is_inside = np.ones(len(returns.assets), dtype=bool)
    for name, chosen in limit.get("where", {}).items():
        values = returns.attributes[name].astype(str)
        for value in chosen:
            if value not in values:
                raise ConfigError(
                    f"Limit '{limit['name']}' is on {name} '{value}', and no asset has it."
                    f"{did_you_mean(value, set(values))}"
                )
        is_inside &= np.isin(values, chosen)
    return is_inside.astype(np.float64)
