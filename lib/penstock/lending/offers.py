"""Offers: what each applicant could be offered, at which price, and what it is expected to earn."""

from typing import Annotated

from annotated_types import Le, MinLen
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import NotNegative, Positive, Share, ShareOrAll
from penstock.errors import ConfigError
from penstock.learn.odds import shifted
from penstock.lending.capital import Floor
from penstock.lending.pricing import (
    CostRates,
    add_balance_years,
    add_cost_rate,
    add_needed_rate,
    instalment,
    logit,
)

OFFER_COLUMNS = """
    application_id STRING COMMENT 'key, with offer',
    offer INT COMMENT 'number of the offer, 1 = the first amount at the first price',
    amount_usd DECIMAL(12,2) COMMENT 'USD',
    term_months INT COMMENT '36 or 60',
    interest_rate DOUBLE COMMENT 'yearly, fraction',
    installment_usd DECIMAL(12,2) COMMENT 'monthly, USD',
    needed_rate DOUBLE COMMENT 'at which the loan earns its margin, yearly, fraction',
    is_capped BOOLEAN COMMENT 'true = the price would be above the cap, and is the cap',
    pd DOUBLE COMMENT 'of who takes this offer up, over the term, 0-1',
    lgd DOUBLE COMMENT 'share of the exposure at default that is lost, 0-1',
    take_up DOUBLE COMMENT 'probability that the offer is taken up, 0-1',
    expected_loss_usd DECIMAL(12,2) COMMENT 'over the term, of a loan that is made, USD',
    capital_usd DECIMAL(12,2) COMMENT 'held at the start, for a loan that is made, USD',
    profit_usd DECIMAL(12,2) COMMENT 'over the term, of a loan that is made, USD',
    expected_profit_usd DECIMAL(14,4) COMMENT 'take-up x profit, USD'"""

OFFER_CHECKS = {
    "interest_rate_is_positive": "interest_rate IS NULL OR interest_rate > 0",
    "pd_in_range": "pd IS NULL OR pd BETWEEN 0 AND 1",
    "take_up_in_range": "take_up IS NULL OR take_up BETWEEN 0 AND 1",
}


