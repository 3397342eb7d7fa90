"""Labels: which loans have an outcome, and whether it is bad."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def label_defaults(
    loans: DataFrame,
    *,
    as_of: datetime.date,
    good_statuses: list[str],
    bad_statuses: list[str],
    include_policy_exceptions: bool,
) -> DataFrame:
    """Add the outcome of every loan that has had its whole term to show one.

    Grain: one row per `loan_id`, in and out; fewer rows out.

    Left out, on purpose:
        Loans whose term is not over at `as_of` (censoring), whatever their status. Of a young
        vintage only early charge-offs and early repayments are resolved: to learn from these alone
        would bias PD, and to count the loans still running as good would bias it down. So a loan
        charged off early waits for its vintage too.
        Loans in any other status at maturity: indeterminate. Most of them pay late or not at all,
        so the bad rate is a lower bound; it is tight for loans half a year past maturity, since
        a missed instalment is charged off after 150 days.

    Args:
        loans: Needs `issue_date`, `term_months`, `loan_status` and `meets_credit_policy`; a row
            in which the date, the term or the status is unknown is left out.
        as_of: Day of the snapshot in which `loan_status` stands.
        good_statuses: Statuses of a loan paid back in full.
        bad_statuses: Statuses of a loan charged off or in default.
        include_policy_exceptions: Whether to keep loans granted against the credit policy. They
            were not chosen as the applicants to be scored will be.

    Returns:
        `loans` and `is_bad` (INT: 1 = charged off or in default within the term, 0 = paid back).
    """
    is_mature = F.add_months("issue_date", F.col("term_months")) <= F.lit(as_of)
    is_resolved = F.col("loan_status").isin(*good_statuses, *bad_statuses)
    is_in_policy = F.col("meets_credit_policy") | F.lit(include_policy_exceptions)
    is_bad = F.col("loan_status").isin(*bad_statuses).cast("int")
    return loans.where(is_mature & is_resolved & is_in_policy).withColumn("is_bad", is_bad)
