import numpy as np
import pytest
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.learn.margin import added_up, count_by_margin

COLUMNS = "margin DOUBLE, is_bad INT"


def count(table):
    return count_by_margin(table, margin=F.col("margin"), label=F.col("is_bad"))


def test_loans_are_counted_by_margin_to_a_ten_thousandth(spark):
    rows = [(0.5, 1), (-1.0, 0), (0.50004, 0), (0.5001, 1)]
    margins, n_good, n_bad = count(spark.createDataFrame(rows, COLUMNS))
    assert margins.tolist() == [-1.0, 0.5, 0.5001]
    assert (n_good.tolist(), n_bad.tolist()) == ([1, 1, 0], [0, 1, 1])


def test_rows_that_cannot_be_counted_are_told_in_the_error(spark):
    with pytest.raises(DataError, match="1 rows with a margin that is null.*; 1 rows with a label"):
        count(spark.createDataFrame([(None, 0), (0.1, 1), (0.2, 2)], COLUMNS))
    with pytest.raises(DataError, match="Cannot fit a scaling on no rows"):
        count(spark.createDataFrame([], COLUMNS))


def test_lots_of_loans_add_up():
    lots = [
        (np.array([-1.0, 0.5]), np.array([3, 0]), np.array([1, 2])),
        (np.array([0.5, 2.0]), np.array([4, 0]), np.array([0, 5])),
    ]
    margins, n_good, n_bad = added_up(lots)
    assert margins.tolist() == [-1.0, 0.5, 2.0]
    assert (n_good.tolist(), n_bad.tolist()) == ([3, 4, 0], [1, 2, 5])
