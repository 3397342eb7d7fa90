"""Which offers the policy lets be made: within its limit, its price and its legal cap."""

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.policy.history import Policies
from penstock.lending.policy.in_all import within_cap


def bounds_of(decisions: DataFrame) -> DataFrame:
    """Return `application_id`, `decision`, `limit_usd` and `greatest_rate`, null where none is set.

    Args:
        decisions: Columns of `decision_checks.DECISION_COLUMNS`.
    """
    return decisions.select(
        "application_id", "decision", "limit_usd", F.col("interest_rate").alias("greatest_rate")
    )


def is_makeable(policy: Policies, as_of: dt.date) -> Column:
    """Return whether an offer may be made, of columns of offers and of `bounds_of`.

    False without a price; an offer that earns nothing may be made.
    """
    is_lawful = within_cap(F.col("interest_rate"), policy.in_force(as_of)).isNotNull()
    is_within = _is_at_most("amount_usd", "limit_usd") & _is_at_most(
        "interest_rate", "greatest_rate"
    )
    return F.coalesce(is_lawful & is_within, F.lit(False))


def _is_at_most(name: str, bound: str) -> Column:
    return F.col(bound).isNull() | (F.col(name) <= F.col(bound))
