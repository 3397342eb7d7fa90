"""When loans default and when they are paid back, counted by hand."""

import datetime as dt

import pytest

from penstock.lending.default_timing import estimate_default_timing

COLUMNS = "term_months INT, issue_date DATE, last_payment_date DATE, is_bad INT"


def loans(term, **by_month):
    issued = dt.date(2010, 1, 1)
    return [
        (term, issued, dt.date(2010 + paid // 12, paid % 12 + 1, 1) if paid else None, is_bad)
        for is_bad, months in (("bad", by_month["bad"]), ("good", by_month["good"]))
        for paid in months
    ]


def timing(spark, rows, segments):
    labelled = [(*row[:3], int(row[3] == "bad")) for row in rows]
    found = estimate_default_timing(spark.createDataFrame(labelled, COLUMNS), segments=segments)
    return {(row.term_months, row.month): row for row in found.collect()}


def test_months_are_counted_and_defaults_spread_within_segments(spark):
    # Bad loans that paid none, 1 and 3 instalments default in months 1, 2 and 4.
    rows = loans(6, bad=[0, 1, 3], good=[2, 6, 6])
    found = timing(spark, rows, segments=3)
    assert [found[6, m].defaults for m in range(1, 7)] == [1, 1, 0, 1, 0, 0]
    assert [found[6, m].payoffs for m in range(1, 7)] == [0, 1, 0, 0, 0, 2]
    # Segments of two months: (2 + .5), (1 + .5), .5 of 4.5.
    shares = [found[6, m].monthly_share for m in range(1, 7)]
    assert shares == pytest.approx([x / 9 for x in (2.5, 2.5, 1.5, 1.5, 0.5, 0.5)])
    assert found[6, 4].default_share == pytest.approx(8 / 9)
    assert [found[6, m].open_share for m in (1, 2, 5, 6)] == pytest.approx([1, 3 / 4, 3 / 4, 1 / 4])


@pytest.mark.parametrize("segments", [1, 5, 36])
def test_every_month_of_every_term_is_possible_and_shares_add_up(spark, segments):
    rows = [*loans(36, bad=[5], good=[]), *loans(7, bad=[], good=[7, 40])]
    found = timing(spark, rows, segments)
    assert len(found) == 43
    assert all(0 < row.monthly_share < 1 or segments == 1 for row in found.values())
    assert all(0 < row.open_share <= 1 for row in found.values())
    assert found[36, 36].default_share == pytest.approx(1) == found[7, 7].default_share


def test_without_loans_there_is_no_curve(spark):
    assert timing(spark, [], segments=3) == {}
