"""Each loan is in one sample, by its issue date alone."""

import datetime

import pytest

from penstock.errors import ConfigError
from penstock.lending.samples import split_by_issue_date

DATES = {
    "train_until": datetime.date(2010, 9, 30),
    "calibration_until": datetime.date(2010, 12, 31),
    "test_from": datetime.date(2011, 2, 1),
    "test_until": datetime.date(2011, 9, 30),
}


def test_boundaries_belong_to_the_sample_they_end_or_begin(spark):
    issued = ["2007-06-01", "2010-09-30", "2010-10-01", "2010-12-31", "2011-01-31", "2011-02-01"]
    issued += ["2011-09-30", "2011-10-01", None]
    rows = [(day, day and datetime.date.fromisoformat(day)) for day in issued]
    features = spark.createDataFrame(rows, "loan_id STRING, issue_date DATE")
    train, test = split_by_issue_date(features, **DATES)
    assert {loan.loan_id: loan.sample for loan in train.collect()} == {
        "2007-06-01": "development",
        "2010-09-30": "development",
        "2010-10-01": "calibration",
        "2010-12-31": "calibration",
    }
    assert [loan.loan_id for loan in test.collect()] == ["2011-02-01", "2011-09-30"]
    assert test.columns == features.columns


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_until", datetime.date(2010, 12, 31)),
        ("calibration_until", datetime.date(2011, 2, 1)),
        ("test_until", datetime.date(2011, 1, 31)),
    ],
)
def test_samples_that_overlap_or_are_empty_are_refused_by_name_and_value(spark, name, value):
    features = spark.createDataFrame([], "issue_date DATE")
    with pytest.raises(ConfigError, match=f"{name}={value}"):
        split_by_issue_date(features, **(DATES | {name: value}))
