"""Exposure at default of credit lines: of the book of a day, and of lines that have defaulted."""

import datetime
from typing import Annotated

from annotated_types import MinLen
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.lending.lines.checks import BALANCE, CCF, EAD_FACTOR
from penstock.lending.lines.undrawn import UndrawnShare, drawable, is_near_limit, undrawn

ReportingDates = Annotated[list[datetime.date], MinLen(1)]


def list_open_lines(line_features: DataFrame, *, reporting_dates: ReportingDates) -> DataFrame:
    """List the lines that are open on each reporting date, with what was known then.

    Grain: one row per `line_id` and `reporting_date`.

    Args:
        line_features: From `add_line_features`.
        reporting_dates: Last days of months.

    Returns:
        `line_features` of these months, `month` being `reporting_date`.

    Raises:
        ConfigError: A date is no last day of a month.
    """
    for day in reporting_dates:
        if (day + datetime.timedelta(days=1)).month == day.month:
            raise ConfigError(
                f"There is no book of credit lines of {day}: balances are those of the ends of "
                "months. Give the last day of a month in params.list_open_lines.reporting_dates."
            )
    asked = line_features.where(F.col("month").isin(*reporting_dates))
    return asked.withColumnRenamed("month", "reporting_date")


def add_exposure(
    lines: DataFrame, drawn_train: DataFrame, *, min_undrawn_share: UndrawnShare
) -> DataFrame:
    """Add what each line would owe at a default.

    Grain: one row per row of `lines`, in and out.

    A line that has room owes its balance and the CCF's share of what is undrawn. Of one near its
    limit, or beyond, that share says nothing: it owes the EAD factor times its limit, or times its
    balance where that is greater, and no less than its balance. The factor is that of past defaults
    from near their limit; where there is none, it is 1.

    Args:
        lines: Needs `limit_usd`, `balance_usd` and `ccf` (0-1).
        drawn_train: From `split_line_defaults`.
        min_undrawn_share: As `list_line_defaults`.

    Returns:
        `lines`, `undrawn_usd`, `expected_by` ("CCF" or "EAD factor") and `expected_ead_usd`
        (DECIMAL(14,2); null where CCF is).

    Source:
        EAD = E + CCF (L - E), and EAD as a share of the limit where that fails: Moral (2006), as in
        `list_line_defaults`. No less than is drawn: Basel Committee, International Convergence of
        Capital Measurement (2006), par. 474.
    """
    owed_of_limits = F.sum("ead_usd").cast("double") / F.sum(drawable()).cast("double")
    factor = drawn_train.agg(F.coalesce(owed_of_limits, F.lit(1.0)).alias("ead_factor"))
    by = F.when(is_near_limit(min_undrawn_share), EAD_FACTOR).otherwise(CCF)
    told = lines.crossJoin(F.broadcast(factor)).withColumns(
        {"undrawn_usd": undrawn(), "expected_by": by}
    )
    ead = F.when(F.col("expected_by") == CCF, _by_ccf()).otherwise(_by_factor())
    return told.withColumn("expected_ead_usd", ead.cast("decimal(14,2)")).drop("ead_factor")


def present_exposures(exposed: DataFrame) -> DataFrame:
    """Select the columns of released exposures, with the loss expected of each.

    Grain: one row per `line_id` and `reporting_date`, in and out.

    Args:
        exposed: Open lines from `add_exposure`, with `model_version`.

    Returns:
        The columns of `checks.LINE_EXPOSURE_COLUMNS`. A line in default owes its balance, and its
        PD is 1.
    """
    is_default = F.col("is_default")
    ead = F.when(is_default, F.col("balance_usd")).otherwise(F.col("expected_ead_usd"))
    pd = F.when(is_default, 1.0).otherwise(F.col("pd_12m"))
    by = F.when(is_default, BALANCE).otherwise(F.col("expected_by"))
    loss = pd * F.col("lgd") * F.col("ead_usd").cast("double")
    told = exposed.withColumn("ead_usd", ead.cast("decimal(14,2)"))
    return told.select(
        "line_id",
        "reporting_date",
        "opened_on",
        "limit_usd",
        "balance_usd",
        "days_past_due",
        "is_default",
        "pd_12m",
        "lgd",
        "undrawn_usd",
        "ccf",
        by.alias("basis"),
        "ead_usd",
        loss.cast("decimal(14,2)").alias("expected_loss_usd"),
        "model_version",
    )


def _by_ccf() -> Column:
    return F.col("balance_usd") + F.col("ccf") * F.col("undrawn_usd").cast("double")


def _by_factor() -> Column:
    balance = F.col("balance_usd").cast("double")
    return F.greatest(balance, F.col("ead_factor") * drawable().cast("double"))
