"""Stand-ins: empty tables that stages are called on before there are rows."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from penstock.catalyst.internals import empty_table


def stand_in(spark: SparkSession, schema: StructType, name: str) -> DataFrame:
    """Return an empty table with these columns, in whose plan the dataset's name is to be found.

    The plan has a filter that compares the name with itself: it survives analysis, and marks the
    table also where Spark renews ids for a self-join, or where two inputs have equal columns.
    """
    # As SQL: two literals and a comparison by the Column interface take three times as long.
    literal = "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return empty_table(spark, schema).where(f"{literal} = {literal}")
