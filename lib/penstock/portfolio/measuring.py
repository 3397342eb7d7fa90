"""What the optimiser must know of a table of offers before it packs it, and what it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from penstock.errors import ConfigError, DataError
from penstock.portfolio.choice import LARGEST, MILLION
from penstock.portfolio.limits import APPROVALS, Cell

MOST_CELLS = 20_000
_EXACT = "decimal(38,6)"


@dataclass(frozen=True)
class Measured:
    """Offers as counted by one query.

    Attributes:
        offers: How many rows there are.
        made: How many of them can be made: they have a profit.
        cells: Each combination of attributes.
        made_of: How many offers of each cell can be made.
        largest: Largest size of profit and of each measure, in millionths.
    """

    offers: int
    made: int
    cells: tuple[Cell, ...]
    made_of: tuple[int, ...]
    largest: tuple[float, ...]


def measure_offers(
    offers: DataFrame, profit: str, measures: Sequence[str], attributes: Sequence[str]
) -> Measured:
    """Count offers by cell, and refuse what cannot be summed.

    Args:
        offers: One row per applicant and offer; without a profit it cannot be made.

    Raises:
        ConfigError: Profit or a measure is no number, or attributes have too many combinations.
        DataError: An offer with a profit lacks a measure, or one is infinite, NaN, negative or
            too large to be exact.
    """
    amounts = (profit, *measures)
    for name in amounts:
        if name != APPROVALS and not isinstance(offers.schema[name].dataType, NumericType):
            kind = offers.schema[name].dataType.simpleString()
            raise ConfigError(f"'{name}' is {kind}, and no sum can be limited. Name a number.")
    counts = offers.groupBy(*(F.col(name).cast("string").alias(name) for name in attributes)).agg(
        F.count(F.lit(1)).alias("offers"),
        F.count(profit).alias("made"),
        *(_faults(profit, name, is_profit=name == profit) for name in amounts),
        *(_largest(profit, name) for name in amounts),
    )
    ordered = counts.orderBy(*attributes) if attributes else counts
    rows = ordered.limit(MOST_CELLS + 1).collect()
    if len(rows) > MOST_CELLS:
        raise ConfigError(
            f"Limits speak of {', '.join(attributes)}, which have more than {MOST_CELLS:,} "
            "combinations. Limit fewer attributes, or coarser ones."
        )
    for name in amounts:
        _refuse(rows, name)
    largest = (max((row[_size(name)] or 0.0 for row in rows), default=0.0) for name in amounts)
    return Measured(
        sum(row.offers for row in rows),
        sum(row.made for row in rows),
        tuple(tuple(row[name] for name in attributes) for row in rows),
        tuple(row.made for row in rows),
        tuple(MILLION * each for each in largest),
    )


def applicants_by(offers: DataFrame, attribute: str) -> dict[str | None, int]:
    """Return how many applicants each value of an attribute has.

    Raises:
        DataError: An applicant has several.
    """
    counts = groups_of(offers, attribute).groupBy("group")
    rows = counts.agg(F.count(F.lit(1)).alias("applicants"), F.max("several").alias("several"))
    return {row["group"]: row["applicants"] for row in of_one_group(rows.collect(), attribute)}


def groups_of(offers: DataFrame, attribute: str) -> DataFrame:
    """Return each `application_id` with its `group`, the value of an attribute that it has.

    And `several`, null but where its offers have several: key, first and last of them.
    """
    value = F.col(attribute).cast("string")
    ends = offers.groupBy("application_id").agg(
        F.min(value).alias("group"), F.max(value).alias("last")
    )
    named = F.struct("application_id", "group", "last")
    has_several = F.col("last") != F.col("group")
    return ends.select("application_id", "group", F.when(has_several, named).alias("several"))


def of_one_group(rows: Sequence[Row], attribute: str) -> Sequence[Row]:
    """Return the rows if all of them have no applicant in `several` groups.

    Raises:
        DataError: Naming one, and the cure.
    """
    for row in rows:
        if row["several"]:
            key, one, other = row["several"]
            raise DataError(
                f"Applicant {key} has offers of {attribute} '{one}' and '{other}', and parities "
                "compare groups of applicants. Name an attribute that each has one value of."
            )
    return rows


def amount_of(name: str) -> Column:
    """Return a measure in its unit, to six decimals, exactly."""
    return (F.lit(1) if name == APPROVALS else F.col(name)).cast(_EXACT)


def in_millionths(profit: str, measures: Sequence[str]) -> Column:
    """Return profit and measures as one array of whole millionths."""
    return F.array(*((amount_of(name) * MILLION).cast("double") for name in (profit, *measures)))


def _faults(profit: str, name: str, *, is_profit: bool) -> Column:
    """Return the first fault of a measure, as a text; null where there is none."""
    if name == APPROVALS:
        return F.lit(None).cast("string").alias(_fault(name))
    value = F.col(name).cast("double")
    is_wrong = F.isnan(value) | (F.abs(value) * MILLION >= float(LARGEST))
    if not is_profit:
        is_wrong = value.isNull() | is_wrong | (value < 0)
    told = F.concat_ws(
        " of ", F.coalesce(value.cast("string"), F.lit("null")), F.col("application_id")
    )
    return F.min(F.when(F.col(profit).isNotNull() & is_wrong, told)).alias(_fault(name))


def _largest(profit: str, name: str) -> Column:
    size = F.lit(1.0) if name == APPROVALS else F.abs(F.col(name).cast("double"))
    return F.max(F.when(F.col(profit).isNotNull(), size)).alias(_size(name))


def _refuse(rows: Sequence[Row], name: str) -> None:
    for row in rows:
        if fault := row[_fault(name)]:
            raise DataError(
                f"Column '{name}' of the offers is {fault}. It must be a number from 0 to "
                f"{LARGEST / MILLION:,.0f} (a profit may be below 0); an offer that cannot be made "
                "has no profit."
            )


def _fault(name: str) -> str:
    return f"fault of {name}"


def _size(name: str) -> str:
    return f"size of {name}"
