"""The same functions on LendingClub's real export, where it is present."""

import datetime

from pyspark.sql import functions as F

from penstock.lending.checks import DEFAULT_CHECKS, LOAN_CHECKS
from penstock.lending.cleaning import clean_loans
from penstock.lending.features import add_features
from penstock.lending.labels import label_defaults
from penstock.lending.realised_lgd import list_defaults
from penstock.lending.samples import split_by_issue_date

PREFIX = "Does not meet the credit policy. Status:"


def test_every_real_loan_keeps_every_rule(lendingclub_loans):
    loans = clean_loans(lendingclub_loans, policy_exception_prefix=PREFIX)
    breaks = [
        F.count_if(~F.coalesce(F.expr(sql), F.lit(False))).alias(rule)
        for rule, sql in LOAN_CHECKS.items()
    ]
    exceptions = F.count_if(~F.col("meets_credit_policy")).alias("exceptions")
    [counts] = loans.agg(F.count("loan_id").alias("loans"), exceptions, *breaks).collect()
    assert {name: n for name, n in counts.asDict().items() if n > 0} == {
        "loans": 35_918,
        "exceptions": 2_749,
    }


def test_the_out_of_time_sample_is_the_published_one(lendingclub_loans):
    labelled = label_defaults(
        clean_loans(lendingclub_loans, policy_exception_prefix=PREFIX),
        as_of=datetime.date(2018, 9, 30),
        good_statuses=["Fully Paid"],
        bad_statuses=["Charged Off", "Default"],
        include_policy_exceptions=False,
    )
    _, test = split_by_issue_date(
        add_features(labelled, amount_to_income_cap=1.0, utilisation_cap=1.5),
        train_until=datetime.date(2010, 9, 30),
        calibration_until=datetime.date(2010, 12, 31),
        test_from=datetime.date(2011, 1, 1),
        test_until=datetime.date(2011, 9, 30),
    )
    [counts] = test.agg(F.count("loan_id").alias("n"), F.sum("is_bad").alias("bad")).collect()
    assert tuple(counts) == (15_104, 2_209)


def test_real_defaults_have_a_realised_lgd_that_keeps_every_rule(lendingclub_loans):
    defaults = list_defaults(
        clean_loans(lendingclub_loans, policy_exception_prefix=PREFIX),
        as_of=datetime.date(2018, 9, 30),
        default_statuses=["Charged Off"],
        include_policy_exceptions=False,
        collection_months=24,
        discount_rate=0.0,
        recovery_months=6,
    )
    kept = [F.count_if(F.expr(sql)).alias(rule) for rule, sql in DEFAULT_CHECKS.items()]
    [found] = defaults.agg(
        F.count("*").alias("n"), F.avg("realised_lgd").alias("lgd"), *kept
    ).collect()
    assert {found[rule] for rule in DEFAULT_CHECKS} == {found.n} == {4_582}
    # Unsecured loans: what LendingClub itself reported as recovered was below a tenth.
    assert 0.90 < found.lgd < 0.95
