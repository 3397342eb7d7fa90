"""Rejected applications beside the loans that teach a model."""

import datetime as dt

import pytest
from pyspark.sql import functions as F

from penstock.lending.rejects import add_rejects, no_rejects

DAYS = {"train_until": dt.date(2018, 12, 31), "calibration_until": dt.date(2019, 6, 30)}


@pytest.fixture(scope="module")
def accepted(spark):
    return spark.createDataFrame(
        [("1", dt.date(2018, 1, 1), dt.date(2018, 1, 1), 0, 700, "development")],
        "loan_id STRING, application_date DATE, issue_date DATE, is_bad INT, fico INT, "
        "sample STRING",
    )


@pytest.fixture(scope="module")
def rejects(spark):
    days = {"a": "2018-12-31", "b": "2019-01-01", "c": "2019-06-30", "d": "2019-07-01", "e": None}
    return spark.createDataFrame(
        [(key, day and dt.date.fromisoformat(day), 600) for key, day in days.items()],
        "application_id STRING, application_date DATE, fico INT",
    )


def test_rejects_join_the_part_of_the_sample_that_their_day_is_in(accepted, rejects):
    made = add_rejects(accepted, rejects, reject_inference="fuzzy", **DAYS)
    assert made.schema == accepted.schema
    rows = {
        row.loan_id: (row.is_bad, row.issue_date, row.fico, row.sample) for row in made.collect()
    }
    assert rows.pop("1") == (0, dt.date(2018, 1, 1), 700, "development")
    # Whoever applied later, or nobody knows when, could not have taught the model.
    assert rows == {
        "rejected a": (None, None, 600, "rejected development"),
        "rejected b": (None, None, 600, "rejected calibration"),
        "rejected c": (None, None, 600, "rejected calibration"),
    }


def test_by_none_they_stay_out_and_no_file_is_no_row(accepted, rejects):
    assert add_rejects(accepted, rejects, reject_inference="none", **DAYS).collect() == (
        accepted.collect()
    )
    raw = rejects.select(F.col("application_id").alias("id"), "fico")
    assert no_rejects(raw).columns == raw.columns and no_rejects(raw).isEmpty()
