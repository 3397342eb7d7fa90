"""What a plan is made of: its offers and its profit, by the values of each attribute."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Figure, Series, Table
from penstock.portfolio.measuring import amount_of

_MOST_SHOWN = 20  # values of a figure


@dataclass(frozen=True)
class Part:
    """Offers of one value of an attribute.

    Attributes:
        value: As a text; "" where there is none.
        offers: How many the plan makes.
        profit: Of them, in the unit of profit.
    """

    attribute: str
    value: str
    offers: int
    profit: float


def composition(made: DataFrame, profit: str, attributes: Sequence[str]) -> list[Part]:
    """Return the parts of a plan by each attribute, the largest first; one Spark query.

    Args:
        made: The offers that the plan makes: one row each, with profit and attributes.
    """
    if not attributes:
        return []
    by = [
        F.struct(
            F.lit(name).alias("attribute"),
            F.coalesce(F.col(name).cast("string"), F.lit("")).alias("value"),
        )
        for name in attributes
    ]
    told = made.select(F.explode(F.array(*by)).alias("by"), amount_of(profit).alias("profit"))
    sums = told.groupBy("by").agg(F.count(F.lit(1)).alias("n"), F.sum("profit").alias("profit"))
    parts = [
        Part(row.by.attribute, row.by.value, row.n, float(row.profit)) for row in sums.collect()
    ]
    return sorted(parts, key=lambda part: (part.attribute, -part.offers, part.value))


def composition_table(parts: Sequence[Part], offers: int) -> Table:
    """Return the parts as a table, with shares of all offers made."""
    rows = tuple(
        (part.attribute, part.value or "none", part.offers, part.offers / offers, part.profit)
        for part in parts
    )
    columns = ("attribute", "value", "offers made", "share of them", "profit")
    return Table("Composition of the plan", columns, rows)


def composition_figure(parts: Sequence[Part], offers: int) -> Figure:
    """Return the shares of offers as bars; of many values the largest parts."""
    largest = sorted(parts, key=lambda part: -part.offers)[:_MOST_SHOWN]
    shown = [part for part in parts if part in largest]
    values = [part.value for part in shown]
    # Bars of the same name would be drawn as one.
    names = tuple(
        f"{part.attribute}: {part.value or 'none'}"
        if not part.value or values.count(part.value) > 1
        else part.value
        for part in shown
    )
    shares = tuple(100 * part.offers / offers for part in shown)
    attributes = ", ".join(dict.fromkeys(part.attribute for part in shown))
    return Figure(
        "Composition of the plan",
        attributes,
        "% of offers made",
        (Series("offers", names, shares, "bars"),),
        "The shares of each attribute's values add up to 100 %, where all are shown.",
    )
