"""Backtest of two policies: what each would have approved of judged loans, and what that earned."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Annotated

import numpy as np
from annotated_types import Ge
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence, Table
from penstock.measure.lots import Earned, Lots, Outcome
from penstock.measure.strategy import ALL

DECIDED = (
    "application_id STRING, decision STRING, other_decision STRING, policy_version STRING, "
    "other_policy_version STRING"
)
EARNED = (
    "loan_id STRING, is_bad INT, expected_profit_usd DECIMAL(12,2), "
    "realised_profit_usd DECIMAL(12,2)"
)
_HAS_PROFIT = "expected_profit_usd IS NOT NULL AND realised_profit_usd IS NOT NULL"
POLICY, OTHER = "the policy", "the other policy"
RULES = (POLICY, OTHER, "the other alone", "the policy alone", ALL)

WARNINGS = (
    "Every judged loan was granted. Of applicants whom the lender declined nothing is known, so "
    "that a policy which would have approved some of them is neither credited nor charged for it.",
    "Profits are those of the amounts and prices that were lent at, whatever limit or price a "
    "policy gives; whom it would have lent less, or dearer, may have done otherwise.",
    "Referred loans count as not approved: what a person would have said of them is unknown.",
    "Whoever wrote a policy may have known what became of these loans; and the PDs are those of a "
    "model of earlier loans, whose outcomes were not all known yet when these were granted.",
)


def backtest_policies(
    decisions_by_both: DataFrame,
    valued: DataFrame,
    *,
    resamples: Annotated[int, Ge(100)],
    seed: int,
) -> Evidence:
    """Measure what two policies would have approved of judged loans, and earned.

    Profits are per judged loan, approved or not; who is declined or referred earns nothing. The
    difference of the two is paired: the bootstrap draws the same loans for both. Runs two Spark
    queries; some thousand sums reach the driver, whatever the number of loans.

    Args:
        decisions_by_both: Columns of `DECIDED`, as `decide_by_both` makes them of judged loans:
            `application_id` is the `loan_id`.
        valued: The same loans with the columns of `EARNED`. Those without a profit are left out
            and counted.
        resamples: Draws of the bootstrap, which draws lots of loans.
        seed: Of these draws.

    Returns:
        Metrics `loans`, `left_out`, `approval_rate`, `bad_rate` (None if none is approved) and
        `profit` of the policy, `other_approval_rate`, `other_bad_rate` and `other_profit`, `gain`
        (profit of the other less that of the policy), `swapped_in` (loans that the other alone
        approves) and `swapped_out`; profits and gain with `_low` and `_high`, 95 %. Tables
        "policies", with those decided otherwise and approving all beside them; "decisions", by how
        both decide; and "warnings". Money in USD.

    Raises:
        DataError: No loan has a profit.

    Source:
        Percentile bootstrap: as of `compare_strategies`.
    """
    judged = decisions_by_both.withColumnRenamed("application_id", "loan_id").join(
        valued, "loan_id", how="inner"
    )
    groups = _by_both(judged)
    if not any(group.loans for group in groups):
        raise DataError("No judged loan has a profit: prices or payments are unknown.")
    by_policy, by_other = (F.col(name) == "approve" for name in ("decision", "other_decision"))
    rules = (by_policy, by_other, ~by_policy & by_other, by_policy & ~by_other, F.lit(True))
    lots = Lots.of(judged.where(_HAS_PROFIT), rules)
    earned = lots.earned(np.random.default_rng(seed), resamples)
    outcomes = lots.outcomes(earned)
    policy, other, *_ = outcomes
    loans = sum(group.loans for group in groups)
    return Evidence(
        metrics={
            "loans": float(loans),
            "left_out": float(sum(group.all for group in groups) - loans),
            "approval_rate": policy.approved,
            "other_approval_rate": other.approved,
            "bad_rate": policy.bad_rate,
            "other_bad_rate": other.bad_rate,
            "swapped_in": _approved(groups, "other_decision", "decision"),
            "swapped_out": _approved(groups, "decision", "other_decision"),
            **policy.realised.metrics("profit"),
            **other.realised.metrics("other_profit"),
            **earned.gain(RULES.index(OTHER), RULES.index(POLICY)).metrics("gain"),
        },
        tables={
            "policies": _policies_table(groups[0], outcomes, earned),
            "decisions": _decisions_table(groups),
            "warnings": Table.of_texts("What this cannot tell", "warning", WARNINGS),
        },
    )


def _by_both(judged: DataFrame) -> list[Row]:
    has_profit = F.expr(_HAS_PROFIT)
    earned = F.when(has_profit, F.col("realised_profit_usd"))
    return (
        judged.groupBy("policy_version", "decision", "other_policy_version", "other_decision")
        .agg(
            F.count(F.lit(1)).alias("all"),
            F.count_if(has_profit).alias("loans"),
            F.count_if(has_profit & (F.col("is_bad") == 1)).alias("bads"),
            F.coalesce(F.sum(earned), F.lit(0)).cast("double").alias("realised"),
        )
        .orderBy("decision", "other_decision")
        .collect()
    )


def _approved(groups: Sequence[Row], by: str, not_by: str) -> float:
    return float(sum(g.loans for g in groups if g[by] == "approve" and g[not_by] != "approve"))


def _policies_table(versions: Row, outcomes: Sequence[Outcome], earned: Earned) -> Table:
    columns = (
        "approved by", "version", "approved", "bad rate", "expected profit", "realised profit",
        "low", "high", "gain over the policy", "gain low", "gain high",
    )  # fmt: skip
    labels = {POLICY: versions.policy_version, OTHER: versions.other_policy_version}
    # The other rules choose among a part of the loans only, and have nothing to be compared with.
    gains = {rule: earned.gain(RULES.index(rule), RULES.index(POLICY)) for rule in (OTHER, ALL)}
    rows = tuple(
        (
            rule,
            labels.get(rule, ""),
            each.approved,
            each.bad_rate,
            each.expected,
            *astuple(each.realised),
            *(astuple(gains[rule]) if rule in gains else (None, None, None)),
        )
        for rule, each in zip(RULES, outcomes, strict=True)
    )
    return Table("What each policy would have earned, USD per judged loan", columns, rows)


def _decisions_table(groups: Sequence[Row]) -> Table:
    columns = (
        "policy", "decision", "other policy", "other decision", "loans", "bad rate",
        "realised profit", "per loan",
    )  # fmt: skip
    rows = tuple(
        (*g[:4], g.loans, g.bads / g.loans, g.realised, g.realised / g.loans)
        for g in groups
        if g.loans
    )
    return Table("Judged loans by how both decide, USD", columns, rows)
