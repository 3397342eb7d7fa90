"""Instalments: how far a loan has been paid, and the balances of a level-payment loan.

Column expressions over `issue_date`, `term_months`, `last_payment_date`; the first instalment is
due a month after issue.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

MONTHS_PER_YEAR = 12
_STEP, _FACTOR, _FALL = "_own_step", "_own_factor", "_own_fall"
_REPAID, _ANNUITY = "_own_repaid", "_own_annuity"


def instalments_paid() -> Column:
    """Return the instalments paid by the last payment (INT, 0 to the term).

    One payment a month is taken for granted: exports that sum up a loan do not say more.
    """
    months = F.floor(F.months_between("last_payment_date", "issue_date")).cast("int")
    return between(F.coalesce(months, F.lit(0)), F.lit(0), F.col("term_months"))


def between(value: Column, low: Column, high: Column) -> Column:
    """Return a value moved into low..high; it must not be null, which would become `low`."""
    return F.least(F.greatest(value, low), high)


def growth(interest_rate: Column) -> Column:
    """Return ln(1 + monthly rate) of a yearly rate that is charged monthly."""
    return F.log1p(interest_rate / MONTHS_PER_YEAR)


def balance_share(remaining: Column, term: Column, rate: Column) -> Column:
    """Return the balance with so many instalments remaining, as a share of the amount lent.

    Args:
        remaining: Instalments still to pay, 0 to `term`.
        term: All instalments.
        rate: ln(1 + monthly rate); without interest the principal is paid back in equal parts.

    Source:
        Present value of an annuity: B = A (1 - (1 + r)^-n) / r, in the ratio of two terms.
    """
    of_annuity = F.try_divide(F.expm1(-remaining * rate), F.expm1(-term * rate))
    return F.when(rate == 0, F.try_divide(remaining, term)).otherwise(of_annuity)


def discount_factors(months: Column, discount: Column) -> Column:
    """Return the sum of exp(-discount j) over the next instalments, j = 1 to `months`."""
    return _powers(-discount, months)


def discounted_balances(
    months: Column, term: Column, rate: Column, discount: Column, factors: Column
) -> Column:
    """Return the sum of discounted balances before each of the next instalments, in closed form.

    Sum over j = 1..months of B(j - 1) exp(-discount j), where B(0) = 1 is the balance now and
    B(term) = 0. Balances are a sum of two powers, so that theirs are two geometric series.

    Args:
        months: How many instalments, 0 to `term`.
        term: Instalments until the loan is paid.
        rate: ln(1 + monthly rate), above 0.
        discount: ln(1 + monthly rate) to discount at, 0 or more.
        factors: `discount_factors` of both, which do not depend on the rate.
    """
    repaid = F.exp(-(term + 1) * rate) * _powers(rate - discount, months)
    return (factors - repaid) / -F.expm1(-term * rate)


def own_rate_columns(term: Column, rate: Column) -> dict[str, Column]:
    """Return the columns that `own_rate_balances` reads: they do not depend on the months.

    Args:
        term, rate: As of `discounted_balances`.
    """
    return {
        _STEP: -rate,
        _FACTOR: F.exp(-rate),
        _FALL: F.expm1(-rate),
        _REPAID: F.exp(-(term + 1) * rate),
        _ANNUITY: -F.expm1(-term * rate),
    }


def own_rate_balances(months: Column) -> Column:
    """Return `discounted_balances` at the loan's own rate, for a table with `own_rate_columns`.

    Its second series is then one of equal terms.
    """
    factors = F.try_divide(F.expm1(months * F.col(_STEP)), _FALL)
    return (F.col(_FACTOR) * factors - F.col(_REPAID) * months) / F.col(_ANNUITY)


def _powers(step: Column, months: Column) -> Column:
    """Return exp(step) + exp(2 step) + ... + exp(months step), precise also about step 0."""
    ratio = F.try_divide(F.expm1(months * step), F.expm1(step))
    return F.exp(step) * F.coalesce(ratio, months.cast("double"))
