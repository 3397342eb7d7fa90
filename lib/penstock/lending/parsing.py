"""Parsing: how one raw text value becomes a number, a fraction, an amount or a date.

Column expressions only: a text that cannot be read becomes null and never stops the job. Which
column is read in which way is decided in `cleaning.py`, what an unreadable value means in
`checks.py`.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.columns import BROKEN_LINE

# Compared in lower case and trimmed. "none" is absent on purpose: it is a kind of home ownership.
MISSING_TEXTS = ("", "na", "n/a")


def text(name: str) -> Column:
    """Return the trimmed text of the raw column `name`; null if it stands for a missing value."""
    trimmed = F.trim(F.col(name))
    return F.when(~F.lower(trimmed).isin(*MISSING_TEXTS), trimmed)


def number(value: Column) -> Column:
    """Read a number as DECIMAL(28,10); null for anything else."""
    # By way of decimals because a cast to DOUBLE also reads "NaN", "Infinity" and "1d".
    return value.try_cast("decimal(28,10)")


def whole_number(value: Column) -> Column:
    """Read a whole number as INT ("2" and "2.0" alike); null for anything else, "2.5" included."""
    exact = number(value)
    whole = exact.try_cast("int")
    return F.when(exact == whole, whole)


def money(value: Column, precision: int) -> Column:
    """Read an amount as DECIMAL(precision,2), rounded half up to cents; null for anything else."""
    return value.try_cast(f"decimal({precision},2)")


def fraction(value: Column) -> Column:
    """Read "10.65%" or "0.1065" as the DOUBLE 0.1065; null for anything else."""
    of_percent_text = number(F.regexp_replace(value, r"\s*%$", "")) / 100
    return F.when(value.endswith("%"), of_percent_text).otherwise(number(value)).cast("double")


def percent(value: Column) -> Column:
    """Read a number of per cent without its sign, "14.04", as the DOUBLE 0.1404; else null."""
    return (number(value) / 100).cast("double")


def date(value: Column) -> Column:
    """Read "2011-12-31", or "Dec-2011" as the first of that month, as a DATE; else null."""
    first_of_month = F.try_to_date(F.concat(F.lit("01-"), value), "dd-MMM-yyyy")
    return F.coalesce(F.try_to_date(value, "yyyy-MM-dd"), first_of_month)


def months(value: Column) -> Column:
    """Read "36", " 36 months" or "1 month" as an INT; null for anything else."""
    return whole_number(F.regexp_replace(value, r"\s*months?$", ""))


def years_employed(value: Column) -> Column:
    """Read "< 1 year" as 0, "3 years" as 3, "10+ years" as 10, an INT; null for anything else."""
    years = whole_number(F.regexp_replace(value, r"\+?\s*years?$", ""))
    return F.when(value == "< 1 year", F.lit(0)).otherwise(years)


def broken_line(raw: DataFrame) -> Column:
    """Return the whole text of a line that does not fit its file's header; null for a sound one."""
    # A table that was never a text file does not have the column.
    has_lines = BROKEN_LINE in raw.columns
    line = F.col(BROKEN_LINE) if has_lines else F.lit(None).cast("string")
    return line.alias("broken_line")
