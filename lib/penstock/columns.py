"""Columns of tables: by names that are anybody's, and as DDL."""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType


def column_of(name: str) -> Column:
    """Return a column by its whole name: a dot in it is no field, a backtick no end."""
    escaped = name.replace("`", "``")
    return F.col(f"`{escaped}`")


def columns_in(ddl: str) -> StructType:
    """Return the columns that a DDL names; none if it is empty."""
    columns = StructType.fromDDL(ddl) if ddl else StructType()
    assert isinstance(columns, StructType)
    return columns
