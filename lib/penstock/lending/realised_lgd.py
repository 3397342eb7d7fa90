"""Realised LGD: which loans were lost, how much was owed, and what share of it never came back."""

import datetime
from typing import Annotated

from annotated_types import Interval
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, NotNegative
from penstock.lending.instalments import MONTHS_PER_YEAR

CollectionMonths = Annotated[int, Interval(ge=0, le=120)]


def list_defaults(
    loans: DataFrame,
    *,
    as_of: datetime.date,
    default_statuses: list[str],
    include_policy_exceptions: bool,
    collection_months: CollectionMonths,
    discount_rate: NotNegative,
    recovery_months: Count,
) -> DataFrame:
    """List the loans that were charged off and have been collected on long enough.

    Grain: one row per `loan_id`, in and out; fewer rows out.

    Left out, on purpose: a loan whose last payment lies less than `collection_months` before
    `as_of`, as more may still come in: its loss would look greater than it will be.

    Args:
        loans: Columns of `checks.LOAN_COLUMNS`.
        as_of: Day of the snapshot in which payments and recoveries stand.
        default_statuses: Statuses of a loan that was charged off.
        include_policy_exceptions: Whether to keep loans granted against the credit policy.
        collection_months: How long recoveries come in, from the last payment on (from issue, if
            there was none).
        discount_rate: Yearly rate at which recoveries are discounted, a fraction; 0 = not at all.
        recovery_months: Months from default to recovery, the same for every loan: an export that
            sums up the recoveries of a loan has no days of them.

    Returns:
        `loans`, `ead_usd` (DECIMAL(12,2): principal lent and not paid back) and `realised_lgd`
        (DOUBLE, 0-1; null where recoveries are unknown, or nothing was owed). What comes in beyond
        the exposure is no gain of the model's, and a fee beyond the recovery no further loss.

    Source:
        Workout LGD = 1 - PV(recoveries - costs) / EAD: Schuermann, What Do We Know About Loss Given
        Default? (2004). Clipped to 0-1 as usual for a fractional model.
    """
    last_payment = F.coalesce("last_payment_date", "issue_date")
    is_collected = F.add_months(last_payment, collection_months) <= F.lit(as_of)
    is_in_policy = F.col("meets_credit_policy") | F.lit(include_policy_exceptions)
    is_default = F.col("loan_status").isin(*default_statuses)
    owed = (F.col("funded_usd") - F.col("principal_paid_usd")).cast("decimal(12,2)")
    present_value = (1 + discount_rate) ** (-recovery_months / MONTHS_PER_YEAR)
    recovered = (F.col("recoveries_usd") - F.col("collection_fee_usd")).cast("double")
    lost = 1 - F.try_divide(recovered * present_value, owed.cast("double"))
    # Not least() and greatest(): these skip nulls.
    clipped = F.when(lost < 0, 0.0).when(lost > 1, 1.0).otherwise(lost)
    defaults = loans.where(is_default & is_collected & is_in_policy)
    return defaults.withColumns({"ead_usd": owed, "realised_lgd": clipped})
