"""Counterfactuals: the smallest change in the applicant's reach that would turn a decline.

What is in reach is the amount and the term, and nothing about the person. How a changed
application is decided is for the nodes to say that decide on every application.
"""

from decimal import Decimal
from typing import Annotated

from annotated_types import MinLen
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Months, Positive, ShareOrAll

COUNTERFACTUAL_COLUMNS = """
    application_id STRING COMMENT 'key: of the declined application',
    counterfactual STRUCT<amount_usd: DECIMAL(12,2), term_months: INT, text: STRING>
        COMMENT 'what would have been approved in its place, and the sentence for the applicant'"""


def vary_declines(
    decisions: DataFrame,
    applications: DataFrame,
    *,
    amount_shares: Annotated[list[ShareOrAll], MinLen(1)],
    terms_months: list[Months],
    amount_step_usd: Positive,
) -> DataFrame:
    """Vary each application that the policy declines by what its applicant can change.

    Grain: one row per declined application and change. A person's decline is not varied: nobody
    knows what that person would have said.

    Args:
        decisions: Columns of `decision_checks.DECISION_COLUMNS`.
        applications: Columns of `checks.APPLICATION_COLUMNS`.
        amount_shares: Shares of the amount asked for; 1 = another term alone.
        terms_months: Terms there are, beside the one asked for.
        amount_step_usd: Another amount is rounded down to a multiple of it, USD.

    Returns:
        `applications` with another `amount_usd` and `term_months`, and with these two in its
        `application_id`, so that it goes through all nodes as one of its own; and `declined_id`
        and `asked_months` of the application it was made from.
    """
    is_by_policy = (F.col("decision") == "decline") & F.col("overridden_by").isNull()
    declined = decisions.where(is_by_policy).select("application_id")
    asked = applications.join(declined, "application_id", how="left_semi")
    change = F.explode(_changes(amount_shares, terms_months, amount_step_usd)).alias("change")
    amount, term = F.col("change.amount_usd"), F.col("change.term_months")
    return (
        asked.select("*", change)
        .withColumns(
            {
                "application_id": F.format_string(
                    "%s: %s USD, %d months", "application_id", amount.cast("string"), term
                ),
                "amount_usd": amount,
                "term_months": term,
                "declined_id": F.col("application_id"),
                "asked_months": F.col("term_months"),
            }
        )
        .drop("change")
    )


def select_approved(features: DataFrame, variants: DataFrame, decisions: DataFrame) -> DataFrame:
    """Select the variants that are approved in the whole amount that they ask for.

    Grain: one row per `application_id` of `features` that is.

    Args:
        features: Needs `application_id`, that of a variant; every column is kept.
        variants: From `vary_declines`.
        decisions: From `decide_by_policy`, on the variants.

    Returns:
        `features` and `amount_usd`, so that offers can be made to these variants alone.
    """
    approved = decisions.where("decision = 'approve'").select("application_id", "limit_usd")
    is_within = F.col("limit_usd").isNull() | (F.col("amount_usd") <= F.col("limit_usd"))
    whole = approved.join(variants, "application_id", how="inner").where(is_within)
    return features.join(
        whole.select("application_id", "amount_usd"), "application_id", how="inner"
    )


def find_counterfactuals(variants: DataFrame, chosen: DataFrame) -> DataFrame:
    """Find the smallest change that turns each decline, where there is one.

    Grain: one row per declined application that has such a change.

    A change turns a decline if the changed application is approved in the whole amount that it
    asks for, and has an offer that may be made and earns its costs. The smallest has the greatest
    amount; of equal amounts the term nearest to the one asked for, of two as near the shorter.

    Args:
        variants: From `vary_declines`.
        chosen: From `choose_offers`, of the variants that are approved.

    Returns:
        The columns of `COUNTERFACTUAL_COLUMNS`.

    Source:
        Wachter, Mittelstadt and Russell, Counterfactual explanations without opening the black box,
        Harvard Journal of Law and Technology 31 (2018): the closest world in which the decision is
        another one.
    """
    distance = F.struct(
        (-F.col("amount_usd")).alias("amount"),
        F.abs(F.col("term_months") - F.col("asked_months")).alias("term"),
        "term_months",
    )
    change = F.struct("amount_usd", "term_months", _sentence().alias("text"))
    return (
        variants.join(chosen, "application_id", how="left_semi")
        .groupBy(F.col("declined_id").alias("application_id"))
        .agg(F.min_by(change, distance).alias("counterfactual"))
    )


def _changes(shares: list[float], terms: list[int], step: float) -> Column:
    asked_usd, asked_months = F.col("amount_usd"), F.col("term_months")
    wished = [
        F.struct(amount.alias("amount_usd"), term.cast("int").alias("term_months"))
        for amount in (_amount(share, step) for share in shares)
        for term in (asked_months, *map(F.lit, terms))
    ]

    def is_change(wish: Column) -> Column:
        is_other = (wish["amount_usd"] != asked_usd) | (wish["term_months"] != asked_months)
        return (wish["amount_usd"] > 0) & is_other

    # After rounding, two shares of a small amount may be one change.
    return F.array_distinct(F.filter(F.array(*wished), is_change))


def _amount(share: float, step: float) -> Column:
    if share == 1:
        return F.col("amount_usd")
    # In decimals: 0.29 x 100 is below 29 as a double.
    exact = F.col("amount_usd") * F.lit(Decimal(str(share)))
    return (exact - exact % F.lit(Decimal(str(step)))).cast("decimal(12,2)")


def _sentence() -> Column:
    amount = F.col("amount_usd")
    usd = F.when(amount == F.floor(amount), F.format_number(amount, 0)).otherwise(
        F.format_number(amount, 2)
    )
    over = F.when(
        F.col("term_months") != F.col("asked_months"),
        F.format_string(" over %d months", "term_months"),
    ).otherwise("")
    return F.concat(
        F.lit("The application would be approved for "), usd, F.lit(" USD"), over, F.lit(".")
    )
