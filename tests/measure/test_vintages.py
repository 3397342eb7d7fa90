import datetime as dt

import numpy as np
import pytest

from penstock.catalyst.internals import count_jobs
from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.measure.figures import vintage_curve_figure
from penstock.measure.vintages import (
    VintageCounts,
    count_vintages,
    cumulative_bad_rate,
    curve_evidence,
    vintages_by_year,
)

COLUMNS = "vintage STRING, bad_month INT, months INT"
BY = {"vintage": "vintage", "bad_month": "bad_month", "months_watched": "months"}


def test_bads_are_counted_by_month_up_to_the_youngest_loans_age(spark):
    rows = [
        ("2015", 2, 5),
        ("2015", 2, 4),
        ("2015", 5, 5),  # bad after the youngest loan's month 4
        ("2015", None, 6),
        ("2016", None, 1),
        (None, 0, 3),
    ]
    table = spark.createDataFrame(rows, COLUMNS)
    before = count_jobs(spark)
    found = count_vintages(table, **BY)
    # Adaptive execution runs the two stages of one aggregation as two jobs.
    assert 1 <= count_jobs(spark) - before <= 2
    assert {name: (c.loans, c.bads, c.new_bads.tolist()) for name, c in found.items()} == {
        "2015": (4, 3, [0, 0, 2, 0, 0]),
        "2016": (1, 0, [0, 0]),
        "unknown": (1, 1, [1, 0, 0, 0]),
    }


def test_spark_counts_the_curve_that_loans_have_one_by_one(spark):
    random = np.random.default_rng(16)
    watched = random.integers(10, 30, 400)
    month = random.geometric(0.04, 400)
    bad = [int(m) if m <= w else None for m, w in zip(month, watched, strict=True)]
    rows = [("v", m, int(w)) for m, w in zip(bad, watched, strict=True)]
    [counts] = count_vintages(spark.createDataFrame(rows, COLUMNS), **BY).values()
    expected = [np.mean([m is not None and m <= t for m in bad]) for t in range(watched.min() + 1)]
    np.testing.assert_allclose(cumulative_bad_rate(counts), expected, atol=1e-12)


def test_impossible_months_are_counted_in_the_error(spark):
    rows = [("a", 7, 6), ("a", -1, 6), ("a", 1, None), ("a", 6, 6)]
    with pytest.raises(DataError) as error:
        count_vintages(spark.createDataFrame(rows, COLUMNS), **BY)
    assert str(error.value) == (
        "Cannot draw vintage curves: 1 loans with months null; 2 loans with bad_month below 0 or "
        "above months. Mend those loans first."
    )


def test_no_loans_have_no_vintages(spark):
    assert count_vintages(spark.createDataFrame([], COLUMNS), **BY) == {}


def test_the_figure_has_a_line_for_each_vintage_from_month_zero():
    curve = cumulative_bad_rate(VintageCounts(loans=10, bads=3, new_bads=np.array([0, 1, 0, 2])))
    [line] = vintage_curve_figure({"2015": curve}).series
    assert (line.name, line.x, line.y) == ("2015", (0, 1, 2, 3), (0, 0.1, 0.1, pytest.approx(0.3)))


def test_curves_by_year_count_whole_months_and_end_where_the_youngest_loan_does(spark):
    day = dt.date
    rows = [
        (day(2019, 1, 1), day(2019, 6, 30)),  # a day short of six months
        (day(2019, 1, 1), day(2019, 7, 1)),
        (day(2019, 12, 31), None),
        (day(2020, 2, 29), day(2020, 2, 29)),
        (None, day(2020, 1, 1)),
    ]
    loans = spark.createDataFrame(rows, "opened DATE, lost DATE")
    found = vintages_by_year(loans, date="opened", bad_date="lost", as_of=day(2020, 12, 31))
    assert {name: (c.loans, c.bads, len(c.new_bads) - 1) for name, c in found.items()} == {
        "2019": (3, 2, 12),
        "2020": (1, 1, 10),
    }
    assert np.flatnonzero(found["2019"].new_bads).tolist() == [5, 6]
    evidence = curve_evidence(found)
    third = pytest.approx(1 / 3)
    assert evidence.tables["vintage_curves"].rows == (
        ("2019", 3, 2, 12, pytest.approx(2 / 3), pytest.approx(2 / 3), None, None, None, None),
        ("2020", 1, 1, 10, 1.0, None, None, None, None, None),
    )
    assert evidence.figures["vintage_curves"].series[0].y[5] == third
    assert curve_evidence({}) == Evidence({})


def test_the_figure_has_the_last_vintages_if_there_are_too_many_to_tell_apart():
    curves = {str(year): np.zeros(3) for year in range(2000, 2010)}
    assert [line.name for line in vintage_curve_figure(curves).series] == [
        str(year) for year in range(2004, 2010)
    ]
