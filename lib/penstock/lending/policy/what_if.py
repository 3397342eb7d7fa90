"""What if: two policies over the same applications, and whom they would decide on differently."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.lending.policy.history import Policies
from penstock.lending.policy.in_all import DECISION, add_decision


def compare_policies(
    cases: DataFrame, *, policy: Policies, as_of: dt.date, other: Policies, other_as_of: dt.date
) -> Evidence:
    """Decide on each application by two policies, and count who goes from where to where.

    Runs one Spark query, whose result is nine rows at most.

    Args:
        cases: Needs `amount_usd` and the columns of both policies.
        policy: History of the policy that decides; the version in force at `as_of` is taken.
        other: History of the one to compare with, maybe the same; of it the version in force at
            `other_as_of`.

    Returns:
        Metrics approval_rate and other_approval_rate (shares of all applications; None without
        any), swapped_in (approved by the other only), swapped_out (approved by the first only),
        swapped_in_usd and swapped_out_usd (sums of the amounts asked for); table decisions: one
        row per pair of decisions, with applications, sum of amounts (USD) and mean PD.

    Raises:
        ConfigError: No version is in force, or a column of one is not there or of another type.
    """
    first, second = policy.in_force(as_of), other.in_force(other_as_of)
    once = add_decision(cases, policy=first).withColumnRenamed("decision", "by_first")
    twice = add_decision(
        once.drop(*(name for name in DECISION if name != "decision")), policy=second
    )
    groups = (
        twice.groupBy("by_first", F.col("decision").alias("by_second"))
        .agg(
            F.count(F.lit(1)).alias("applications"),
            F.sum("amount_usd").alias("amount_usd"),
            F.avg("pd").alias("mean_pd"),
        )
        .orderBy("by_first", "by_second")
        .collect()
    )
    total = sum(group.applications for group in groups)
    swapped_in = [g for g in groups if g.by_second == "approve" and g.by_first != "approve"]
    swapped_out = [g for g in groups if g.by_first == "approve" and g.by_second != "approve"]
    return Evidence(
        metrics={
            "approval_rate": _share([g for g in groups if g.by_first == "approve"], total),
            "other_approval_rate": _share([g for g in groups if g.by_second == "approve"], total),
            "swapped_in": float(_applications(swapped_in)),
            "swapped_out": float(_applications(swapped_out)),
            "swapped_in_usd": float(_amount(swapped_in)),
            "swapped_out_usd": float(_amount(swapped_out)),
        },
        tables={
            "decisions": Table(
                f"Decisions by {first.label} and by {second.label}",
                (first.label, f"{second.label} (other)", "applications", "amount_usd", "mean_pd"),
                tuple(
                    (g.by_first, g.by_second, g.applications, float(_amount([g])), g.mean_pd)
                    for g in groups
                ),
            )
        },
    )


def _applications(groups: Sequence[Row]) -> int:
    return sum(group.applications for group in groups)


def _amount(groups: Sequence[Row]) -> Decimal:
    return sum((group.amount_usd or Decimal(0) for group in groups), start=Decimal(0))


def _share(groups: Sequence[Row], total: int) -> float | None:
    return _applications(groups) / total if total else None
