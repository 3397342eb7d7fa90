"""Candidates: the offers that a portfolio is chosen from, in the measures that limits speak of."""

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Positive
from penstock.lending.makeable import bounds_of, is_makeable
from penstock.lending.pd_bands import upper_pd
from penstock.lending.policy.history import Policies
from penstock.lending.tail_pd import add_tail_pd
from penstock.portfolio.factors import Factors
from penstock.portfolio.frontier import Frontier, check_frontiers
from penstock.portfolio.limits import Limit, Parity, check_limits
from penstock.portfolio.tail_limits import (
    Level,
    TailLimit,
    check_factors,
    check_tail_limits,
)
from penstock.portfolio.wishes import Wishes

_AMOUNT = "decimal(14,4)"
_TAIL_PD = "_tail_pd"
# What a candidate is told apart by, beside its band of PD.
_ATTRIBUTES = ("term_months", "purpose", "home_ownership", "state")

CANDIDATE_COLUMNS = """
    application_id STRING COMMENT 'key, with offer',
    offer INT COMMENT 'number of the offer',
    profit_usd DECIMAL(14,4) COMMENT 'expected, take-up x profit, USD; null: cannot be made',
    lent_usd DECIMAL(14,4) COMMENT 'expected, take-up x amount, USD',
    expected_loss_usd DECIMAL(14,4) COMMENT 'take-up x expected loss over the term, USD',
    expected_defaults DECIMAL(14,6) COMMENT 'take-up x PD: loans',
    taken_up DECIMAL(14,6) COMMENT 'take-up: loans',
    capital_usd DECIMAL(14,4) COMMENT 'take-up x capital held at the start, USD',
    loss_at_default_usd DECIMAL(14,4) COMMENT 'take-up x LGD x amount, USD',
    tail_loss_usd DECIMAL(14,4) COMMENT 'take-up x LGD x amount x mean PD in the worst times of one
        factor: the expected shortfall of many small loans adds up of it, USD; null: its sector has
        no asset correlation',
    pd_band STRING COMMENT 'greatest PD of the band that the PD is in, 0-1',
    term_months INT COMMENT '36 or 60',
    purpose STRING COMMENT 'what the money is for, one of a few words',
    home_ownership STRING COMMENT 'RENT, MORTGAGE, OWN, OTHER or NONE',
    state STRING COMMENT 'US state, two letters'"""
PORTFOLIO_COLUMNS = """
    application_id STRING COMMENT 'key',
    offer INT COMMENT 'number of the offer to make',
    amount_usd DECIMAL(12,2) COMMENT 'USD',
    term_months INT COMMENT '36 or 60',
    interest_rate DOUBLE COMMENT 'yearly, fraction',
    pd DOUBLE COMMENT 'of who takes this offer up, over the term, 0-1',
    lgd DOUBLE COMMENT 'share of the exposure at default that is lost, 0-1',
    take_up DOUBLE COMMENT 'probability that the offer is taken up, 0-1',
    profit_usd DECIMAL(14,4) COMMENT 'expected, take-up x profit, USD',
    purpose STRING COMMENT 'what the money is for, one of a few words'"""


def list_candidates(
    loan_offers: DataFrame,
    decisions: DataFrame,
    applications: DataFrame,
    *,
    policy: Policies,
    as_of: dt.date,
    profit: str,
    limits: list[Limit],
    parities: list[Parity],
    tail_limits: list[TailLimit],
    factors: Factors,
    frontiers: list[Frontier],
    tail_level: Level,
    pd_step: Positive,
) -> DataFrame:
    """List all offers; those that may be made have a profit.

    Grain: one row per `application_id` and `offer`, in and out.

    An offer may be made to who is approved, within what the policy sets. The others stay, so that
    approval rates of groups count everyone.

    Args:
        loan_offers: Columns of `offers.OFFER_COLUMNS`.
        decisions: Columns of `decision_checks.DECISION_COLUMNS`.
        applications: Columns of `checks.APPLICATION_COLUMNS`.
        policy: History of the policy.
        as_of: Day whose version's legal cap holds.
        profit, limits, parities, tail_limits, factors, frontiers: Of the plan to be; what they
            speak of is looked up here, before any data move.
        tail_level: Of the tail loss: the worst share 1 - level of one factor's values counts, with
            the asset correlations of `factors`.
        pd_step: Width of a band of PD, in log-odds.

    Returns:
        The columns of `CANDIDATE_COLUMNS`.

    Raises:
        ConfigError: Profit or a limit is on what candidates have not, or a frontier on no limit.
    """
    at_hand = [*_ATTRIBUTES, "pd_band", "loss_at_default_usd"]
    check_factors(factors, at_hand)
    check_tail_limits(tail_limits, factors, limits, at_hand)
    known = applications.select("application_id", "purpose", "home_ownership", "state")
    joined = loan_offers.join(known, "application_id", how="inner").join(
        bounds_of(decisions), "application_id", how="left"
    )
    may_be_made = (F.col("decision") == "approve") & is_makeable(policy, as_of)
    at_risk = add_tail_pd(
        joined,
        sector=factors["sector"],
        level=tail_level,
        asset_correlations=factors["asset_correlations"],
        name=_TAIL_PD,
    )
    at_default = F.col("take_up") * F.col("lgd") * F.col("amount_usd").cast("double")
    candidates = at_risk.select(
        "application_id",
        "offer",
        F.when(may_be_made, F.col("expected_profit_usd")).cast(_AMOUNT).alias("profit_usd"),
        _expected("amount_usd").alias("lent_usd"),
        _expected("expected_loss_usd").alias("expected_loss_usd"),
        _expected("pd", "decimal(14,6)").alias("expected_defaults"),
        F.col("take_up").cast("decimal(14,6)").alias("taken_up"),
        _expected("capital_usd").alias("capital_usd"),
        at_default.cast(_AMOUNT).alias("loss_at_default_usd"),
        (at_default * F.col(_TAIL_PD)).cast(_AMOUNT).alias("tail_loss_usd"),
        upper_pd(F.col("pd"), pd_step).alias("pd_band"),
        *_ATTRIBUTES,
    )
    check_limits(profit, limits, parities, candidates.columns)
    check_frontiers(frontiers, Wishes(profit, limits, parities, tail_limits, factors).bounds)
    return candidates


def list_portfolio(plan: DataFrame, loan_offers: DataFrame, candidates: DataFrame) -> DataFrame:
    """List the offers that a plan makes.

    Grain: one row per `application_id` with an offer.

    Args:
        plan: Columns of `optimise.PLAN_COLUMNS`.
        loan_offers: Columns of `offers.OFFER_COLUMNS`.
        candidates: Columns of `CANDIDATE_COLUMNS`.

    Returns:
        The columns of `PORTFOLIO_COLUMNS`.
    """
    keys = ["application_id", "offer"]
    offers = loan_offers.select(
        *keys, "amount_usd", "term_months", "interest_rate", "pd", "lgd", "take_up"
    )
    told = candidates.select(*keys, "profit_usd", "purpose")
    return plan.select(*keys).join(offers, keys, how="inner").join(told, keys, how="inner")


def _expected(amount: str, kind: str = _AMOUNT) -> Column:
    return (F.col("take_up") * F.col(amount).cast("double")).cast(kind)
