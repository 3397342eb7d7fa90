"""The groups of a protected table, which rows are joined to."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.counts import UNKNOWN_GROUP


def group_of(protected: Column, attribute: str) -> Column:
    """Return a row's group by an attribute: of no value, or of no row joined, "unknown".

    Args:
        protected: Map of attribute to group.
    """
    return F.coalesce(protected[attribute], F.lit(UNKNOWN_GROUP))


def check_joined_once(rows: int, joined: int, *, called: str) -> None:
    """Refuse a protected table by which rows have become more.

    Args:
        called: What the rows are, in the plural.

    Raises:
        DataError: A `row_id` stands on more than one row of it.
    """
    if joined != rows:
        raise DataError(
            f"The protected table has a row_id on more than one row: {rows:,} {called} have become "
            f"{joined:,}. Keep one row for each."
        )
