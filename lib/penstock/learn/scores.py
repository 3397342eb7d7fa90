"""Scores: what is handed on of a scored table, to whoever decides."""

from pyspark.sql import DataFrame

from penstock.learn.observations import AS_OF, DATE, ROW_ID

SCORES = (ROW_ID, DATE, AS_OF, "pd", "points", "model_version")


def present_scores(scored: DataFrame) -> DataFrame:
    """Select the columns of a score, without the features it was made of.

    Grain: one row per `row_id`, in and out.

    Args:
        scored: Observations with `pd` and `model_version`, and with `points` if a scorecard made
            them.
    """
    return scored.select(*(name for name in SCORES if name in scored.columns))
