"""Decision records: for each application one row that says what was decided, by what, and why."""

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import ShareOrAll
from penstock.errors import ConfigError
from penstock.learn.reasons.declines import REASONS, Explained
from penstock.lending.decision_checks import NO_OFFER
from penstock.lending.makeable import bounds_of, is_makeable
from penstock.lending.policy.history import Policies
from penstock.lending.policy.policy import Policy

OFFER = ("offer", "amount_usd", "term_months", "interest_rate", "installment_usd", "pd",
         "take_up", "expected_profit_usd")  # fmt: skip


def select_declined(decisions: DataFrame, features: DataFrame, *, explain: Explained) -> DataFrame:
    """Select the features of the applications that are declined, to be explained.

    Grain: one row per `application_id` that is declined and has features.

    Args:
        decisions: Columns of `decision_checks.DECISION_COLUMNS`.
        features: Needs `application_id`; every column is kept.
        explain: "all": whatever the decision is.
    """
    chosen = decisions.where("decision = 'decline'") if explain == "declines" else decisions
    return features.join(chosen.select("application_id"), "application_id", how="left_semi")


def choose_offers(
    decisions: DataFrame,
    offers: DataFrame,
    *,
    policy: Policies,
    as_of: dt.date,
    rate_cap: ShareOrAll,
) -> DataFrame:
    """Choose the offer of greatest expected profit for each application that is not declined.

    Grain: one row per `application_id` that has such an offer. An offer above the policy's limit,
    its price or its legal cap, or without an expected profit above 0, is none. Of equal ones the
    first counts.

    Args:
        decisions: From `decide` or `decide_by_policy`.
        offers: Columns of `offers.OFFER_COLUMNS`.
        policy: History of the policy.
        as_of: Day whose version's legal cap holds.
        rate_cap: Of `make_offers`: greatest rate of an offer, a yearly fraction.

    Returns:
        `application_id` and `chosen`, a struct of the columns of `OFFER`.

    Raises:
        ConfigError: Offers are made at rates above the legal cap.
    """
    _check_cap(policy.in_force(as_of), rate_cap)
    bounds = bounds_of(decisions.where("decision != 'decline'"))
    worth = offers.where("profit_usd > 0").join(bounds, "application_id", how="inner")
    order = F.struct("expected_profit_usd", (-F.col("offer")).alias("order"))
    chosen = F.max_by(F.struct(*OFFER), order).alias("chosen")
    return worth.where(is_makeable(policy, as_of)).groupBy("application_id").agg(chosen)


def _check_cap(in_force: Policy, rate_cap: float) -> None:
    legal_cap = in_force.legal_cap
    if legal_cap is not None and rate_cap > legal_cap:
        raise ConfigError(
            f"{in_force.places['legal_cap']}: legal_cap is {legal_cap:g}, and rate_cap of "
            f"make_offers is {rate_cap:g}: offers would be made that the law forbids. Lower "
            "params.make_offers.rate_cap to it."
        )


def hash_inputs(cases: DataFrame, unreadable: DataFrame) -> DataFrame:
    """Hash what each decision looks at.

    Grain: one row per `application_id` of the two, which have none in common.

    Args:
        cases: Columns of `decision_checks.CASE_COLUMNS`: what the policy has looked at.
        unreadable: From `list_unreadable`.

    Returns:
        `application_id` and `input_hash`: the SHA-256 of the case as JSON, for an unreadable
        application of its raw rows.
    """
    looked_at = [name for name in cases.columns if name != "model_version"]
    return cases.select("application_id", _hash(looked_at).alias("input_hash")).unionByName(
        unreadable.select("application_id", "input_hash")
    )


def record_decisions(
    decisions: DataFrame,
    hashes: DataFrame,
    explained: DataFrame,
    counterfactuals: DataFrame,
    chosen: DataFrame,
) -> DataFrame:
    """Record each decision with all that it rests on.

    Grain: one row per `application_id` of `decisions`, in and out.

    Who would be approved by the policy and has no offer that earns its costs is referred to a
    person, who is told so.

    Args:
        decisions: Columns of `decision_checks.DECISION_COLUMNS`.
        hashes: From `hash_inputs`.
        explained: Applications of `select_declined` with `reasons` and the `model_version` that
            tells them.
        counterfactuals: Columns of `counterfactuals.COUNTERFACTUAL_COLUMNS`.
        chosen: From `choose_offers`.

    Returns:
        The columns of `decision_checks.RECORD_COLUMNS`. `record_hash` is the SHA-256 of all other
        columns of the row: the same bits of input, versions and policy give the same two hashes.
    """
    told = explained.select(
        "application_id",
        F.col(REASONS).alias("score_reasons"),
        F.col("model_version").alias("reasons_version"),
    )
    joined = (
        decisions.join(hashes, "application_id", how="inner")
        .join(told, "application_id", how="left")
        .join(counterfactuals, "application_id", how="left")
        .join(chosen, "application_id", how="left")
    )
    has_no_offer = (
        (F.col("decision") == "approve")
        & F.col("overridden_by").isNull()
        & F.col("chosen").isNull()
    )
    record = joined.select(
        "application_id",
        "as_of_date",
        "input_hash",
        F.when(has_no_offer, "refer").otherwise(F.col("decision")).alias("decision"),
        "policy_decision",
        "rules_hit",
        "rules_untold",
        F.when(has_no_offer, F.array(F.lit(NO_OFFER)))
        .otherwise(F.col("reasons"))
        .alias("policy_reasons"),
        "score_reasons",
        "counterfactual",
        "limit_usd",
        F.col("chosen").alias("offer"),
        "pd",
        "points",
        "model_version",
        "reasons_version",
        "policy_version",
        "cut_off",
        "overridden_by",
        "overridden_why",
        "overridden_at",
    )
    return record.withColumn("record_hash", _hash(record.columns))


def _hash(columns: list[str]) -> Column:
    # Nulls are written: a value that is missing is not one that was never asked for.
    text = F.to_json(F.struct(*columns), {"ignoreNullFields": "false"})
    return F.sha2(text, 256)
