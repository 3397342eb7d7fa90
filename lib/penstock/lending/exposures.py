"""Exposures: which loans are open on a reporting date, how much is owed, and how late they are."""

import datetime
from typing import Annotated

from annotated_types import Ge
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count
from penstock.errors import ConfigError
from penstock.lending.instalments import balance_share, growth, instalments_paid
from penstock.lending.outlook import Outlooks

DefaultDays = Annotated[int, Ge(1)]
PAID_BACK = "Fully Paid"


def list_exposures(
    loans: DataFrame,
    *,
    as_of: datetime.date,
    outlooks: Outlooks,
    lost_statuses: list[str],
    charge_off_months: Count,
    default_days: DefaultDays,
) -> DataFrame:
    """List the loans that are open on each reporting date, by what is known on it.

    Grain: one row per `loan_id` in, per `loan_id` and `reporting_date` out.

    The last payment tells how a loan stood on any day before: it has paid every instalment up to
    then, and none since. A loan is open from issue until it is paid back, which is its last
    payment, or charged off. So loans that are closed by now were open once, and the book of any day
    can be drawn up; what a borrower missed and made good again is not seen.

    Args:
        loans: Columns of `checks.LOAN_COLUMNS`.
        as_of: Day of the snapshot; no reporting date is later.
        outlooks: Their reporting dates.
        lost_statuses: Statuses of a loan that is charged off, or about to be.
        charge_off_months: Months from the first missed instalment to the charge-off.
        default_days: Days past due from which a loan is in default.

    Returns:
        The columns of `provision_checks.EXPOSURE_COLUMNS`. `balance_usd` is that of the
        schedule of what was lent, null where the rate is unknown; `instalments_paid` and it are
        null for a loan that was paid back on an unknown day.

    Raises:
        ConfigError: A reporting date is later than `as_of`.
    """
    last = outlooks[-1]["reporting_date"]
    if last > as_of:
        raise ConfigError(
            f"The book of {last} cannot be drawn up: the loans are as of {as_of}. Mend the "
            "reporting_date in params.common.outlooks, or give a later --as-of."
        )
    days = F.array(*[F.lit(outlook["reporting_date"]) for outlook in outlooks])
    dated = loans.withColumn("reporting_date", F.explode(days)).where(
        F.col("issue_date") <= F.col("reporting_date")
    )
    paid = dated.withColumn("paid_in_all", instalments_paid())
    is_undated = (F.col("loan_status") == PAID_BACK) & F.col("last_payment_date").isNull()
    counted = paid.where(~_is_closed(lost_statuses, charge_off_months)).withColumn(
        "instalments_paid",
        F.when(is_undated, None).otherwise(F.least("paid_in_all", _instalments_due())),
    )
    remaining = F.col("term_months") - F.col("instalments_paid")
    first_missed = F.add_months("issue_date", F.col("instalments_paid") + 1)
    days_past_due = F.greatest(F.datediff("reporting_date", first_missed), F.lit(0))
    rate = growth(F.col("interest_rate"))
    share = balance_share(remaining, F.col("term_months"), rate)
    # What cannot be told is for the contract to put aside, with the reason.
    return counted.where(F.coalesce(remaining > 0, F.lit(True))).select(
        "loan_id",
        "reporting_date",
        "issue_date",
        "term_months",
        "interest_rate",
        "grade",
        "instalments_paid",
        remaining.alias("remaining_months"),
        days_past_due.alias("days_past_due"),
        (days_past_due >= default_days).alias("is_default"),
        (F.col("funded_usd").cast("double") * share).cast("decimal(12,2)").alias("balance_usd"),
    )


def _instalments_due() -> Column:
    months = F.floor(F.months_between("reporting_date", "issue_date")).cast("int")
    return F.least(months, F.col("term_months"))


def _is_closed(lost_statuses: list[str], charge_off_months: int) -> Column:
    reporting_date = F.col("reporting_date")
    is_paid_back = (F.col("loan_status") == PAID_BACK) & (
        F.col("last_payment_date") <= reporting_date
    )
    charged_off_on = F.add_months("issue_date", F.col("paid_in_all") + 1 + charge_off_months)
    is_lost = F.col("loan_status").isin(*lost_statuses) & (charged_off_on <= reporting_date)
    return F.coalesce(is_paid_back | is_lost, F.lit(False))
