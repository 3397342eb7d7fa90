"""Who counts as good, who as bad, and who has not had the time to be either."""

import datetime

from penstock.lending.labels import label_defaults

COLUMNS = (
    "loan_id STRING, issue_date DATE, term_months INT, loan_status STRING, "
    "meets_credit_policy BOOLEAN"
)
ISSUED = datetime.date(2011, 1, 1)


def label(spark, *rows, as_of=datetime.date(2018, 9, 30), include_policy_exceptions=False):
    labelled = label_defaults(
        spark.createDataFrame(list(rows), COLUMNS),
        as_of=as_of,
        good_statuses=["Fully Paid"],
        bad_statuses=["Charged Off", "Default"],
        include_policy_exceptions=include_policy_exceptions,
    )
    return {loan.loan_id: loan.is_bad for loan in labelled.collect()}


def test_charge_off_and_default_are_bad_and_everything_unresolved_is_left_out(spark):
    rows = [
        ("paid", ISSUED, 36, "Fully Paid", True),
        ("lost", ISSUED, 36, "Charged Off", True),
        ("in default", ISSUED, 36, "Default", True),
        ("late", ISSUED, 36, "Late (31-120 days)", True),
        ("unknown", ISSUED, 36, None, True),
        ("no date", None, 36, "Fully Paid", True),
        ("no term", ISSUED, None, "Fully Paid", True),
    ]
    assert label(spark, *rows) == {"paid": 0, "lost": 1, "in default": 1}


def test_a_loan_is_labelled_on_the_day_its_term_is_over_and_not_before(spark):
    as_of = datetime.date(2014, 2, 28)
    rows = [
        ("over today, good", datetime.date(2011, 2, 28), 36, "Fully Paid", True),
        ("over today, bad", datetime.date(2009, 2, 28), 60, "Charged Off", True),
        ("over tomorrow, good", datetime.date(2011, 3, 1), 36, "Fully Paid", True),
        ("over tomorrow, bad", datetime.date(2009, 3, 1), 60, "Charged Off", True),
    ]
    assert label(spark, *rows, as_of=as_of) == {"over today, good": 0, "over today, bad": 1}


def test_policy_exceptions_are_in_only_on_purpose(spark):
    rows = [
        ("in policy", ISSUED, 36, "Fully Paid", True),
        ("exception", ISSUED, 36, "Charged Off", False),
    ]
    assert label(spark, *rows) == {"in policy": 0}
    assert label(spark, *rows, include_policy_exceptions=True) == {"in policy": 0, "exception": 1}
