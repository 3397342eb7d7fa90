"""What judged loans were expected to earn, by what was known then, and what they earned."""

from typing import Annotated

from annotated_types import MinLen
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import NotNegative

Attributes = Annotated[list[str], MinLen(1)]

VALUED_COLUMNS = """
    loan_id STRING COMMENT 'key',
    issue_date DATE COMMENT 'first of the month of issue',
    is_bad INT COMMENT '1 = charged off or in default within the term, 0 = paid back',
    pd DOUBLE COMMENT 'probability of default over the term, 0-1',
    lgd DOUBLE COMMENT 'share of the exposure at default that is lost, 0-1',
    funded_usd DECIMAL(12,2) COMMENT 'amount lent, USD',
    lender_grade STRING COMMENT 'A-G, the lender''s own',
    groups ARRAY<STRUCT<attribute: STRING, group: STRING>>
        COMMENT 'groups whose approval rates are compared',
    expected_profit_usd DECIMAL(12,2) COMMENT 'by price, PD and LGD as known at the decision, USD',
    realised_profit_usd DECIMAL(12,2) COMMENT 'by all that was paid, USD; known after issue'"""


def value_loans(
    scored: DataFrame,
    loans: DataFrame,
    past_defaults: DataFrame,
    *,
    funding_rate: NotNegative,
    handling_cost_usd: NotNegative,
    attributes: Attributes,
) -> DataFrame:
    """Value loans whose outcome is known, at the amount lent and the price that the lender asked.

    Grain: one row per `loan_id` of `scored`, in and out.

    Args:
        scored: Needs `loan_id`, `issue_date`, `is_bad`, `pd` and `lgd`.
        loans: Columns of `checks.LOAN_COLUMNS`.
        past_defaults: Defaults that the LGD model was fitted on, all of them among `loans`:
            `loan_id` and `ead_usd`. What they owed, as a share of what they were lent, is the
            exposure at default of every loan.
        funding_rate: What the money costs, a yearly fraction of the balance.
        handling_cost_usd: Of each loan that is made, USD.
        attributes: Columns of `loans` whose groups are compared; null is the group "unknown".

    Returns:
        The columns of `VALUED_COLUMNS`. A profit is null where the price or an amount is unknown.
        What was lent may be less than what was asked for: the rest earns nothing and is not lost.

    Source:
        E[profit] = (1 - PD) R - PD LGD EAD - cost, with the interest R less what the money costs.
        Interest / rate is the sum of balances in years, whatever the schedule, so that funding
        costs interest x funding rate / rate: of the schedule, and of what was paid.
    """
    known = loans.select(
        "loan_id",
        "funded_usd",
        F.col("grade").alias("lender_grade"),
        F.array(*map(_group, attributes)).alias("groups"),
        _scheduled_interest().alias("scheduled"),
        *(
            F.col(name).cast("double").alias(name)
            for name in (
                "interest_rate",
                "total_paid_usd",
                "interest_paid_usd",
                "collection_fee_usd",
            )
        ),
    )
    amount = F.col("funded_usd").cast("double")
    margin = 1 - F.try_divide(F.lit(funding_rate), F.col("interest_rate"))
    loss = F.col("lgd") * F.col("owed") * amount
    expected = (1 - F.col("pd")) * F.col("scheduled") * margin - F.col("pd") * loss
    funding = F.col("interest_paid_usd") * (1 - margin)
    earned = F.col("total_paid_usd") - F.col("collection_fee_usd") - amount - funding
    judged = scored.select("loan_id", "issue_date", "is_bad", "pd", "lgd").join(
        known, "loan_id", how="inner"
    )
    owed = (
        past_defaults.select("loan_id", "ead_usd")
        .join(loans.select("loan_id", "funded_usd"), "loan_id", how="inner")
        .select(_share_owed().alias("owed"))
    )
    return judged.crossJoin(F.broadcast(owed)).select(
        "loan_id",
        "issue_date",
        "is_bad",
        "pd",
        "lgd",
        "funded_usd",
        "lender_grade",
        "groups",
        _usd(expected - handling_cost_usd).alias("expected_profit_usd"),
        _usd(earned - handling_cost_usd).alias("realised_profit_usd"),
    )


def _group(attribute: str) -> Column:
    group = F.coalesce(F.col(attribute).cast("string"), F.lit("unknown"))
    return F.struct(F.lit(attribute).alias("attribute"), group.alias("group"))


def _scheduled_interest() -> Column:
    instalments = F.col("installment_usd").cast("double") * F.col("term_months")
    return instalments - F.col("funded_usd").cast("double")


def _share_owed() -> Column:
    owed, lent = F.sum("ead_usd").cast("double"), F.sum("funded_usd").cast("double")
    return F.try_divide(owed, lent)


def _usd(amount: Column) -> Column:
    return amount.cast("decimal(12,2)")
