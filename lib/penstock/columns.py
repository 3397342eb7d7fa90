"""Columns of tables whose names are anybody's."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def column_of(name: str) -> Column:
    """Return a column by its whole name: a dot in it is no field, a backtick no end."""
    escaped = name.replace("`", "``")
    return F.col(f"`{escaped}`")
