"""The audit: what a plan uses of each limit, by SQL on the table of offers itself.

It knows nothing of cells, rows, blocks or prices: it reads limits as users write them, and sums
decimals. What it says is what counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.portfolio.limits import Limit, Parity, exact
from penstock.portfolio.measuring import amount_of, groups_of, of_one_group


@dataclass(frozen=True)
class Use:
    """What a plan uses of a limit.

    Attributes:
        amount: Sum of the measure, in its unit; of a limit per another measure the ratio, None
            where there is nothing to relate to.
        excess: By how much the plan is beyond the limit, in the measure's unit; at most 0 is kept.
    """

    amount: Fraction | None
    excess: Fraction


@dataclass(frozen=True)
class Audit:
    """What SQL says of a plan.

    Attributes:
        offers: How many are made.
        unmakeable: How many of them have no profit, or are not among the offers at all.
        most: Greatest number of offers to one applicant.
        profit: Sum of profit, in its unit.
        uses: Of the limits, in their order.
        approval_rates: Attribute of each parity to group to share of applicants with an offer.
    """

    offers: int
    unmakeable: int
    most: int
    profit: Fraction
    uses: tuple[Use, ...]
    approval_rates: Mapping[str, Mapping[str, Fraction]]


def audit_plan(
    offers: DataFrame,
    chosen: DataFrame,
    profit: str,
    limits: Sequence[Limit],
    parities: Sequence[Parity],
) -> Audit:
    """Return what a plan uses of each limit.

    Args:
        offers: One row per `application_id` and `offer`.
        chosen: `application_id` and `offer` (null: none), one row per applicant.
    """
    made = chosen_of(chosen)
    joined = made.join(offers, ["application_id", "offer"], "left")
    sums = [
        F.sum(amount_of(profit)).alias("profit"),
        F.count(F.lit(1)).alias("offers"),
        F.count(profit).alias("makeable"),
    ]
    for place, limit in enumerate(limits):
        sums.append(F.sum(of_limit(limit)).alias(f"of {place}"))
        if "per" in limit:
            sums.append(F.sum(amount_of(limit["per"])).alias(f"per {place}"))
    row = joined.agg(*sums).collect()[0]
    most = made.groupBy("application_id").count().agg(F.max("count")).collect()[0][0]
    uses = []
    for place, limit in enumerate(limits):
        used = Fraction(row[f"of {place}"] or 0)
        per = Fraction(row[f"per {place}"] or 0) if "per" in limit else None
        uses.append(_use(limit, used, per))
    return Audit(
        row["offers"],
        row["offers"] - row["makeable"],
        most or 0,
        Fraction(row["profit"] or 0),
        tuple(uses),
        {p["attribute"]: approval_rates(offers, made, p["attribute"]) for p in parities},
    )


def chosen_of(plan: DataFrame) -> DataFrame:
    """Return `application_id` and `offer` of the offers that a plan makes."""
    return plan.where("offer IS NOT NULL").select("application_id", "offer")


def use_of(limit: Limit) -> Column:
    """Return what an offer uses of a limit, of one per another measure beyond its share of that."""
    bound = float(limit["at_most"] if "at_most" in limit else limit["at_least"])
    used = of_limit(limit).cast("double")
    return used - bound * amount_of(limit["per"]).cast("double") if "per" in limit else used


def of_limit(limit: Limit) -> Column:
    """Return what an offer adds to a limit's measure: nothing where `where` does not hold."""
    inside = F.lit(True)
    for name, values in limit.get("where", {}).items():
        inside &= F.coalesce(F.col(name).cast("string").isin(values), F.lit(False))
    return F.when(inside, amount_of(limit["measure"])).otherwise(0)


def approval_rates(offers: DataFrame, made: DataFrame, attribute: str) -> dict[str, Fraction]:
    """Return the share of each group's applicants who have an offer in the plan.

    Raises:
        DataError: An applicant is of several groups.
    """
    with_offer = made.select("application_id", F.lit(1).alias("made"))
    joined = groups_of(offers, attribute).join(with_offer, "application_id", "left")
    counts = joined.where("group IS NOT NULL").groupBy("group")
    rows = counts.agg(
        F.count("made").alias("made"),
        F.count(F.lit(1)).alias("all"),
        F.max("several").alias("several"),
    )
    groups = of_one_group(rows.collect(), attribute)
    return {row["group"]: Fraction(row["made"], row["all"]) for row in groups}


def _use(limit: Limit, used: Fraction, per: Fraction | None) -> Use:
    is_cap = "at_most" in limit
    bound = exact(limit["at_most"] if is_cap else limit["at_least"])
    over = used - bound if per is None else used - bound * per
    amount = used if per is None else used / per if per else None
    return Use(amount, over if is_cap else -over)
