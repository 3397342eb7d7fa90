"""Which loans are open on a day, by what is known on it."""

import datetime as dt
from decimal import Decimal

import pytest

from penstock.errors import ConfigError
from penstock.lending.exposures import list_exposures

COLUMNS = (
    "loan_id STRING, issue_date DATE, term_months INT, interest_rate DOUBLE, grade STRING, "
    "amount_usd DECIMAL(12,2), funded_usd DECIMAL(12,2), loan_status STRING, last_payment_date DATE"
)
DAY = dt.date(2015, 6, 30)
ISSUED = dt.date(2015, 1, 1)


def loan(name, status, paid, *, issued=ISSUED, rate=0.12, term=36, lent=1000):
    """Return a loan of which 1000 was asked for.

    Its last payment was `paid` months after issue; None: there was none.
    """
    months = issued.month - 1 + (paid or 0)
    last = None if paid is None else dt.date(issued.year + months // 12, months % 12 + 1, 1)
    return (name, issued, term, rate, "B", Decimal(1000), Decimal(lent), status, last)


def exposures(spark, *loans, days=(DAY,)):
    found = list_exposures(
        spark.createDataFrame(loans, COLUMNS),
        as_of=dt.date(2015, 12, 31),
        outlooks=[{"reporting_date": day, "pd_odds": 1.0, "overlay": 0.0} for day in days],
        lost_statuses=["Charged Off", "Default"],
        charge_off_months=5,
        default_days=90,
    )
    return {(row.loan_id, row.reporting_date): row for row in found.collect()}


def test_a_loan_stands_as_its_payments_up_to_that_day_tell(spark):
    found = exposures(
        spark,
        loan("paid off later", "Fully Paid", 30),
        loan("current", "Current", 5),
        loan("lent in part", "Current", 5, lent=400),
        loan("one missed", "Charged Off", 4),  # of June 1st
        loan("default", "Charged Off", 1),  # March 1st: 121 days
        loan("never paid", "Charged Off", None, issued=dt.date(2015, 3, 1)),
        loan("a day less", "Charged Off", None, issued=dt.date(2015, 3, 2)),
        loan("issued that day", "Current", 0, issued=DAY),
        loan("past its term", "Late (31-120 days)", 10, issued=dt.date(2014, 1, 1), term=12),
    )
    told = {
        name: (row.instalments_paid, row.remaining_months, row.days_past_due, row.is_default)
        for (name, _), row in found.items()
    }
    assert told == {
        "paid off later": (5, 31, 0, False),
        "current": (5, 31, 0, False),
        "lent in part": (5, 31, 0, False),
        "one missed": (4, 32, 29, False),
        "default": (1, 35, 121, True),
        "never paid": (0, 36, 90, True),
        "a day less": (0, 36, 89, False),
        "issued that day": (0, 36, 0, False),
        "past its term": (10, 2, 211, True),
    }
    # 1000 x 0.01 / (1 - 1.01^-36) = 33.2143 a month; after five, 881.6 are owed.
    balance = 1000 * (1 - 1.01**-31) / (1 - 1.01**-36)
    assert float(found["current", DAY].balance_usd) == pytest.approx(balance, abs=0.005)
    assert float(found["lent in part", DAY].balance_usd) == pytest.approx(0.4 * balance, abs=0.005)


def test_closed_loans_and_loans_to_come_are_not_open(spark):
    found = exposures(
        spark,
        loan("paid off on June 1st", "Fully Paid", 5),
        loan("charged off on July 1st", "Charged Off", 0),  # first missed on February 1st
        loan("charged off on June 1st", "Charged Off", 0, issued=dt.date(2014, 12, 1)),
        loan("issued later", "Current", 0, issued=dt.date(2015, 7, 1)),
        loan("all paid", "Current", 12, issued=dt.date(2014, 1, 1), term=12),
        days=(dt.date(2015, 6, 1), DAY),
    )
    assert {name for name, _ in found} == {"charged off on July 1st"}


def test_what_cannot_be_told_is_left_to_the_contract_and_stops_nobody(spark):
    found = exposures(
        spark,
        loan("no rate", "Current", 5, rate=None),
        loan("no interest", "Current", 5, rate=0.0),
        loan("paid back on some day", "Fully Paid", None),
    )
    assert found["no rate", DAY].balance_usd is None
    # In equal parts: 31 of 36 are owed.
    assert float(found["no interest", DAY].balance_usd) == pytest.approx(1000 * 31 / 36, abs=0.005)
    undated = found["paid back on some day", DAY]
    assert undated.instalments_paid is undated.balance_usd is None
    assert undated.days_past_due == 0 and not undated.is_default


def test_each_day_has_a_book_of_its_own(spark):
    days = (dt.date(2015, 2, 28), dt.date(2015, 6, 30), dt.date(2015, 12, 31))
    found = exposures(spark, loan("lost", "Charged Off", 2), days=days)
    assert {day: row.days_past_due for (_, day), row in found.items()} == {
        days[0]: 0,
        days[1]: 90,
    }


def test_a_book_of_a_day_to_come_is_refused(spark):
    with pytest.raises(ConfigError, match="book of 2016-01-01 .* as of 2015-12-31.*outlooks"):
        exposures(spark, days=(dt.date(2016, 1, 1),))
