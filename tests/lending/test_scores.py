"""A released score has five columns, whatever the model left beside it."""

import datetime

from pyspark.sql.types import StructType

from penstock.lending.checks import SCORE_COLUMNS
from penstock.lending.scores import present_scores


def test_a_score_has_its_application_day_probability_points_and_model_and_nothing_else(spark):
    scored = spark.createDataFrame(
        [("7", 0.125, "3", 700)],
        "application_id STRING, pd DOUBLE, model_version STRING, fico INT",
    )
    scale = {"pdo": 20.0, "base_points": 600.0, "base_odds": 50.0}
    scores = present_scores(scored, as_of=datetime.date(2011, 10, 1), **scale)
    assert [tuple(score) for score in scores.collect()] == [
        ("7", datetime.date(2011, 10, 1), 0.125, 543, "3")
    ]
    assert [(field.name, field.dataType) for field in scores.schema] == [
        (field.name, field.dataType) for field in StructType.fromDDL(SCORE_COLUMNS)
    ]
