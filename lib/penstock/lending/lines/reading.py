"""Reading: lines by month as a file has them, all texts, become typed columns."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.lending.parsing import date, money, number, text, whole_number


def read_line_months(raw_line_months: DataFrame) -> DataFrame:
    """Read the months of credit lines into typed columns.

    Grain: one row per raw row, in and out. What the rules for it are is in `checks.py`.

    Args:
        raw_line_months: All columns STRING, those of `checks.RAW_LINE_FIELDS`: `month` any day of
            the month whose end the row shows ("2024-12-31"), `is_default` "true" or "false", "1" or
            "0", rates as fractions.

    Returns:
        The columns of `checks.LINE_MONTH_COLUMNS`, null where missing or unreadable: `month` is the
        last day of its month; a credit balance, below 0, is one of 0. And `raw_pd_12m` and
        `raw_lgd`, the texts they are read from, for these may be missing.
    """
    balance = money(text("balance_usd"), 12)
    owed = F.when(balance < 0, F.lit(0)).otherwise(balance).cast("decimal(12,2)")
    rates = ("pd_12m", "lgd")
    return raw_line_months.select(
        text("line_id").alias("line_id"),
        F.last_day(date(text("month"))).alias("month"),
        date(text("opened_on")).alias("opened_on"),
        money(text("limit_usd"), 12).alias("limit_usd"),
        owed.alias("balance_usd"),
        whole_number(text("days_past_due")).alias("days_past_due"),
        text("is_default").try_cast("boolean").alias("is_default"),
        *(number(text(name)).cast("double").alias(name) for name in rates),
        *(text(name).alias(f"raw_{name}") for name in rates),
    )
