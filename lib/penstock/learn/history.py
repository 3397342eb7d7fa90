"""History: what another table, of a bureau or of accounts, knew about a row on the row's day.

Values are looked up point in time: of all that was known when the row was observed, the latest.
Both tables are united and read once, in order of the days on which things became known: one
shuffle, where a join by ranges of days would pair each row with all the history of its key. Rows
may arrive late, so the last one known need not tell of the latest day: the greatest so far counts.

No key is salted. One with many rows costs their sort, in one task, and nothing beyond. What many
rows do share is that they have no key: these are spread.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.annotations import Days
from penstock.columns import column_of
from penstock.errors import ConfigError
from penstock.learn.observations import check_columns, check_letters, row_id
from penstock.learn.reading import check_pattern, fault_of, faults_of_lines, number_of, text_of

KEY, EVENT_ON, AVAILABLE_ON, FAULT = "history_key", "event_on", "available_on", "fault"
HISTORY_COLUMNS = (
    f"{KEY} STRING COMMENT 'whom the row tells of; several columns as JSON', "
    f"{EVENT_ON} DATE COMMENT 'day that it tells of', "
    f"{AVAILABLE_ON} DATE COMMENT 'day from which it was known'"
)
OWN = (KEY, EVENT_ON, AVAILABLE_ON, FAULT)  # the other columns of the history are its values
# Of the united tables, beside the columns of both.
_WHOM, _ALONE, _DAY, _ASKS = "_history_whom", "_history_alone", "_history_day", "_history_asks"


def read_history(
    raw_history: DataFrame,
    *,
    key: list[str],
    event_date: str,
    available_date: str,
    date_format: str,
    numeric: list[str],
    categorical: list[str],
    missing: list[str],
) -> DataFrame:
    """Read a table of earlier days as a history: a key, two days and typed values.

    Grain: one row per row of `raw_history`, in and out; none if nothing is described. Rows without
    a key or a day, or with a value that cannot be read, are left to the contract.

    Args:
        raw_history: Needs every column named below, of any type that reads as text.
        key: Columns that say together whom a row tells of; a part that is missing leaves no key.
        event_date: Column with the day that a row tells of.
        available_date: Column with the day from which the row was known; empty: the day it tells
            of. A missing day there is not known, and no reason to take the other.
        date_format: How days are written, as Spark's date patterns have it.
        numeric: Values that are numbers; NaN is missing.
        categorical: Values that are texts.
        missing: Texts that stand for a missing value, compared trimmed and in lower case; "" too.

    Returns:
        `HISTORY_COLUMNS`, the values (DOUBLE or STRING, trimmed) and `fault` (STRING: the first
        thing that cannot be read; null: nothing).

    Raises:
        ConfigError: Key, event date or values are missing where others are named, a value is named
            twice, under a name that the history needs, or under one that cannot be stored, or the
            date format has no month.
        DataError: A column that the table lacks.
    """
    values, days = [*numeric, *categorical], [*filter(None, (event_date, available_date))]
    if not (key or days or values):
        none = [F.lit(None).cast(kind) for kind in ("string", "date", "date", "string")]
        return raw_history.limit(0).select(*(c.alias(n) for n, c in zip(OWN, none, strict=True)))
    _check_description(key, event_date, values)
    check_pattern(date_format)
    check_columns(raw_history, [*key, *days, *values], called="history")
    texts = {name: text_of(name, missing) for name in {*days, *values}}
    read = {name: F.try_to_date(texts[name], date_format) for name in days}
    numbers = {name: number_of(texts[name]) for name in numeric}
    faults = [
        *faults_of_lines(raw_history),
        *(fault_of(name, texts[name], day, "day") for name, day in read.items()),
        *(fault_of(name, texts[name], number, "number") for name, number in numbers.items()),
    ]
    columns = {
        KEY: _whom(key, missing),
        EVENT_ON: read[event_date],
        AVAILABLE_ON: read[available_date or event_date],
        # As "NaN" it would be a value, and hide the last one known.
        **{name: F.nanvl(number, F.lit(None)) for name, number in numbers.items()},
        **{name: texts[name] for name in categorical},
        FAULT: F.coalesce(*faults),
    }
    return raw_history.select(*(column.alias(name) for name, column in columns.items()))


def add_history(
    table: DataFrame,
    history: DataFrame,
    *,
    key: list[str],
    row_key: list[str],
    date: str,
    date_format: str,
    missing: list[str],
    ttl_days: Days | None,
) -> DataFrame:
    """Add to each row of a table what the history knew on the row's day.

    Grain: one row per row of `table`, in and out.

    Args:
        table: The table that `read_observations` reads.
        history: As `read_history` returns it; without values nothing is added.
        key: Columns of `table` that say whom a row tells of, as those of the history do, compared
            as texts. A row without a key has no history.
        row_key, date, date_format: As in `read_observations`, where `row_key` is `key`. A row
            without a day has no history.
        missing: Texts that stand for no key, or no day, as in `read_history`.
        ttl_days: Days for which a value is of use: on day t those of days after t - `ttl_days`.
            None: for ever.

    Returns:
        `table` and the values of the history, each by itself the last one known and not missing: of
        rows with `event_on` and `available_on` up to the row's day, that of the latest `event_on`;
        of several, of the latest `available_on`; of several, the greatest. Null if there is none,
        or it is too old.

    Raises:
        ConfigError: The history has values, and there is no `date`, no `row_key`, or a value bears
            the name of a column of `table`.
        DataError: A column that `table` lacks.
    """
    values = [name for name in history.columns if name not in OWN]
    if not values:
        return table
    _check_table(table, values, row_key, date)
    check_columns(table, [*row_key, *key, date])
    whom, columns = _whom(key, missing), [*map(column_of, table.columns)]
    asked = table.select(
        *columns,
        whom.alias(_WHOM),
        F.when(whom.isNull(), row_id(table, row_key)).alias(_ALONE),
        F.try_to_date(text_of(date, missing), date_format).alias(_DAY),
        F.lit(True).alias(_ASKS),
    )
    known = history.select(
        F.col(KEY).alias(_WHOM),
        F.greatest(EVENT_ON, AVAILABLE_ON).alias(_DAY),
        *(_dated(name).alias(name) for name in values),
    )
    # By the range of days, so that what became known on the row's own day is known.
    until_then = (
        Window.partitionBy(_WHOM, _ALONE)
        .orderBy(_DAY)
        .rangeBetween(Window.unboundedPreceding, Window.currentRow)
    )
    latest = asked.unionByName(known, allowMissingColumns=True).select(
        *columns, _DAY, _ASKS, *(F.max(column_of(n)).over(until_then).alias(n) for n in values)
    )
    return latest.where(_ASKS).select(
        *columns, *(_in_time(column_of(name), ttl_days).alias(name) for name in values)
    )


def _whom(key: list[str], missing: list[str]) -> Column:
    parts = [text_of(name, missing) for name in key]
    if len(parts) == 1:
        return parts[0]
    is_known = reduce(and_, (part.isNotNull() for part in parts))
    return F.when(is_known, F.to_json(F.array(*parts)))


def _dated(name: str) -> Column:
    """Return a value behind its days, so that the greatest is the latest; null if it is missing."""
    value = column_of(name)
    return F.when(value.isNotNull(), F.struct(EVENT_ON, AVAILABLE_ON, value.alias("value")))


def _in_time(latest: Column, ttl_days: int | None) -> Column:
    age = F.datediff(_DAY, latest[EVENT_ON])
    # No age is below 0 here, but without a word on it the lineage would not have the row's day.
    is_of_use = age >= 0 if ttl_days is None else age.between(0, ttl_days - 1)
    return F.when(is_of_use, latest["value"])


def _check_description(key: list[str], event_date: str, values: Sequence[str]) -> None:
    for name, named, what in (
        ("key", key, "the columns that say whom a row tells of"),
        ("event_date", event_date, "the column of the day that a row tells of"),
        ("numeric", values, "the columns to look up, here or under 'categorical'"),
    ):
        if not named:
            raise ConfigError(f"A history is described, but not by '{name}': name {what}.")
    lower = [name.lower() for name in values]
    if twice := sorted({name for name in values if lower.count(name.lower()) > 1}):
        raise ConfigError(f"Values of the history are named twice: {', '.join(twice)}.")
    check_letters([*values], called="Values of the history")
    if own := sorted(name for name in values if name.lower() in OWN):
        raise ConfigError(
            f"Values bear names that the stored history needs: {', '.join(own)}. Give the columns "
            "other names in the catalog (`columns:`)."
        )


def _check_table(table: DataFrame, values: Sequence[str], row_key: list[str], date: str) -> None:
    if not date:
        raise ConfigError(
            "There is a history, and it is looked up as of a row's day, but no column has that: "
            "name it as 'date' of read_observations, or describe no history."
        )
    if not row_key:
        raise ConfigError(
            "There is a history, but no key of the rows: named by the whole row, a row would bear "
            "another name as soon as its history is mended. Name 'key' of read_observations."
        )
    there = {name.lower() for name in table.columns}
    if both := sorted(name for name in values if name.lower() in there):
        raise ConfigError(
            f"Table and history both have {', '.join(both)}: which is the feature? Give the "
            "history's another name in its file, or in the catalog (`columns:`)."
        )
