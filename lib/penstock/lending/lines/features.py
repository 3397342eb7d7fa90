"""Features of a credit line at the end of a month, by what was known then.

One function for lines that have defaulted since and for those of the book.
"""

from typing import Annotated

from annotated_types import Ge
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from penstock.lending.features import capped

UtilisationCap = Annotated[float, Ge(1)]
HALF_YEAR, YEAR = 6, 12
_NUMBER = "_month_number"


def add_line_features(line_months: DataFrame, *, utilisation_cap: UtilisationCap) -> DataFrame:
    """Add the features of each line at the end of each month.

    Grain: one row per `line_id` and `month`, in and out. Nothing of a later month has a part. A
    month without a row is unknown: "six months ago" is that month, not the sixth row before.

    Args:
        line_months: Columns of `checks.LINE_MONTH_COLUMNS`.
        utilisation_cap: Largest utilisation to tell apart, as a fraction: a limit that was cut to
            next to nothing would otherwise outweigh every other line.

    Returns:
        `line_months` and the columns of `checks.LINE_FEATURE_COLUMNS`.
    """
    owed = F.col("balance_usd").cast("double")
    used = F.try_divide(owed, F.col("limit_usd").cast("double"))
    numbered = line_months.withColumns(
        {
            _NUMBER: F.year("month") * YEAR + F.month("month"),
            "utilisation": capped(used, utilisation_cap),
        }
    )
    months = F.floor(F.months_between("month", "opened_on")).cast("int")
    half_year_ago = F.max("utilisation").over(_months(-HALF_YEAR, -HALF_YEAR))
    greatest_limit = F.max("limit_usd").over(_months(-YEAR, 0))
    features: dict[str, Column] = {
        "utilisation": F.col("utilisation"),
        "log_limit": F.log1p(F.col("limit_usd").cast("double")),
        "months_on_book": months,
        "utilisation_change_6m": F.col("utilisation") - half_year_ago,
        "greatest_utilisation_12m": F.max("utilisation").over(_months(1 - YEAR, 0)),
        "worst_days_past_due_6m": F.max("days_past_due").over(_months(1 - HALF_YEAR, 0)),
        "has_limit_cut_12m": F.col("limit_usd") < greatest_limit,
    }
    named = [column.alias(name) for name, column in features.items()]
    return numbered.select(*line_months.columns, *named)


def _months(first: int, last: int) -> WindowSpec:
    return Window.partitionBy("line_id").orderBy(_NUMBER).rangeBetween(first, last)
