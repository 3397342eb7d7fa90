"""Scores: the table handed to whoever decides on the applications."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def present_scores(scored: DataFrame, *, as_of: datetime.date) -> DataFrame:
    """Select the columns of a released score.

    Grain: one row per `application_id`, in and out; per `application_id` and `as_of_date` in the
    table they are written to.

    Args:
        scored: Needs `application_id`, `pd` (probability of default over the term, 0-1) and
            `model_version`.
        as_of: Day the scores stand for.

    Returns:
        The columns of `checks.SCORE_COLUMNS`.
    """
    return scored.select(
        "application_id",
        F.lit(as_of).alias("as_of_date"),
        "pd",
        "model_version",
    )
