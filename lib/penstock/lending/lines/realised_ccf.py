"""Realised CCF: what share of the undrawn amount of a line was drawn by its default."""

from typing import Annotated, Literal

from annotated_types import Interval
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.lending.lines.checks import (
    ALREADY_DEFAULT,
    CCF,
    EAD_FACTOR,
    NO_LIMIT,
    NO_REFERENCE,
)
from penstock.lending.lines.undrawn import UndrawnShare, drawable, is_near_limit, undrawn

HORIZON_MONTHS = 12
Reference = Literal["fixed_horizon", "cohort"]
CohortMonth = Annotated[int, Interval(ge=1, le=12)]
FEATURES = (
    "utilisation",
    "log_limit",
    "months_on_book",
    "utilisation_change_6m",
    "greatest_utilisation_12m",
    "worst_days_past_due_6m",
    "has_limit_cut_12m",
)


def list_line_defaults(
    line_features: DataFrame,
    *,
    reference: Reference,
    cohort_month: CohortMonth,
    min_undrawn_share: UndrawnShare,
) -> DataFrame:
    """List the defaults of credit lines, each with what the line looked like before it.

    Grain: one row per `line_id` and month in which a default began. A default that the first row of
    a line is in began before it, and is none here; a line that was healed may default again.

    Args:
        line_features: From `add_line_features`, one row per `line_id` and `month`.
        reference: Month that a default is looked at from. "fixed_horizon": the one twelve months
            before it. "cohort": the last `cohort_month` before it, one to twelve months ago.
        cohort_month: Month of the year whose end cohorts start from, 1-12.
        min_undrawn_share: Where less of the limit than this is undrawn, a share of it says nothing.

    Returns:
        The columns of `checks.LINE_DEFAULT_COLUMNS`; limit, balance, undrawn amount and features as
        of the reference. `basis` is "CCF" where `realised_ccf` is known, "EAD factor" where the
        line was near its limit or beyond, else the reason: "no reference" (the line has no row in
        that month), "in default then", "no limit then" (nor a balance). What was paid back is a CCF
        below 0, what was charged or allowed beyond the limit one above 1: `realised_ccf` is 0 or 1.

    Source:
        (E(td) - E(tr)) / (L(tr) - E(tr)): Moral, EAD Estimates for Facilities with Explicit Limits,
        in Engelmann and Rauhmeier (eds.), The Basel II Risk Parameters (2006), with fixed horizon
        and cohorts. Twelve months, and 0 for a CCF below it: Regulation (EU) 575/2013 as amended by
        2024/1623, Art. 182(1).
    """
    in_order = Window.partitionBy("line_id").orderBy("month")
    has_begun = F.col("is_default") & ~F.lag("is_default").over(in_order)
    asked = F.add_months("month", -_months_back(reference, cohort_month))
    begun = line_features.select(
        "line_id",
        F.col("month").alias("default_month"),
        F.last_day(asked).alias("reference_month"),
        F.col("balance_usd").alias("ead_usd"),
        has_begun.alias("has_begun"),
    ).where("has_begun")
    before = line_features.select(
        "line_id",
        F.col("month").alias("reference_month"),
        F.col("is_default").alias("was_default"),
        "limit_usd",
        "balance_usd",
        *FEATURES,
    )
    seen = begun.join(before, ["line_id", "reference_month"], how="left")
    told = seen.withColumns({"undrawn_usd": undrawn(), "basis": _basis(min_undrawn_share)})
    drawn = (F.col("ead_usd") - F.col("balance_usd")).cast("double")
    share = F.when(F.col("basis") == CCF, drawn / F.col("undrawn_usd").cast("double"))
    measured = told.withColumn("unclipped_ccf", share)
    return measured.select(
        "line_id",
        "default_month",
        "reference_month",
        "basis",
        "limit_usd",
        "balance_usd",
        "undrawn_usd",
        "ead_usd",
        "unclipped_ccf",
        # Not least() and greatest(): these skip nulls.
        F.when(F.col("unclipped_ccf") < 0, 0.0)
        .when(F.col("unclipped_ccf") > 1, 1.0)
        .otherwise(F.col("unclipped_ccf"))
        .alias("realised_ccf"),
        *FEATURES,
    )


def _months_back(reference: str, cohort_month: int) -> Column:
    if reference == "fixed_horizon":
        return F.lit(HORIZON_MONTHS)
    return F.pmod(F.month("month") - cohort_month - 1, F.lit(HORIZON_MONTHS)) + 1


def _basis(min_undrawn_share: float) -> Column:
    return (
        F.when(F.col("was_default").isNull(), NO_REFERENCE)
        .when(F.col("was_default"), ALREADY_DEFAULT)
        .when(drawable() <= 0, NO_LIMIT)
        .when(is_near_limit(min_undrawn_share), EAD_FACTOR)
        .otherwise(CCF)
    )
