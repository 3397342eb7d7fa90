"""Scores: the table handed to whoever decides on the applications."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Positive
from penstock.learn.scorecard.points import PointScale
from penstock.lending.points import points_of_pd


def present_scores(
    scored: DataFrame,
    *,
    as_of: datetime.date,
    pdo: Positive,
    base_points: float,
    base_odds: Positive,
) -> DataFrame:
    """Select the columns of a released score.

    Grain: one row per `application_id`, in and out; per `application_id` and `as_of_date` in the
    table they are written to.

    Args:
        scored: Needs `application_id`, `pd` (probability of default over the term, 0-1) and
            `model_version`.
        as_of: Day the scores stand for.
        pdo: Points that double the odds.
        base_points: Points at the base odds.
        base_odds: Goods per bad.

    Returns:
        The columns of `checks.SCORE_COLUMNS`.
    """
    return scored.select(
        "application_id",
        F.lit(as_of).alias("as_of_date"),
        "pd",
        points_of_pd(PointScale(pdo, base_points, base_odds)).alias("points"),
        "model_version",
    )