def make_offers(
    assessed: DataFrame,
    applications: DataFrame,
    *,
    amount_shares: Annotated[list[ShareOrAll], MinLen(1)],
    price_steps: Annotated[list[NotNegative], MinLen(1)],
    rate_cap: ShareOrAll,
    margin: NotNegative,
    funding_rate: Positive,
    operating_rate: NotNegative,
    return_on_capital: NotNegative,
    handling_cost_usd: NotNegative,
    pd_floor: Share,
    lgd_floor: Floor,
    adverse_selection: NotNegative,
    reference_rate: NotNegative,
    reference_take_up: Share,
    take_up_by_rate: Annotated[float, Le(0)],
    take_up_by_amount: float,
) -> DataFrame:
    """Make offers to every applicant: each amount at each price.

    Grain: one row per `application_id` and `offer`, the first amount at all prices first.

    Args:
        assessed: Needs `application_id` (once at most), `pd` (over the term) and `lgd`, both 0-1.
        applications: Needs `application_id`, `amount_usd` and `term_months`.
        amount_shares: Shares of the amount asked for.
        price_steps: What is asked beyond the needed rate, yearly fractions.
        rate_cap: Greatest rate that the law allows, a yearly fraction.
        margin, funding_rate, operating_rate, return_on_capital, pd_floor, lgd_floor,
            handling_cost_usd: What a loan must earn and what it costs, as of `add_needed_rate` and
            `CostRates`.
        adverse_selection: Log-odds of PD by unit of the price step: who takes a dearer offer has
            fewer others.
        reference_rate: Yearly rate at which `reference_take_up` of offers over the whole amount are
            taken up; take-up's log-odds are linear in rate and ln(share of the amount).
        take_up_by_rate: Log-odds by unit of the rate, at most 0: -20 is a fifth less by a point.
        take_up_by_amount: Log-odds by unit of ln(share of the amount asked for).

    Returns:
        The columns of `OFFER_COLUMNS`. Where PD or LGD is missing or outside 0-1, the PD is 1, or
        less than a cent would be lent, the application has its offers without a price: nobody is
        dropped.

    Raises:
        ConfigError: The cap is not above what money and running the loan cost.
    """
    if rate_cap <= funding_rate + operating_rate:
        raise ConfigError(
            f"rate_cap of make_offers is {rate_cap:g}, and funding and operating alone cost "
            f"{funding_rate + operating_rate:g}: no offer could ever earn anything. Raise the cap."
        )
    costs = CostRates(funding_rate, operating_rate, return_on_capital, pd_floor, lgd_floor)
    asked = applications.select(
        "application_id", F.col("amount_usd").alias("asked_usd"), "term_months"
    )
    known = asked.join(_possible_risks(assessed), "application_id", how="left")
    costed = add_cost_rate(known, costs=costs)
    # What does not depend on the price is computed once for each amount.
    sized = costed.select("*", _amounts(amount_shares, len(price_steps)))
    lent = _usd(F.col("asked_usd").cast("double") * F.col("amount.share"))
    lendable = sized.withColumn("amount_usd", F.when(lent > 0, lent))
    needed = add_needed_rate(lendable, margin=margin, handling_cost_usd=handling_cost_usd)
    offered = needed.select(
        "application_id",
        "term_months",
        "amount_usd",
        "lgd",
        "pd",
        "needed_rate",
        F.col("amount.share").alias("amount_share"),
        F.col("amount.first_offer").alias("first_offer"),
        F.posexplode(F.array(*map(F.lit, price_steps))).alias("place", "price_step"),
    )
    wished = F.col("needed_rate") + F.col("price_step")
    priced = offered.withColumns(
        {
            "offer": F.col("first_offer") + F.col("place"),
            "is_capped": wished > rate_cap,
            # least() skips nulls.
            "interest_rate": F.when(wished > rate_cap, rate_cap).otherwise(wished),
            "pd": shifted(F.col("pd"), F.exp(adverse_selection * F.col("price_step"))),
        }
    )
    log_odds = (
        logit(reference_take_up)
        + take_up_by_rate * (F.col("interest_rate") - reference_rate)
        + take_up_by_amount * F.log("amount_share")
    )
    taken_up = priced.withColumn("take_up", 1 / (1 + F.exp(-log_odds)))
    return _with_economics(taken_up, costs, handling_cost_usd)


def _possible_risks(assessed: DataFrame) -> DataFrame:
    # NaN is above every number in Spark, so the upper bounds leave it out too.
    is_probability = (F.col("pd") >= 0) & (F.col("pd") < 1)
    return assessed.select(
        "application_id",
        F.when(is_probability, F.col("pd")).alias("pd"),
        F.when(F.col("lgd").between(0, 1), F.col("lgd")).alias("lgd"),
    )


def _amounts(shares: list[float], prices: int) -> Column:
    """Return a row for each share of the amount asked for, with the number of its first offer."""
    amounts = [
        F.struct(F.lit(share).alias("share"), F.lit(1 + place * prices).alias("first_offer"))
        for place, share in enumerate(shares)
    ]
    return F.explode(F.array(*amounts)).alias("amount")


def _with_economics(taken_up: DataFrame, costs: CostRates, handling_cost_usd: float) -> DataFrame:
    costed = add_cost_rate(taken_up, costs=costs)
    measured = add_balance_years(costed, rate="interest_rate")
    rate, amount = F.col("interest_rate"), F.col("amount_usd").cast("double")
    years = amount * F.col("balance_years")
    profit = years * (rate - F.col("cost_rate")) - handling_cost_usd
    return measured.select(
        "application_id",
        "offer",
        "amount_usd",
        "term_months",
        "interest_rate",
        _usd(instalment(amount, rate, F.col("term_months"))).alias("installment_usd"),
        "needed_rate",
        "is_capped",
        "pd",
        "lgd",
        "take_up",
        _usd(years * F.col("loss_rate")).alias("expected_loss_usd"),
        _usd(amount * F.col("capital_share")).alias("capital_usd"),
        _usd(profit).alias("profit_usd"),
        (F.col("take_up") * profit).cast("decimal(14,4)").alias("expected_profit_usd"),
    )


def _usd(amount: Column) -> Column:
    return amount.cast("decimal(12,2)")
