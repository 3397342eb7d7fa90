"""The undrawn amount of a line, and whether a share of it says anything."""

from typing import Annotated

from annotated_types import Interval
from pyspark.sql import Column
from pyspark.sql import functions as F

UndrawnShare = Annotated[float, Interval(gt=0, lt=1)]


def undrawn() -> Column:
    """Return limit less balance in USD, 0 where more is owed; needs `limit_usd`, `balance_usd`."""
    left = F.col("limit_usd") - F.col("balance_usd")
    return F.when(left < 0, F.lit(0)).otherwise(left).cast("decimal(12,2)")


def is_near_limit(min_undrawn_share: float) -> Column:
    """Return whether so little is undrawn that a share of it says nothing; also without a limit."""
    least = F.col("limit_usd").cast("double") * min_undrawn_share
    return (undrawn() <= 0) | (undrawn().cast("double") < least)


def drawable() -> Column:
    """Return the limit or, where more is owed, the balance, USD."""
    return F.greatest("limit_usd", "balance_usd")
