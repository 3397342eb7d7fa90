"""Values read from texts: what stands for nothing, what is a number, and what cannot be read."""

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.columns import BROKEN_LINE, column_of
from penstock.errors import ConfigError

# Those that Spark reads days by; it has given up those of weeks.
PATTERN_LETTERS = frozenset("GyMLdDahHkKmsSVzOXxZ")
MOST_SHOWN = 40  # letters of a value that is told to people


def check_pattern(date_format: str) -> None:
    """Refuse a pattern of days that Spark does not know, or that reads other days than are meant.

    Raises:
        ConfigError: It has a letter that is none of Spark's, minutes (m) and neither month nor day
            of the year, or the day of the year (D) beside a month.
    """
    letters = {letter for letter in re.sub("'[^']*'", "", date_format) if letter.isalpha()}
    if unknown := sorted(letters - PATTERN_LETTERS):
        raise ConfigError(
            f"'date_format' is '{date_format}'; Spark's patterns cannot read {', '.join(unknown)}. "
            "Year, month and day are y, M and d, as in yyyy-MM-dd; text stands in ''."
        )
    if "D" in letters and letters & set("ML"):
        raise ConfigError(
            f"'date_format' is '{date_format}', where D stands for the day of the year: a day of "
            "the month is d, as in yyyy-MM-dd."
        )
    if "m" in letters and not letters & set("MLD"):
        raise ConfigError(
            f"'date_format' is '{date_format}', where m stands for minutes: a month is M, as in "
            "yyyy-MM-dd."
        )


def text_of(name: str, missing: list[str]) -> Column:
    """Return a column as trimmed text; null where its text stands for nothing."""
    text = F.trim(column_of(name).cast("string"))
    return F.when(~F.lower(text).isin("", *(word.lower() for word in missing)), text)


def number_of(text: Column) -> Column:
    """Return a text as a DOUBLE; null for anything else, such as "1d", which Java takes for 1."""
    return F.regexp_replace(text, "[dDfF]$", "?").try_cast("double")


def fault_of(name: str, text: Column, value: Column, kind: str) -> Column:
    """Return what is wrong with a text that was read as a "number" or "day"; null: nothing."""
    is_unread = text.isNotNull() & (value.isNull() | (F.abs(value) == float("inf")))
    if kind == "day":
        is_unread = text.isNotNull() & value.isNull()
    said = F.concat(F.lit(f"{name} '"), F.left(text, F.lit(MOST_SHOWN)), F.lit(f"' is no {kind}"))
    return F.when(is_unread, said)


def faults_of_lines(table: DataFrame) -> list[Column]:
    """Return what is wrong with a whole row; nothing if the table never was a text file."""
    if BROKEN_LINE not in table.columns:
        return []
    said = F.lit("the line has more or fewer fields than the file has columns")
    return [F.when(column_of(BROKEN_LINE).isNotNull(), said)]
