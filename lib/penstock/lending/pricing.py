"""Price: the rate at which a loan earns what it must, and what a loan earns at a rate.

A loan defaults in each month with the same probability. All that it costs but the handling is in
proportion to the balance, so that whatever the rate, it earns (rate - cost rate) x balance-years.
"""

from dataclasses import dataclass
from math import log

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.capital import add_capital_share
from penstock.lending.instalments import (
    MONTHS_PER_YEAR,
    discount_factors,
    discounted_balances,
    growth,
)

ROUNDS = 4  # each leaves a few hundredths of the error before
_PD, _LGD = "_pd_of_year", "_lgd_floored"
_GROWTH, _ATTRITION, _FACTORS = "_growth", "_attrition", "_factors"


@dataclass(frozen=True)
class CostRates:
    """What a loan costs besides its expected loss; rates are yearly fractions of the balance.

    Attributes:
        funding: Interest on the money lent.
        operating: Running the loan.
        return_on_capital: What capital must earn; it is not borrowed, so that `funding` is saved.
        pd_floor: Least PD over a year that capital is held for.
        lgd_floor: Least LGD that it is held for.
    """

    funding: float
    operating: float
    return_on_capital: float
    pd_floor: float
    lgd_floor: float


def add_cost_rate(loans: DataFrame, *, costs: CostRates) -> DataFrame:
    """Add what a loan costs in a year, in proportion to its balance.

    Grain: one row per row in, all of them.

    Args:
        loans: Needs `term_months`, `pd` (over the term, below 1) and `lgd`.
        costs: What a loan costs besides its expected loss.

    Returns:
        `loans`, `loss_rate` (expected loss), `capital_share` (of the balance) and `cost_rate`
        (funding, operating, expected loss and return on capital); null where PD or LGD is null.
    """
    monthly = F.expm1(F.log1p(-F.col("pd")) / F.col("term_months"))
    of_year = -F.expm1(MONTHS_PER_YEAR * F.log1p(-F.col("pd")) / F.col("term_months"))
    rated = loans.withColumns(
        {
            "loss_rate": -MONTHS_PER_YEAR * monthly * F.col("lgd"),
            # greatest() skips nulls.
            _PD: F.when(F.col("pd").isNotNull(), F.greatest(of_year, F.lit(costs.pd_floor))),
            _LGD: F.when(F.col("lgd").isNotNull(), F.greatest("lgd", F.lit(costs.lgd_floor))),
        }
    )
    held = add_capital_share(rated, pd=_PD, lgd=_LGD, name="capital_share").drop(_PD, _LGD)
    charge = F.col("capital_share") * (costs.return_on_capital - costs.funding)
    total = costs.funding + costs.operating + F.col("loss_rate") + charge
    return held.withColumn("cost_rate", total)


def add_balance_years(loans: DataFrame, *, rate: str) -> DataFrame:
    """Add `balance_years`: the expected sum of balances in years, as a share of the amount lent.

    Sum over the months of the balance before its instalment x probability to come so far / 12.

    Args:
        loans: Needs `term_months`, `pd` (over the term, below 1) and the yearly rate.
        rate: Column of the rate, above 0.
    """
    return (
        _with_attrition(loans)
        .withColumn(_GROWTH, growth(F.col(rate)))
        .withColumn("balance_years", _balance_years())
        .drop(_GROWTH, _ATTRITION, _FACTORS)
    )


def _with_attrition(loans: DataFrame) -> DataFrame:
    """Add what balance-years need of a loan whatever its rate."""
    term = F.col("term_months")
    prepared = loans.withColumn(_ATTRITION, -F.log1p(-F.col("pd")) / term)
    return prepared.withColumn(_FACTORS, discount_factors(term, F.col(_ATTRITION)))


def _balance_years() -> Column:
    term, attrition = F.col("term_months"), F.col(_ATTRITION)
    balances = discounted_balances(term, term, F.col(_GROWTH), attrition, F.col(_FACTORS))
    return F.exp(attrition) * balances / MONTHS_PER_YEAR


def add_needed_rate(loans: DataFrame, *, margin: float, handling_cost_usd: float) -> DataFrame:
    """Add `needed_rate`: the yearly rate at which a loan earns the margin on its balance.

    Grain: one row per row in, all of them.

    Args:
        loans: Needs `amount_usd`, `term_months`, `pd` (over the term, below 1) and `cost_rate`.
        margin: What it must earn, a yearly fraction of the balance.
        handling_cost_usd: Of a loan that is made, spread over its balance-years.

    Returns:
        `loans` and `needed_rate` (DOUBLE, a fraction; null where one of the four is null).

    Source:
        rate = cost rate + margin + handling / balance-years(rate), solved by repeated substitution:
        balance-years hardly move with the rate.
    """
    handling = handling_cost_usd / F.col("amount_usd").cast("double")
    solved = _with_attrition(loans).withColumn("needed_rate", F.col("cost_rate") + margin)
    for _ in range(ROUNDS):
        needed = F.col("cost_rate") + margin + handling / _balance_years()
        solved = solved.withColumn(_GROWTH, growth(F.col("needed_rate"))).withColumn(
            "needed_rate", needed
        )
    return solved.select(*loans.columns, "needed_rate")


def instalment(amount: Column, rate: Column, term: Column) -> Column:
    """Return the monthly instalment of a loan, in the amount's unit.

    Source:
        Annuity: A i / (1 - (1 + i)^-n) with the monthly rate i, above 0.
    """
    return -amount * (rate / MONTHS_PER_YEAR) / F.expm1(-term * growth(rate))


def logit(share: float) -> float:
    """Return the log-odds of a share inside 0-1."""
    return log(share / (1 - share))
