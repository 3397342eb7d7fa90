"""Applications by group of each attribute: how many are approved, and at which prices.

Spark counts, Python computes: nothing behind `count_offers` touches the rows again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.approvals import Approvals
from penstock.measure.price_gaps import RATE_UNITS, Lot
from penstock.measure.price_groups import Offers
from penstock.measure.protected_groups import check_joined_once, group_of
from penstock.measure.unusable import refuse_unusable

MOST_CELLS = 100_000


@dataclass(frozen=True)
class OfferCounts:
    """The applications of each group of one attribute.

    Attributes:
        approvals: Group to what was decided, in order of the names.
        offers: Group to kind of offer to the offers; groups without an offer are left out.
    """

    approvals: Mapping[str, Approvals]
    offers: Mapping[str, Offers]


def count_offers(
    decided: DataFrame, protected_table: DataFrame, attributes: Sequence[str]
) -> dict[str, OfferCounts]:
    """Count applications, approvals and offers by group, and sum the prices, by attribute.

    Runs two Spark queries; at most 100,000 sums reach the driver.

    Args:
        decided: One row per application: `application_id`, `is_approved`, `interest_rate` (0-1;
            null: no offer is made) and `alike` (kind of the offer; null: of no kind).
        protected_table: `row_id` (the application's) and `protected`, attribute to group; a null
            group, and who is not in the table, is of the group "unknown".
        attributes: Attributes to group by.

    Raises:
        DataError: Decisions that are null, rates outside 0-1, a `row_id` twice, or more groups and
            kinds than can be compared.
    """
    cells = _cells(decided, protected_table, attributes).limit(MOST_CELLS + 1).collect()
    if len(cells) > MOST_CELLS:
        raise DataError(
            f"There are more than {MOST_CELLS:,} groups and kinds of offers to compare: take wider "
            "bands in params.list_audited, or fewer attributes in params.audit_offers."
        )
    of_first = [cell for cell in cells if cell["attribute"] == attributes[0]]
    refuse_unusable(
        {
            "is_approved null": sum(cell["undecided"] for cell in of_first),
            "interest_rate outside 0-1": sum(cell["impossible"] for cell in of_first),
        },
        purpose="Cannot compare groups",
        cure="Mend those rows first.",
    )
    joined = sum(cell["n"] for cell in of_first)
    check_joined_once(decided.count(), joined, called="applications")
    approvals: dict[str, dict[str, Approvals]] = {name: {} for name in attributes}
    offers: dict[str, dict[str, dict[str | None, Lot]]] = {name: {} for name in attributes}
    for cell in cells:
        attribute, group = cell["attribute"], cell["group"]
        so_far = approvals[attribute].get(group, Approvals(0, 0))
        approvals[attribute][group] = so_far + Approvals(cell["n"], cell["approved"])
        if cell["offers"]:
            lot = Lot(cell["offers"], int(cell["units"]), int(cell["squares"]))
            offers[attribute].setdefault(group, {})[cell["alike"]] = lot
    return {name: OfferCounts(approvals[name], offers[name]) for name in attributes}


def _cells(decided: DataFrame, protected_table: DataFrame, attributes: Sequence[str]) -> DataFrame:
    """Return the sums of each group and kind of offer, sorted."""
    named = protected_table.select(F.col("row_id").alias("application_id"), "protected")
    groups = [
        F.struct(
            F.lit(name).alias("attribute"),
            group_of(F.col("protected"), name).alias("group"),
        )
        for name in attributes
    ]
    rate = F.col("interest_rate")
    # Whole numbers add up to the same, in whatever order they come.
    units = F.when(rate.between(0, 1), F.round(rate * RATE_UNITS).cast("decimal(13,0)"))
    return (
        decided.join(named, "application_id", how="left")
        .select(F.array(*groups).alias("groups"), "is_approved", rate, "alike", units.alias("unit"))
        .select(F.inline("groups"), "is_approved", "interest_rate", "alike", "unit")
        .groupBy("attribute", "group", "alike")
        .agg(
            F.count(F.lit(1)).alias("n"),
            F.count_if("is_approved").alias("approved"),
            F.count_if(F.col("is_approved").isNull()).alias("undecided"),
            F.count("unit").alias("offers"),
            F.count_if(rate.isNotNull() & F.col("unit").isNull()).alias("impossible"),
            F.sum("unit").alias("units"),
            F.sum(F.col("unit") * F.col("unit")).alias("squares"),
        )
        .orderBy("attribute", "group", "alike")
    )
