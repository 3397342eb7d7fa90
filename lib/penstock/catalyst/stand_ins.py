"""Stand-ins: empty tables that stages are called on before there are rows, and their lineage."""

import json
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from penstock.catalyst.internals import empty_table, plan_json
from penstock.catalyst.plan_columns import NOTHING, ROWS, PlanReader, Sources


def stand_in(spark: SparkSession, schema: StructType, name: str) -> DataFrame:
    """Return an empty table with these columns, in whose plan the dataset's name is to be found.

    The plan has a filter that compares the name with itself: it survives analysis, and marks the
    table also where Spark renews ids for a self-join, or where two inputs have equal columns.
    """
    # As SQL: two literals and a comparison by the Column interface take three times as long.
    literal = "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return empty_table(spark, schema).where(f"{literal} = {literal}")


def columns_of(result: DataFrame, inputs: Mapping[str, DataFrame]) -> dict[str, Sources]:
    """Return what each column of a table is computed from, by its analysed plan; no Spark job.

    Args:
        result: What a function made of `inputs`.
        inputs: Dataset to the `stand_in` the function was given for it.

    Returns:
        Output column to (input, column) pairs, and `ROWS` to those that filters, joins, groups,
        sorts and windows look at. What cannot be looked into, a Python function on tables or an
        operator unknown here, is taken to compute everything from everything it is given.
    """
    text = plan_json(result.select("*"))  # so that the top of the plan names every column
    if text is None:
        everything = frozenset((name, c) for name, table in inputs.items() for c in table.columns)
        return dict.fromkeys((*result.columns, ROWS), everything)
    reader = PlanReader(inputs)
    found: dict[str, Sources] = {}
    for column in reader.read(json.loads(text)):
        found[column.name] = found.get(column.name, NOTHING) | column.sources
    return found | {ROWS: frozenset(reader.rows)}
