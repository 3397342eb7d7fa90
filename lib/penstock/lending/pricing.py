"""Price: the rate at which a loan earns what it must, and what a loan earns at a rate.

A loan defaults in each month with the same probability. All that it costs but the handling is in
proportion to the balance, so that whatever the rate, it earns (rate - cost rate) x balance-years.
"""

from dataclasses import dataclass
from math import log

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.capital import capital_share
from penstock.lending.instalments import MONTHS_PER_YEAR, discounted_balances, growth

ROUNDS = 4  # each leaves a few hundredths of the error before


@dataclass(frozen=True)
class CostRates:
    """What a loan costs besides its expected loss; rates are yearly fractions of the balance.

    Attributes:
        funding: Interest on the money lent.
        operating: Running the loan.
        return_on_capital: What capital must earn; it is not borrowed, so that `funding` is saved.
        pd_floor: Least PD over a year that capital is held for.
    """

    funding: float
    operating: float
    return_on_capital: float
    pd_floor: float

    def loss(self, pd: Column, lgd: Column, term: Column) -> Column:
        """Return the expected loss of a year, by the PD over the term."""
        return MONTHS_PER_YEAR * monthly_pd(pd, term) * lgd

    def capital(self, pd: Column, lgd: Column, term: Column) -> Column:
        """Return the capital, as a share of the balance."""
        of_year = -F.expm1(MONTHS_PER_YEAR * F.log1p(-pd) / term)
        return capital_share(F.greatest(of_year, F.lit(self.pd_floor)), lgd)

    def total(self, pd: Column, lgd: Column, term: Column) -> Column:
        """Return all that a year costs: funding, operating, expected loss and capital."""
        charge = self.capital(pd, lgd, term) * (self.return_on_capital - self.funding)
        return self.funding + self.operating + self.loss(pd, lgd, term) + charge


def monthly_pd(pd: Column, term: Column) -> Column:
    """Return the probability of default in each month (0-1), of a PD below 1 over the term."""
    return -F.expm1(F.log1p(-pd) / term)


def balance_years(rate: Column, pd: Column, term: Column) -> Column:
    """Return the expected sum of balances in years, as a share of the amount lent.

    Sum over the months of the balance before its instalment x probability to come so far / 12.
    """
    attrition = -F.log1p(-pd) / term
    balances = discounted_balances(term, term, growth(rate), discount=attrition)
    return F.exp(attrition) * balances / MONTHS_PER_YEAR


def with_needed_rate(
    loans: DataFrame, *, costs: CostRates, margin: float, handling_cost_usd: float
) -> DataFrame:
    """Add `needed_rate`: the yearly rate at which a loan earns the margin on its balance.

    Grain: one row per row in, all of them.

    Args:
        loans: Needs `amount_usd`, `term_months`, `pd` (over the term, below 1) and `lgd`.
        costs: What a loan costs.
        margin: What it must earn, a yearly fraction of the balance.
        handling_cost_usd: Of a loan that is made, spread over its balance-years.

    Returns:
        `loans` and `needed_rate` (DOUBLE, a fraction; null where one of the four is null).

    Source:
        rate = cost rate + margin + handling / balance-years(rate), solved by repeated substitution:
        balance-years hardly move with the rate.
    """
    pd, lgd, term = F.col("pd"), F.col("lgd"), F.col("term_months")
    handling = handling_cost_usd / F.col("amount_usd").cast("double")
    solved = loans.withColumn("least_rate", costs.total(pd, lgd, term) + margin)
    solved = solved.withColumn("needed_rate", F.col("least_rate"))
    for _ in range(ROUNDS):
        years = balance_years(F.col("needed_rate"), pd, term)
        solved = solved.withColumn("needed_rate", F.col("least_rate") + handling / years)
    return solved.drop("least_rate")


def instalment(amount: Column, rate: Column, term: Column) -> Column:
    """Return the monthly instalment of a loan, in the amount's unit.

    Source:
        Annuity: A i / (1 - (1 + i)^-n) with the monthly rate i, above 0.
    """
    return -amount * (rate / MONTHS_PER_YEAR) / F.expm1(-term * growth(rate))


def shifted_pd(pd: Column, log_odds: Column) -> Column:
    """Return the PD whose log-odds are so much higher; 0 and 1 stay."""
    multiple = F.exp(log_odds)
    return pd * multiple / (1 - pd + pd * multiple)


def logit(share: float) -> float:
    """Return the log-odds of a share inside 0-1."""
    return log(share / (1 - share))
