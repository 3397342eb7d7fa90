"""Staging: which exposures have become much riskier, and what allowance each of them needs."""

from typing import Annotated

from annotated_types import Ge
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import NotNegative
from penstock.lending.outlook import Outlooks, of_reporting_date

IN_DEFAULT = 3


def add_stage(
    losses: DataFrame,
    *,
    outlooks: Outlooks,
    min_pd_ratio: Annotated[float, Ge(1)],
    min_pd_rise: NotNegative,
    significant_days: Annotated[int, Ge(1)],
) -> DataFrame:
    """Add the stage of each exposure and the allowance that belongs to it.

    Grain: one row per `loan_id` and `reporting_date`, in and out.

    Args:
        losses: From `add_credit_loss`.
        outlooks: `overlay` of each reporting date.
        min_pd_ratio: Lifetime PD over that expected at issue from which, together with the rise,
            the risk has increased significantly (2 = doubled).
        min_pd_rise: Lifetime PD less that expected at issue from which it has (0.005 = 50 bp).
        significant_days: Days past due from which it has in any case.

    Returns:
        `losses` and `stage` (INT: 3 = in default, 2 = significantly riskier than at issue, else 1),
        `overlay_usd` (added by judgement) and `allowance_usd` (with it; of twelve months in stage
        1, else of the life), both DECIMAL(14,2).

    Source:
        IFRS 9, 5.5.3, 5.5.5 and 5.5.9, over the same remaining life: B5.5.13; 30 days past due:
        5.5.11. How much is significant, the standard leaves to the lender.
    """
    expected, lifetime = F.col("expected_lifetime_pd"), F.col("scenario_lifetime_pd")
    has_multiplied = lifetime >= expected * min_pd_ratio
    has_risen = lifetime - expected >= min_pd_rise
    is_late = F.col("days_past_due") >= significant_days
    is_riskier = (has_multiplied & has_risen) | is_late
    stage = F.when(F.col("is_default"), IN_DEFAULT).when(is_riskier, 2).otherwise(1)
    modelled = F.when(F.col("stage") == 1, F.col("ecl_12m_usd")).otherwise(
        F.col("ecl_lifetime_usd")
    )
    overlay = modelled.cast("double") * of_reporting_date(outlooks, "overlay")
    added = F.when(F.col("stage") == IN_DEFAULT, 0.0).otherwise(overlay)
    return losses.withColumn("stage", stage).withColumns(
        {
            "overlay_usd": added.cast("decimal(14,2)"),
            "allowance_usd": (modelled + added.cast("decimal(14,2)")).cast("decimal(14,2)"),
        }
    )
