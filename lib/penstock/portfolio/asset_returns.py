"""Returns of assets, or of pools of loans, as a matrix: read from a long table and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.errors import DataError, did_you_mean
from penstock.measure.unusable import refuse_unusable

Floats = NDArray[np.float64]

# What is read of a table of returns, beside the columns that limits mention.
RETURN_COLUMNS = "date DATE, asset STRING, return DOUBLE"
MOST_RETURNS = 5_000_000  # on the driver: 10 years of days for 2,000 assets
LEAST_PERIODS = 2


@dataclass(frozen=True, eq=False)
class Returns:
    """Returns of n assets over the same periods.

    Attributes:
        assets: Names, rising.
        by_period: Shape (n_periods, n), fractions, in order of time.
        attributes: Column to its value for each asset, shape (n,): texts, or numbers as floats.
    """

    assets: tuple[str, ...]
    by_period: Floats
    attributes: dict[str, NDArray[Any]]

    @property
    def mean(self) -> Floats:
        """Mean return by period of each asset, shape (n,)."""
        found: Floats = self.by_period.mean(axis=0)
        return found


def read_returns(raw_returns: DataFrame) -> DataFrame:
    """Read dates and returns, which a file may have as texts; all other columns stay.

    Grain: one row per raw row, in and out.

    Args:
        raw_returns: Needs `date` (as 2024-01-31), `asset` and `return` (fraction over the period
            that ends on the date).

    Returns:
        The same columns: `date` DATE, `asset` STRING, `return` DOUBLE. What cannot be read is null.
    """
    return raw_returns.withColumns(
        {
            "date": F.col("date").try_cast("date"),
            "asset": F.col("asset").cast("string"),
            "return": F.col("return").try_cast("double"),
        }
    )


def collect_returns(returns: DataFrame, *, attributes: Sequence[str]) -> Returns:
    """Bring returns to the driver, in one Spark query and another one for attributes.

    Args:
        returns: From `read_returns`, one row per `date` and `asset`.
        attributes: Columns that hold one value for each asset: texts, or numbers.

    Raises:
        DataError: No returns; null, NaN or infinite values; an asset twice on a date, or without a
            return on a date that others have; an attribute that is not there, null, or not one
            value for each asset; fewer than two periods; or more than fit into the driver.
    """
    for name in attributes:
        if name not in returns.columns:
            raise DataError(
                f"A limit speaks of '{name}', which the returns have not."
                f"{did_you_mean(name, returns.columns)}"
            )
    rows = returns.select("date", "asset", "return").limit(MOST_RETURNS + 1)
    by_period = _by_period(rows.toPandas())
    assets = tuple(str(name) for name in by_period.columns)
    found = _attributes(returns, attributes)
    return Returns(
        assets,
        by_period.to_numpy(),
        {name: np.array([by_asset[a] for a in assets]) for name, by_asset in found.items()},
    )


def _by_period(rows: pandas.DataFrame) -> pandas.DataFrame:
    if rows.empty:
        raise DataError("There are no returns: the table is empty.")
    if len(rows) > MOST_RETURNS:
        raise DataError(
            f"There are more than {MOST_RETURNS:,} returns: take longer periods, or pool assets."
        )
    refuse_unusable(
        {
            "date null": rows["date"].isna().sum(),
            "asset null": rows["asset"].isna().sum(),
            "return null, NaN or infinite": (~np.isfinite(rows["return"].astype(float))).sum(),
        },
        purpose="Cannot choose weights",
        cure="Mend them, or leave out those assets or dates. A date reads 2024-01-31.",
    )
    is_repeated = rows.duplicated(["date", "asset"])
    if is_repeated.any():
        date, asset = min(rows.loc[is_repeated, ["date", "asset"]].itertuples(index=False))
        raise DataError(
            f"{is_repeated.sum():,} returns stand twice, the first of asset '{asset}' on {date}: "
            "keep one row for each date and asset."
        )
    by_period = rows.pivot(index="date", columns="asset", values="return").sort_index()
    by_period = by_period.sort_index(axis="columns")
    gaps = np.argwhere(by_period.isna().to_numpy())
    if len(gaps):
        period, place = gaps[0]
        raise DataError(
            f"{len(gaps):,} returns are missing, the first of asset '{by_period.columns[place]}' "
            f"on {by_period.index[period]}, for which others have one: leave out that asset or "
            "those dates, or fill them."
        )
    if len(by_period) < LEAST_PERIODS:
        raise DataError("There is only one date of returns: risk needs two, and many to be known.")
    return by_period


def _attributes(returns: DataFrame, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    if not names:
        return {}
    ends = [end(column_of(name)) for name in names for end in (F.min, F.max)]
    nulls = [F.count_if(column_of(name).isNull()) for name in names]
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for asset, *values in returns.groupBy("asset").agg(*ends, *nulls).collect():
        for place, name in enumerate(names):
            least, greatest = values[2 * place : 2 * place + 2]
            if values[2 * len(names) + place] or least != greatest:
                said = "null" if values[2 * len(names) + place] else f"'{least}' and '{greatest}'"
                raise DataError(
                    f"Asset '{asset}' has {said} as its {name}: it needs one value on all dates."
                )
            found[name][str(asset)] = least
    return found
