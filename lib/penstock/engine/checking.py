"""Contracts held against tables: columns before the write, rows in the same pass as the write."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from penstock.engine.contract import Contract
from penstock.errors import DataError, did_you_mean

BROKEN = "_broken_rules"
MOST_LISTED = 8


@dataclass(frozen=True)
class CheckedTable:
    """A table on its way to storage.

    Attributes:
        good: The rows that keep the contract, stored columns only. Writing it fills `counts`.
        checked: All rows, with the rules each one broke in `_broken_rules`.
        counts: Observed by the write of `good`: `rows` in, `broken` among them.
    """

    good: DataFrame
    checked: DataFrame
    counts: Observation


def check_columns(df: DataFrame, contract: Contract, dataset: str, location: str) -> None:
    """Refuse a table that lacks a column of its contract or has it in another type.

    Raises:
        DataError: The missing columns with the nearest one that the contract does not name, or
            the columns of a wrong type.
    """
    wanted = _columns(contract)
    missing = [field.name for field in wanted if field.name not in df.columns]
    if missing:
        free = [name for name in df.columns if name not in wanted.names]
        named = [f"'{name}'{_nearest(name, free)}" for name in missing]
        raise DataError(
            f"The table '{dataset}' ({location}) lacks {len(missing)} column(s) of its contract: "
            f"{_listed(named)}. "
            f"Mend the file, or point catalog.{dataset} at the right one."
        )
    wrong = [field for field in wanted if df.schema[field.name].dataType != field.dataType]
    if wrong:
        types = [f"'{field.name}' is {_type(df.schema[field.name])}; the contract asks for "
                 f"{_type(field)}" for field in wrong]  # fmt: skip
        raise DataError(
            f"The table '{dataset}' ({location}) has {len(wrong)} column(s) of another type: "
            f"{_listed(types)}. Cast where it is made, e.g. CAST({wrong[0].name} AS "
            f"{_type(wrong[0]).upper()}), or point catalog.{dataset} at the right table."
        )


def extra_columns(df: DataFrame, contract: Contract) -> list[str]:
    """Return the columns of a source that its contract does not name: they are read by nobody."""
    wanted = set(_columns(contract).names)
    return [name for name in df.columns if name not in wanted and not name.startswith("_")]


def check_rows(df: DataFrame, contract: Contract) -> CheckedTable:
    """Split a table by its contract without running anything yet.

    A key that stands on several rows is kept once if the rows are equal in every column, and not
    at all if they differ: which of them is right cannot be known.
    """
    wanted = _columns(contract)
    beyond = [name for name in df.columns if name not in wanted.names]
    rules = [F.when(~F.coalesce(F.expr(sql), F.lit(False)), F.lit(name)) for name, sql in
             contract.checks.items()]  # fmt: skip
    if contract.key:
        df = _with_copies(df, contract.key)
        rules += _key_rules(contract.key)
    broken = F.filter(F.array(*rules), lambda rule: rule.isNotNull()) if rules else _none_broken()
    checked = df.withColumn(BROKEN, broken).drop(*_COPY_COLUMNS)
    is_broken = F.size(BROKEN) > 0
    counts = Observation()
    observed = checked.observe(
        counts, F.count(F.lit(1)).alias("rows"), F.count_if(is_broken).alias("broken")
    )
    stored = [F.col(field.name).alias(field.name, metadata=field.metadata) for field in wanted]
    if contract.is_open:
        stored += [F.col(name) for name in beyond]
    return CheckedTable(observed.where(~is_broken).select(*stored), checked, counts)


def quarantine_rows(
    checked: DataFrame, rules: tuple[str, ...], *, source: str, run_id: str
) -> tuple[DataFrame, Observation]:
    """Return the broken rows as a table for people, and the rows each rule cost.

    Grain: one row per broken row: `row` (JSON of everything known of it), `broken_rules`,
    `source` dataset, `run_id`.
    """
    known = [name for name in checked.columns if name != BROKEN]
    rows = checked.where(F.size(BROKEN) > 0).select(
        F.to_json(F.struct(*known)).alias("row"),
        F.col(BROKEN).alias("broken_rules"),
        F.lit(source).alias("source"),
        F.lit(run_id).alias("run_id"),
    )
    by_rule = Observation()
    tallies = [F.count_if(F.array_contains("broken_rules", rule)).alias(rule) for rule in rules]
    return rows.observe(by_rule, F.count(F.lit(1)).alias("*"), *tallies), by_rule


def rule_names(contract: Contract) -> tuple[str, ...]:
    """Return every rule a row of this contract can break."""
    key_rules = ("key_is_known", "key_is_unique") if contract.key else ()
    return (*contract.checks, *key_rules)


def _columns(contract: Contract) -> StructType:
    columns = StructType.fromDDL(contract.columns)
    assert isinstance(columns, StructType)
    return columns


_COPY_COLUMNS = ("_copies", "_kinds", "_copy")


def _with_copies(df: DataFrame, key: tuple[str, ...]) -> DataFrame:
    content = F.xxhash64(*[F.to_json(F.struct(name)) if _is_nested(df, name) else name
                           for name in df.columns])  # fmt: skip
    same_key = Window.partitionBy(*key)
    everything = same_key.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    hashed = df.withColumn("_content", content)
    return hashed.withColumns(
        {
            "_copies": F.count(F.lit(1)).over(everything),
            "_kinds": F.max("_content").over(everything) != F.min("_content").over(everything),
            "_copy": F.row_number().over(same_key.orderBy("_content")),
        }
    ).drop("_content")


def _key_rules(key: tuple[str, ...]) -> list[Column]:
    is_unknown = F.lit(False)
    for name in key:
        is_unknown = is_unknown | F.col(name).isNull()
    is_copy = (F.col("_copies") > 1) & (F.col("_kinds") | (F.col("_copy") > 1))
    return [
        F.when(is_unknown, F.lit("key_is_known")),
        F.when(~is_unknown & is_copy, F.lit("key_is_unique")),
    ]


def _none_broken() -> Column:
    return F.array().cast(ArrayType(StringType()))


def _is_nested(df: DataFrame, name: str) -> bool:
    return df.schema[name].dataType.typeName() in ("map", "variant")


def _type(field: StructField) -> str:
    return field.dataType.simpleString()


def _listed(items: list[str]) -> str:
    rest = len(items) - MOST_LISTED
    return "; ".join(items[:MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")


def _nearest(name: str, columns: list[str]) -> str:
    return did_you_mean(name, columns).replace(" Did you mean", " (did you mean").replace("?", "?)")
