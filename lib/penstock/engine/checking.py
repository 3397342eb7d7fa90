"""Contracts held against tables: columns before the write, rows in the same pass as the write."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from penstock.columns import columns_in
from penstock.engine.contract import KEY_IS_KNOWN, KEY_IS_UNIQUE, LEVELS, Contract, Level
from penstock.errors import DataError, did_you_mean

MOST_LISTED = 8


@dataclass(frozen=True)
class RowCounts:
    """What became of a table's rows.

    Attributes:
        rows: All rows that came in.
        at: Level to the rows whose strictest broken rule has it.
        broken_rules: Rule to the rows that broke it; rules that none broke are left out.
        put_aside: `checksum` of the rows for the quarantine.
    """

    rows: int
    at: Mapping[Level, int]
    broken_rules: dict[str, int]
    put_aside: int

    @property
    def good(self) -> int:
        """Rows that are kept: they broke no rule, or one that only warns."""
        return self.rows - self.at["drop"] - self.at["quarantine"] - self.at["fail"]


@dataclass(frozen=True)
class CheckedTable:
    """A table on its way to storage.

    Attributes:
        good: The rows to keep, stored columns only. Writing it makes `counts` known.
    """

    good: DataFrame
    _checked: DataFrame
    _rules: Mapping[str, str]
    _observed: Observation

    def counts(self) -> RowCounts:
        """Return what the write of `good` counted; waits for that write."""
        seen = self._observed.get
        broken = {rule: seen[column] for rule, column in self._rules.items()}
        return RowCounts(
            rows=seen["rows"],
            at={level: seen[level] for level in LEVELS},
            broken_rules={rule: n for rule, n in broken.items() if n},
            put_aside=seen["put_aside"],
        )

    def rows_at(self, level: Level) -> DataFrame:
        """Return the rows of a level as a table for people.

        Grain: one row per row whose strictest broken rule has the level: `row` (JSON of everything
        known of it) and `broken_rules`, of all levels.
        """
        names = [F.when(F.col(column), F.lit(rule)) for rule, column in self._rules.items()]
        return self._checked.where(F.col(_STRICTEST) == _rank(level)).select(
            _row(self._checked).alias("row"),
            F.array_compact(F.array(*names)).alias("broken_rules"),
        )


def check_columns(
    schema: StructType, contract: Contract, dataset: str, location: str, *, cure: str = ""
) -> None:
    """Refuse a table that lacks a column of its contract or has it in another type.

    Args:
        cure: What to do about it, as sentences; empty: mend the table, or point at the right one.

    Raises:
        DataError: The missing columns with the nearest one that the contract does not name, or
            the columns of a wrong type.
    """
    wanted = columns_in(contract.columns)
    missing = [field.name for field in wanted if field.name not in schema.names]
    if missing:
        free = [name for name in schema.names if name not in wanted.names]
        named = [f"'{name}'{_nearest(name, free)}" for name in missing]
        cure = cure or f"Mend the file, or point catalog.{dataset} at the right one."
        raise DataError(
            f"The table '{dataset}' ({location}) lacks {len(missing)} column(s) of its contract: "
            f"{_listed(named)}. {cure}"
        )
    wrong = [field for field in wanted if _type(schema[field.name]) != _type(field)]
    if wrong:
        types = [f"'{field.name}' is {_type(schema[field.name])}; the contract asks for "
                 f"{_type(field)}" for field in wrong]  # fmt: skip
        cast = f"CAST({wrong[0].name} AS {_type(wrong[0]).upper()})"
        at_right = f"or point catalog.{dataset} at the right table."
        raise DataError(
            f"The table '{dataset}' ({location}) has {len(wrong)} column(s) of another type: "
            f"{_listed(types)}. {cure or f'Cast where it is made, e.g. {cast}, {at_right}'}"
        )


def check_rules(df: DataFrame, contract: Contract) -> None:
    """Let Spark's analyzer look at a contract's key and conditions, without building the checks.

    Raises:
        AnalysisException: One that the table's columns do not allow, or that is no condition.
    """
    df.select("*", *contract.key, *map(F.expr, _broken(contract).values()))


def stored_columns(schema: StructType, contract: Contract) -> StructType:
    """Return the columns that a table of this schema has in storage, in order."""
    wanted = columns_in(contract.columns)
    beyond = [f for f in schema.fields if contract.is_open and f.name not in wanted.names]
    return StructType([*wanted.fields, *beyond])


def check_reads(name: str, ddl: str, schema: StructType) -> list[str]:
    """Hold what a function says it reads of a table against the table, and return the columns.

    Raises:
        DataError: A column that is not there, with the nearest one, or is of another type.
    """
    wanted = columns_in(ddl)
    for column in wanted.fields:
        if column.name not in schema.names:
            raise DataError(
                f"It reads column '{column.name}' of '{name}', which has no such column."
                f"{did_you_mean(column.name, schema.names)}"
            )
        found, asked = _type(schema[column.name]), _type(column)
        if found != asked:
            raise DataError(
                f"It reads column '{column.name}' of '{name}' as {asked}; it is {found}. Cast it "
                f"where '{name}' is made."
            )
    return wanted.names


def extra_columns(df: DataFrame, contract: Contract) -> list[str]:
    """Return the columns of a source that its contract does not name: they are read by nobody."""
    wanted = set(columns_in(contract.columns).names)
    return [name for name in df.columns if name not in wanted and not name.startswith("_")]


def check_rows(df: DataFrame, contract: Contract) -> CheckedTable:
    """Split a table by its contract without running anything yet.

    A key that stands on several rows is kept once if the rows are equal in every column, and not
    at all if they differ: which of them is right cannot be known. Rows that a drop rule takes out
    are not compared with.
    """
    wanted = columns_in(contract.columns)
    stored = [F.col(field.name).alias(field.name, metadata=field.metadata) for field in wanted]
    if contract.is_open:
        stored += [F.col(name) for name in df.columns if name not in wanted.names]
    # One text per column: each call of a function on a column is a round trip to the JVM.
    broken = {rule: F.expr(sql) for rule, sql in _broken(contract).items()}
    if contract.key:
        drops = [column for rule, column in broken.items() if contract.levels[rule] == "drop"]
        df = _with_copies(df, contract.key, reduce(or_, drops, F.lit(False)))
        broken |= _key_rules(contract.key)
    rules = {rule: f"{_OURS}{number}" for number, rule in enumerate(broken)}
    ranks = [f"if({rules[rule]}, {_rank(level)}, 0)" for rule, level in contract.levels.items()]
    strictest = F.expr(f"greatest(0, {', '.join(ranks)})" if ranks else "0")
    checked = df.withColumns({rules[rule]: column for rule, column in broken.items()})
    checked = checked.withColumn(_STRICTEST, strictest).drop(*_COPY_COLUMNS)
    counts = Observation()
    to_put_aside = F.when(F.col(_STRICTEST) == _rank("quarantine"), _row(checked))
    observed = checked.observe(
        counts,
        F.expr("count(1) AS rows"),
        *[F.expr(f"count_if({_STRICTEST} = {_rank(level)}) AS {level}") for level in LEVELS],
        *[F.expr(f"count_if({column}) AS {column}") for column in rules.values()],
        checksum(to_put_aside if contract.quarantine else F.lit(None)).alias("put_aside"),
    )
    good = observed.where(F.col(_STRICTEST) <= _rank("warn")).select(*stored)
    return CheckedTable(good, checked, rules, counts)


_MODULUS = 2**31 - 1  # of hashes, so that a billion of them add up to a BIGINT
_OURS = "_rule_"  # begins the columns that say which rules a row breaks
_STRICTEST = f"{_OURS}strictest"  # rank of its level, 0 for a row that breaks none
_COPY_COLUMNS = ("_dropped", "_copies", "_kinds", "_copy")


def _broken(contract: Contract) -> dict[str, str]:
    return {r: f"NOT coalesce(({sql}\n), false)" for r, sql in contract.conditions.items()}


def checksum(rows: Column) -> Column:
    """Return a number of all rows together (texts, null for none), whatever their order."""
    # Not of a null's hash, which is a number too.
    hashed = F.when(rows.isNotNull(), F.pmod(F.xxhash64(rows), F.lit(_MODULUS)))
    return F.coalesce(F.sum(hashed), F.lit(0))


def _row(checked: DataFrame) -> Column:
    known = [name for name in checked.columns if not name.startswith(_OURS)]
    return F.to_json(F.struct(*known), {"ignoreNullFields": "false"})


def _with_copies(df: DataFrame, key: tuple[str, ...], is_dropped: Column) -> DataFrame:
    content = F.xxhash64(*[F.to_json(F.struct(name)) if _is_nested(df, name) else name
                           for name in df.columns])  # fmt: skip
    same_key = Window.partitionBy(*key, "_dropped")
    everything = same_key.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    hashed = df.withColumns({"_content": content, "_dropped": is_dropped})
    return hashed.withColumns(
        {
            "_copies": F.count(F.lit(1)).over(everything),
            "_kinds": F.max("_content").over(everything) != F.min("_content").over(everything),
            "_copy": F.row_number().over(same_key.orderBy("_content")),
        }
    ).drop("_content")


def _key_rules(key: tuple[str, ...]) -> dict[str, Column]:
    is_unknown = reduce(or_, [F.col(name).isNull() for name in key])
    is_copy = (F.col("_copies") > 1) & (F.col("_kinds") | (F.col("_copy") > 1))
    return {
        KEY_IS_KNOWN: is_unknown,
        KEY_IS_UNIQUE: ~is_unknown & ~F.col("_dropped") & is_copy,
    }


def _rank(level: Level) -> int:
    return 1 + LEVELS.index(level)


def _is_nested(df: DataFrame, name: str) -> bool:
    return df.schema[name].dataType.typeName() in ("map", "variant")


def _type(field: StructField) -> str:
    # As text: whether what lies inside may be null is no part of it.
    return field.dataType.simpleString()


def _listed(items: list[str]) -> str:
    rest = len(items) - MOST_LISTED
    return "; ".join(items[:MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")


def _nearest(name: str, columns: list[str]) -> str:
    return did_you_mean(name, columns).replace(" Did you mean", " (did you mean").replace("?", "?)")
