"""What was lost of a loan, from what was owed and what came back."""

import datetime as dt
from decimal import Decimal

import pytest

from penstock.lending.realised_lgd import list_defaults

COLUMNS = (
    "loan_id STRING, issue_date DATE, loan_status STRING, meets_credit_policy BOOLEAN, "
    "amount_usd DECIMAL(12,2), funded_usd DECIMAL(12,2), principal_paid_usd DECIMAL(12,2), "
    "recoveries_usd DECIMAL(12,2), collection_fee_usd DECIMAL(12,2), last_payment_date DATE"
)
PARAMETERS = {
    "as_of": dt.date(2018, 9, 30),
    "default_statuses": ["Charged Off"],
    "include_policy_exceptions": False,
    "collection_months": 12,
    "discount_rate": 0.0,
    "recovery_months": 6,
}
PAID = dt.date(2015, 3, 1)


def loan(
    name, recovered, fee, *, status="Charged Off", in_policy=True, lent=1000, paid=400, last=PAID
):
    """Return a loan of which 1000 was asked for."""
    money = [None if x is None else Decimal(x) for x in (1000, lent, paid, recovered, fee)]
    return (name, dt.date(2014, 1, 1), status, in_policy, *money, last)


def defaults(spark, *loans, **changed):
    found = list_defaults(spark.createDataFrame(loans, COLUMNS), **PARAMETERS | changed).collect()
    return {row.loan_id: (row.ead_usd, row.realised_lgd) for row in found}


def test_lgd_is_what_did_not_come_back_of_what_was_owed(spark):
    found = defaults(
        spark,
        loan("some", 180, 30),  # (180 - 30) of 600 came back
        loan("nothing", 0, 0),
        loan("more than owed", 700, 10),
        loan("fee above recovery", 20, 50),
        loan("unknown", None, 0),
        loan("nothing owed", 0, 0, paid=1000),
        loan("nothing paid", 250, 0, paid=0, last=None),
        loan("lent in part", 180, 30, lent=800),  # (180 - 30) of 400 came back
        loan("lent in part, paid back", 0, 0, lent=400),
    )
    assert found == {
        "some": (600, 0.75),
        "nothing": (600, 1.0),
        "more than owed": (600, 0.0),
        "fee above recovery": (600, 1.0),
        "unknown": (600, None),
        "nothing owed": (0, None),
        "nothing paid": (1000, 0.75),
        "lent in part": (400, 0.625),
        "lent in part, paid back": (0, None),
    }


def test_a_loan_that_may_still_recover_is_left_out_to_the_day(spark):
    found = defaults(
        spark,
        loan("over today", 0, 0, last=dt.date(2017, 9, 30)),
        loan("over tomorrow", 0, 0, last=dt.date(2017, 10, 1)),
        loan("never paid, long ago", 0, 0, last=None),
    )
    assert found.keys() == {"over today", "never paid, long ago"}


def test_only_loans_that_were_charged_off_in_policy_are_defaults(spark):
    loans = [
        loan("lost", 0, 0),
        loan("paid", 0, 0, status="Fully Paid"),
        loan("no status", 0, 0, status=None),
        loan("exception", 0, 0, in_policy=False),
    ]
    assert defaults(spark, *loans).keys() == {"lost"}
    assert defaults(spark, *loans, include_policy_exceptions=True).keys() == {"lost", "exception"}


def test_recoveries_are_discounted_from_the_month_they_are_taken_to_come_in(spark):
    found = defaults(spark, loan("a", 150, 0), discount_rate=0.21, recovery_months=6)
    # 150 / 1.1 of 600
    assert found["a"][1] == pytest.approx(1 - 150 / 1.1 / 600, abs=1e-12)
