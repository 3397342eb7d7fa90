import datetime as dt
from collections import Counter

import pytest
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.learn.folds import check_folds, fold_by_group, folds_by_date

DAY = dt.date(2024, 1, 1)


def days_of(counts):
    """Return a row for each observation of days that have so many of them."""
    return [(DAY + dt.timedelta(days=n),) for n, count in enumerate(counts) for _ in range(count)]


def folds_of(spark, counts, folds):
    table = spark.createDataFrame([*days_of(counts), (None,)], "observed_on DATE")
    found = folds_by_date(table, date="observed_on", folds=folds).collect()
    by_day = {row.observed_on: row.fold for row in found}
    assert len(by_day) == len(found)
    return [by_day[DAY + dt.timedelta(days=n)] for n in range(len(counts))]


def test_folds_by_date_follow_each_other_and_tear_no_day(spark):
    assert folds_of(spark, [10] * 6, 3) == [0, 0, 1, 1, 2, 2]
    # The middle of each day's rows decides: of 20 rows, those at 2, 9 and 17 of 20.
    assert folds_of(spark, [4, 10, 6], 2) == [0, 0, 1]
    assert folds_of(spark, [1, 98, 1], 4) == [0, 2, 3]
    assert folds_of(spark, [5], 3) == [1]


def test_folds_by_group_keep_groups_together_are_alike_in_size_and_move_with_no_row(spark):
    table = spark.range(6000).select("id", (F.col("id") % 1500).cast("string").alias("group"))
    fold = fold_by_group("group", folds=4, seed=7)
    found = {
        row.id: (row["group"], row.fold) for row in table.select("*", fold.alias("fold")).collect()
    }
    of_group = dict(found.values())
    assert all(of_group[group] == fold for group, fold in found.values())
    sizes = Counter(of_group.values())
    # Four standard deviations of a fourth of 1,500 groups.
    assert set(sizes) == {0, 1, 2, 3} and all(abs(n - 375) < 68 for n in sizes.values())
    some = table.where("id % 7 = 0").select("*", fold.alias("fold")).collect()
    assert all(found[row.id][1] == row.fold for row in some)
    other = table.select("id", fold_by_group("group", folds=4, seed=8).alias("fold")).collect()
    assert sum(found[row.id][1] == row.fold for row in other) < 0.35 * 6000


def test_less_than_two_folds_are_refused():
    with pytest.raises(ConfigError, match="Parameter 'folds' is 1; it must be 2 or more"):
        check_folds(1)
