"""Features by hand, and the same for loans and applications."""

import math

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.lending.checks import LOAN_FEATURE_COLUMNS
from penstock.lending.cleaning import clean_applications, clean_loans
from penstock.lending.features import add_features

LEARNT_LATER = {"grade", "sub_grade", "int_rate", "installment", "loan_status", "total_pymnt"}


def features_of_loans(raw):
    loans = clean_loans(raw, policy_exception_prefix="Exception:").withColumn("is_bad", F.lit(0))
    return add_features(loans, amount_to_income_cap=1.0, utilisation_cap=1.5)


def types(schema):
    return [(field.name, field.dataType) for field in schema]


def test_features_by_hand(raw_loans_with):
    [loan] = features_of_loans(raw_loans_with({})).collect()
    assert loan.log_amount == pytest.approx(math.log(12_001))
    assert loan.log_income == pytest.approx(math.log(60_001))
    assert loan.amount_to_income == pytest.approx(0.2)
    assert loan.log_revolving_balance == pytest.approx(math.log(8_001))
    # October 1999 to February 2011: eleven years and four months.
    assert loan.credit_history_months == 136
    assert loan.has_prior_delinquency is True
    assert loan.has_public_record is False
    assert (loan.fico, loan.term_months, loan.employment_years) == (700, 36, 3)


def test_unknown_stays_unknown_and_is_neither_zero_nor_the_cap(raw_loans_with):
    missing = ("annual_inc", "revol_util", "delinq_2yrs", "pub_rec", "earliest_cr_line")
    raw = raw_loans_with(dict.fromkeys((*missing, "mths_since_last_delinq")))
    [loan] = features_of_loans(raw).collect()
    unknown = ("log_income", "amount_to_income", "revolving_utilisation", "has_public_record")
    unknown += ("has_prior_delinquency", "credit_history_months", "months_since_delinquency")
    assert [name for name in unknown if loan[name] is not None] == []


def test_zero_income_is_known_and_has_no_ratio(raw_loans_with):
    [loan] = features_of_loans(raw_loans_with({"annual_inc": "0"})).collect()
    assert (loan.log_income, loan.amount_to_income) == (0.0, None)


def test_ratios_end_at_their_caps(raw_loans_with):
    raw = raw_loans_with(
        {"annual_inc": "12000", "revol_util": "1.5"}, {"annual_inc": "10", "revol_util": "8.9"}
    )
    for loan in features_of_loans(raw).collect():
        assert (loan.amount_to_income, loan.revolving_utilisation) == (1.0, 1.5)


def test_no_months_without_a_delinquency_mean_that_there_was_none(raw_loans_with):
    # Months since, delinquencies in two years: whether there was one, months since.
    expected = {
        ("20", "0"): (True, 20),
        ("0", "0"): (False, None),
        ("0", "1"): (True, 0),
        (None, "0"): (False, None),
        (None, "1"): (True, None),
        ("20", None): (True, 20),
        ("0", None): (None, None),
    }
    names = ("mths_since_last_delinq", "delinq_2yrs")
    raw = raw_loans_with(*(dict(zip(names, texts, strict=True)) for texts in expected))
    found = [
        (loan.has_prior_delinquency, loan.months_since_delinquency)
        for loan in features_of_loans(raw).collect()
    ]
    assert dict(zip(expected, found, strict=True)) == expected


def test_a_loan_and_its_application_have_equal_features(raw_loans_with):
    raw = raw_loans_with({}, {"revol_util": None, "mths_since_last_delinq": "0"})
    applications = clean_applications(
        raw.drop(*LEARNT_LATER).withColumnRenamed("issue_d", "applied"), date_column="applied"
    )
    of_applications = add_features(applications, amount_to_income_cap=1.0, utilisation_cap=1.5)
    of_loans = features_of_loans(raw)
    assert (
        of_applications.drop("application_id").collect()
        == of_loans.select(*of_applications.drop("application_id").columns).collect()
    )
    assert types(of_loans.schema) == types(StructType.fromDDL(LOAN_FEATURE_COLUMNS))
