"""Default timing: in which month of their term loans stop paying, and when others are paid back."""

from typing import Annotated

from annotated_types import Interval
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.lending.instalments import instalments_paid

Segments = Annotated[int, Interval(ge=1, le=36)]


def estimate_default_timing(labelled: DataFrame, *, segments: Segments) -> DataFrame:
    """Estimate the months of default and of payoff, of loans that have had their whole term.

    Grain: one row per `term_months` and `month` (1 to the term).

    A loan defaults in the month of the first instalment that it never pays. The months of a term
    are cut into `segments` of about equal length, in each of which defaults are spread evenly; half
    a default is added to each, so that no month is impossible.

    Args:
        labelled: Needs `issue_date`, `term_months`, `last_payment_date` and `is_bad`.
        segments: How many.

    Returns:
        `defaults` and `payoffs` (BIGINT, loans in this month), `monthly_share` (of a term's
        defaults, that come in this month), `default_share` (that have come by the end of it) and
        `open_share` (of the loans that are paid back, those that are not yet; never 0), all 0-1.
    """
    is_bad = F.col("is_bad") == 1
    month = F.when(is_bad, instalments_paid() + 1).otherwise(instalments_paid())
    stopped = labelled.withColumn(
        "month", F.greatest(F.lit(1), F.least(month, F.col("term_months")))
    )
    counted = stopped.groupBy("term_months", "month").agg(
        F.count_if(is_bad).alias("defaults"), F.count_if(~is_bad).alias("payoffs")
    )
    months = (
        labelled.select("term_months")
        .distinct()
        .withColumn("month", F.explode(F.sequence(F.lit(1), F.col("term_months"))))
    )
    by_month = months.join(counted, ["term_months", "month"], how="left")
    filled = by_month.select(
        "term_months",
        "month",
        *[F.coalesce(name, F.lit(0)).alias(name) for name in ("defaults", "payoffs")],
        _segment_of(F.col("month"), F.col("term_months"), segments).alias("segment"),
    )
    of_term = Window.partitionBy("term_months")
    of_segment = Window.partitionBy("term_months", "segment")
    so_far = of_term.orderBy("month").rowsBetween(Window.unboundedPreceding, 0)
    later = of_term.orderBy("month").rowsBetween(1, Window.unboundedFollowing)
    n_segments = F.least(F.lit(segments), F.col("term_months"))
    in_all = F.sum("defaults").over(of_term) + 0.5 * n_segments
    share = (F.sum("defaults").over(of_segment) + 0.5) / F.count("*").over(of_segment) / in_all
    still_open = F.coalesce(F.sum("payoffs").over(later), F.lit(0)) + 1
    return filled.withColumn("monthly_share", share).select(
        "term_months",
        "month",
        "defaults",
        "payoffs",
        "monthly_share",
        F.sum("monthly_share").over(so_far).alias("default_share"),
        (still_open / (F.sum("payoffs").over(of_term) + 1)).alias("open_share"),
    )


def _segment_of(month: Column, term: Column, segments: int) -> Column:
    """Return the segment of a month (0 = first)."""
    return F.floor((month - 1) * F.least(F.lit(segments), term) / term)


def last_month(segment: int, term: Column, segments: int) -> Column:
    """Return the last month of a segment; the term, of a segment that a short term lacks."""
    ended = F.ceil(F.lit(segment + 1) * term / F.least(F.lit(segments), term))
    return F.least(ended, term).cast("int")
