"""The split of observations, out of time or by group."""

import datetime as dt

import pytest

from penstock.errors import ConfigError
from penstock.learn.observation_split import split_observations
from tests.learn.described import COLUMNS, ROWS, described

BY_DATE = {
    "by": "date",
    "date": "day",
    "calibration_from": dt.date(2024, 1, 1),
    "test_from": dt.date(2024, 2, 1),
    "test_until": dt.date(2024, 2, 29),
    "test_share": 0.0,
    "calibration_share": 0.0,
    "folds": 2,
    "seed": 0,
    "reweigh_by": [],
    "protected": [],
}
BY_GROUP = BY_DATE | {"by": "group", "test_share": 0.3, "calibration_share": 0.2, "seed": 1}


def split(observations, **parameters):
    # Protected attributes are not even looked at where nothing is reweighed.
    return split_observations(observations, None, **parameters)


@pytest.fixture(scope="module")
def table(spark):
    return spark.createDataFrame(ROWS, COLUMNS)


def test_the_latest_rows_judge_out_of_time(table):
    train, test = split(described(table), **BY_DATE)
    assert {row.row_id: row["sample"] for row in train.collect()} == {
        "1": "development",
        "2": "calibration",
    }
    assert test.collect() == []  # 3 has no outcome, 4 is too late
    later = BY_DATE | {"test_until": dt.date(2024, 3, 1)}
    _, test = split(described(table), **later)
    assert [row.row_id for row in test.collect()] == ["4"]


def test_each_row_to_fit_on_has_a_fold_by_date_or_by_group(spark):
    days = "date_add(DATE'2023-01-01', int(id DIV 10))"  # ten rows a day, for forty days
    table = spark.range(400).selectExpr(
        "string(id) AS id", "if(id % 3 = 0, 'lost', 'paid') AS status", f"string({days}) AS day",
        "double(id) AS amount", "'car' AS purpose", "string(id % 50) AS branch",
    )  # fmt: skip
    read = described(table, group=["branch"])
    ends = {"calibration_from": dt.date(2023, 1, 31), "test_from": dt.date(2023, 2, 5)}
    train, test = split(read, **BY_DATE | ends | {"folds": 3})
    assert train.columns[-2:] == ["sample", "fold"] and "fold" not in test.columns
    rows = train.collect()
    # Calibration rows are one more fold, later than all others.
    assert {row.fold for row in rows if row["sample"] == "calibration"} == {3}
    folds = {row.observed_on: row.fold for row in rows if row["sample"] == "development"}
    assert [folds[day] for day in sorted(folds)] == [0] * 10 + [1] * 10 + [2] * 10
    assert train.count() + test.count() == 400

    train, _ = split(read, **BY_GROUP | {"folds": 3})
    drawn = {(row["group"], row["sample"], row.fold) for row in train.collect()}
    assert len(drawn) == len({group for group, _, _ in drawn})
    assert {(sample, fold) for _, sample, fold in drawn} == {
        (sample, fold) for sample in ("development", "calibration") for fold in range(3)
    }


def test_groups_stay_together_and_a_new_row_moves_no_other(spark):
    table = spark.range(4000).selectExpr(
        "string(id) AS id", "if(id % 3 = 0, 'lost', 'paid') AS status", "string(id % 500) branch",
        "double(id) AS amount", "'car' AS purpose",
    )  # fmt: skip
    read = described(table, date="", group=["branch"])
    train, test = split(read, **BY_GROUP)
    of = {row["group"]: "test" for row in test.collect()}
    for row in train.collect():
        assert of.setdefault(row["group"], row["sample"]) == row["sample"]
    assert train.count() + test.count() == 4000
    shares = {name: list(of.values()).count(name) / 500 for name in set(of.values())}
    # Three standard deviations of a share of 500 groups.
    assert abs(shares["test"] - 0.3) < 0.062 and abs(shares["calibration"] - 0.2) < 0.054
    half = described(table.where("id < 2000"), date="", group=["branch"])
    _, test_of_half = split(half, **BY_GROUP)
    assert {row["group"] for row in test_of_half.collect()} <= {
        g for g, s in of.items() if s == "test"
    }
    _, other = split(read, **BY_GROUP | {"seed": 2})
    assert {row.row_id for row in other.collect()} != {row.row_id for row in test.collect()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "Parameter 'folds' is 1"),
        ({"by": "time"}, "Parameter 'by' is 'time'; it must be 'date' or 'group'"),
        (
            {"test_from": None},
            "calibration_from < test_from <= test_until must hold, not 2024-01-01, None",
        ),
        (
            {"date": ""},
            r"rows need days: name the column .*\(read_observations.date\), or split by",
        ),
        ({"calibration_from": dt.date(2024, 2, 1)}, "a sample would be empty"),
        ({"by": "group", "test_share": 0.5, "calibration_share": 0.5}, "below 1 together"),
        ({"by": "group"}, "test_share 0.0 and calibration_share 0.0 must both be above 0"),
    ],
)
def test_a_split_that_leaves_a_sample_empty_is_refused(table, changes, message):
    with pytest.raises(ConfigError, match=message):
        split(described(table), **BY_DATE | changes)
