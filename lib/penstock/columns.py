"""Columns of tables: by names that are anybody's, and as DDL."""

import json
import re
from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

# Spark's: the whole line of a CSV file where its fields are more or fewer than the columns.
BROKEN_LINE = "_corrupt_record"


def column_of(name: str) -> Column:
    """Return a column by its whole name: a dot in it is no field, a backtick no end."""
    escaped = name.replace("`", "``")
    return F.col(f"`{escaped}`")


def columns_in(ddl: str) -> StructType:
    """Return the columns that a DDL names; none if it is empty."""
    columns = StructType.fromDDL(ddl) if ddl else StructType()
    assert isinstance(columns, StructType)
    return columns


def values_read(row: str, conditions: Iterable[str]) -> str:
    """Return what SQL conditions, or names of columns, read of a row (JSON); if nothing, all."""
    words = set(re.findall(r"\w+", " ".join(conditions)))
    values = {name: value for name, value in json.loads(row).items() if name in words}
    return json.dumps(values, ensure_ascii=False) if values else row
