"""Each loan is in one sample, by its issue date alone."""

import datetime

import pytest

from penstock.errors import ConfigError
from penstock.lending.samples import select_calibration, split_by_issue_date, split_defaults

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
    last = select_calibration(train)
    assert [loan.loan_id for loan in last.collect()] == ["2010-10-01", "2010-12-31"]
    assert test.columns == last.columns == features.columns


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


def test_defaults_are_fitted_on_up_to_a_day_and_judged_later(spark):
    days = [datetime.date(2017, 12, 31), datetime.date(2018, 1, 1), datetime.date(2020, 7, 1), None]
    rows = [(str(day), day) for day in days]
    features = spark.createDataFrame(rows, "loan_id STRING, issue_date DATE")
    dates = {
        "train_until": datetime.date(2017, 12, 31),
        "test_from": datetime.date(2018, 1, 1),
        "test_until": datetime.date(2020, 6, 30),
    }
    train, test = split_defaults(features, **dates)
    assert [loan.loan_id for loan in train.collect()] == ["2017-12-31"]
    assert [loan.loan_id for loan in test.collect()] == ["2018-01-01"]
    with pytest.raises(ConfigError, match="test_from=2017-12-31.*section split_defaults"):
        split_defaults(features, **dates | {"test_from": datetime.date(2017, 12, 31)})
