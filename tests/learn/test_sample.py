import pytest

from penstock.errors import DataError
from penstock.learn.sample import check_sample

COLUMNS = "sample STRING, is_bad INT, income DOUBLE, purpose STRING"
NAMES = {"sample": "sample", "label": "is_bad", "numeric": ["income"], "categorical": ["purpose"]}
GOOD_ROWS = [
    ("development", 0, 1.0, "car"),
    ("development", 1, None, None),
    ("calibration", 0, 2.0, "car"),
    ("calibration", 1, 3.0, None),
]


def test_a_sound_sample_tells_the_rows_of_its_parts(spark):
    rows = [*GOOD_ROWS, ("development", 0, 1.0, "car"), ("out_of_time", None, float("inf"), None)]
    found = check_sample(spark.createDataFrame(rows, COLUMNS), **NAMES)
    assert found == {"development": 3, "calibration": 2}


def test_a_part_without_rows_is_refused(spark):
    with pytest.raises(DataError, match="no row has sample = 'calibration'"):
        check_sample(spark.createDataFrame(GOOD_ROWS[:2], COLUMNS), **NAMES)
    with pytest.raises(DataError, match="'development'; no row has sample = 'calibration'"):
        check_sample(spark.createDataFrame([], COLUMNS), **NAMES)


def test_all_faults_are_told_at_once(spark):
    rows = [
        ("development", 0, float("nan"), " "),
        ("development", 0, None, None),
        ("calibration", None, float("-inf"), "car"),
        ("calibration", 1, 2.0, "car"),
        ("calibration", 7, 2.0, "car"),
    ]
    with pytest.raises(DataError) as error:
        check_sample(spark.createDataFrame(rows, COLUMNS), **NAMES)
    assert str(error.value) == (
        "Cannot fit on this sample: "
        "no development row has is_bad = 1, and both classes are needed; "
        "1 calibration rows have no is_bad; "
        "1 calibration rows have is_bad neither 0 nor 1; "
        "no calibration row has is_bad = 0, and both classes are needed; "
        "1 calibration rows have an infinite income; "
        "feature 'income' has no value in any development row; "
        "feature 'purpose' has no value in any development row."
    )
