"""What if: two policies over the same applications, and whom they would decide on differently."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.lending.policy.history import Policies
from penstock.lending.policy.in_all import add_decision
from penstock.lending.policy.policy import DECISION

# What `compare_decisions` reads.
COMPARED_COLUMNS = (
    "amount_usd DECIMAL(12,2), pd DOUBLE, decision STRING, other_decision STRING, "
    "policy_version STRING, other_policy_version STRING"
)


def decide_by_both(
    cases: DataFrame, *, policy: Policies, as_of: dt.date, other: Policies, other_as_of: dt.date
) -> DataFrame:
    """Decide on each application by two policies.

    Grain: one row per `application_id`, in and out.

    Args:
        cases: Needs `application_id`, `amount_usd` and the columns of both policies.
        policy: History of the policy that decides; the version in force at `as_of` is taken.
        other: History of the one to compare with, maybe the same; of it the version in force at
            `other_as_of`.

    Returns:
        `application_id` and `COMPARED_COLUMNS`.

    Raises:
        ConfigError: No version is in force, or a column of one is not there or of another type.
    """
    first, second = policy.in_force(as_of), other.in_force(other_as_of)
    once = add_decision(cases, policy=first).withColumnRenamed("decision", "first")
    twice = add_decision(once.drop(*DECISION), policy=second)
    return twice.select(
        "application_id",
        "amount_usd",
        "pd",
        F.col("first").alias("decision"),
        F.col("decision").alias("other_decision"),
        F.lit(first.label).alias("policy_version"),
        F.lit(second.label).alias("other_policy_version"),
    )


def compare_decisions(decisions_by_both: DataFrame) -> Evidence:
    """Count who goes from which decision to which if another policy decides.

    Runs one Spark query, whose result is nine rows at most.

    Args:
        decisions_by_both: Needs `COMPARED_COLUMNS`, as `decide_by_both` makes them.

    Returns:
        Metrics approval_rate and other_approval_rate (shares of all applications; None without
        any), swapped_in (approved by the other only), swapped_out (approved by the first only),
        swapped_in_usd and swapped_out_usd (sums of the amounts asked for); table decisions: one
        row per pair of decisions, with applications, sum of amounts (USD) and mean PD (0-1, to
        eight decimals; None if no PD is known).
    """
    # As decimals: a sum of doubles would depend on the order of the rows.
    exact_pd = F.col("pd").try_cast("decimal(10,8)")
    groups = (
        decisions_by_both.groupBy(
            "policy_version", "decision", "other_policy_version", "other_decision"
        )
        .agg(
            F.count(F.lit(1)).alias("applications"),
            F.coalesce(F.sum("amount_usd"), F.lit(0)).alias("amount_usd"),
            F.avg(exact_pd).alias("mean_pd"),
        )
        .orderBy("decision", "other_decision")
        .collect()
    )
    total = _applications(groups)
    approved = [group for group in groups if group.decision == "approve"]
    by_other = [group for group in groups if group.other_decision == "approve"]
    swapped_in = [group for group in by_other if group not in approved]
    swapped_out = [group for group in approved if group not in by_other]
    return Evidence(
        metrics={
            "approval_rate": _applications(approved) / total if total else None,
            "other_approval_rate": _applications(by_other) / total if total else None,
            "swapped_in": float(_applications(swapped_in)),
            "swapped_out": float(_applications(swapped_out)),
            "swapped_in_usd": float(_amount(swapped_in)),
            "swapped_out_usd": float(_amount(swapped_out)),
        },
        tables={"decisions": _table(groups)},
    )


def _table(groups: Sequence[Row]) -> Table:
    return Table(
        "Decisions by the policy and by the other one",
        ("policy", "decision", "other_policy", "other_decision", "applications", "amount_usd",
         "mean_pd"),
        tuple((*group[:5], float(group.amount_usd), _mean_pd(group)) for group in groups),
    )  # fmt: skip


def _mean_pd(group: Row) -> float | None:
    return None if group.mean_pd is None else float(group.mean_pd)


def _applications(groups: Sequence[Row]) -> int:
    return sum(group.applications for group in groups)


def _amount(groups: Sequence[Row]) -> Decimal:
    return sum((group.amount_usd for group in groups), start=Decimal(0))
