"""Decisions: what the policy in force says of each application, and who decided otherwise."""

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.lending.policy.history import Policies
from penstock.lending.policy.in_all import add_decision

_KEY = "application_id"
_DECIDED = (
    _KEY, "application_date", "decision", "rules_hit", "rules_untold", "reasons",
    "limit_usd", "interest_rate", "pd", "points", "model_version",
)  # fmt: skip


def decide(
    cases: DataFrame,
    unreadable: DataFrame,
    overrides: DataFrame,
    *,
    policy: Policies,
    as_of: dt.date,
) -> DataFrame:
    """Decide on each application by the policy in force, and lay the overrides over it.

    Grain: one row per `application_id` of the first two, which have none in common; none is
    dropped.

    Args:
        cases: Needs `application_id`, `application_date`, `points`, `model_version` and the columns
            of the policy, `pd` among them; an application without a PD is referred, unless a rule
            declines it.
        unreadable: From `list_unreadable`: no rule looks at them, each is referred.
        overrides: What people decided in the policy's place: `application_id` (once at most),
            `decision`, `by`, `why`, `at`. May be empty.
        policy: History of the policy.
        as_of: Day of the decisions; the version in force on it decides.

    Returns:
        The columns of `decision_checks.DECISION_COLUMNS`, and `application_date` for its checks.

    Raises:
        ConfigError: No version is in force, a column of it is not there or of another type, or a
            rule looks at the application's key.
    """
    in_force = policy.in_force(as_of)
    by_policy = decide_by_policy(cases, policy=policy, as_of=as_of)
    decided = by_policy.unionByName(
        unreadable.select(
            "application_id",
            "reasons",
            F.lit("refer").alias("decision"),
            *(
                F.array().cast("array<string>").alias(name)
                for name in ("rules_hit", "rules_untold")
            ),
        ),
        allowMissingColumns=True,
    )
    laid_over = overrides.select(
        "application_id",
        F.col("decision").alias("override"),
        F.col("by").alias("overridden_by"),
        F.col("why").alias("overridden_why"),
        F.col("at").alias("overridden_at"),
    )
    return decided.join(laid_over, "application_id", how="left").select(
        "application_id",
        F.lit(as_of).alias("as_of_date"),
        F.coalesce("override", "decision").alias("decision"),
        F.col("decision").alias("policy_decision"),
        *_DECIDED[3:],
        F.lit(in_force.label).alias("policy_version"),
        F.lit(in_force.cut_off).cast("double").alias("cut_off"),
        "overridden_by",
        "overridden_why",
        "overridden_at",
        "application_date",
    )


def decide_by_policy(cases: DataFrame, *, policy: Policies, as_of: dt.date) -> DataFrame:
    """Decide on each application by the policy in force, which nobody overrides.

    Grain: one row per row of `cases`, in and out.

    Args:
        cases, policy, as_of: As of `decide`.

    Returns:
        Of the columns of `decide` those that the policy gives, with its `decision`.

    Raises:
        ConfigError: As of `decide`.
    """
    in_force = policy.in_force(as_of)
    if _KEY in in_force.columns:
        raise ConfigError(
            f"{in_force.places[_KEY]}: rules may not look at '{_KEY}'. It says nothing of who "
            "applies, and a change of an application that would be approved has another one. "
            "Decide on single applications by a row of raw_overrides each."
        )
    return add_decision(cases, policy=in_force).select(*_DECIDED)
