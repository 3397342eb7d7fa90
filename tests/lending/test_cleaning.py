"""Raw loans and applications become typed rows, and none is lost."""

import datetime
import random
from decimal import Decimal

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.lending.checks import APPLICATION_COLUMNS, LOAN_COLUMNS
from penstock.lending.cleaning import clean_applications, clean_loans

PREFIX = "Does not meet the credit policy. Status:"


def types(schema):
    return [(field.name, field.dataType) for field in schema]


def test_cleaned_tables_have_the_columns_of_their_contracts_and_the_raw_texts(raw_loans_with):
    raw = raw_loans_with()
    loans = clean_loans(raw, policy_exception_prefix=PREFIX)
    applications = clean_applications(
        raw.withColumnRenamed("issue_d", "applied"), date_column="applied"
    )
    assert loans.columns[-1] == applications.columns[-1] == "raw"
    assert types(loans.drop("raw").schema) == types(StructType.fromDDL(LOAN_COLUMNS))
    assert types(applications.drop("raw").schema) == types(StructType.fromDDL(APPLICATION_COLUMNS))
    assert loans.collect() == []


def test_a_loan_has_its_units(raw_loans_with):
    raw = raw_loans_with({"funded_amnt": "9000"})
    [loan] = clean_loans(raw, policy_exception_prefix=PREFIX).collect()
    assert loan.loan_id == "1001"
    assert (loan.amount_usd, loan.funded_usd) == (Decimal("12000.00"), Decimal("9000.00"))
    assert loan.interest_rate == 0.1065
    assert loan.debt_to_income == 0.1404
    assert loan.revolving_utilisation == 0.45
    assert loan.employment_years == 3
    assert loan.earliest_credit_line == datetime.date(1999, 10, 1)
    assert loan.application_date == loan.issue_date == datetime.date(2011, 2, 1)
    assert loan.total_paid_usd == Decimal("14071.32")
    assert loan.months_since_record is None
    assert loan.raw.total_pymnt == "14071.3189"


def test_official_and_tidied_spellings_give_the_same_loan(raw_loans_with):
    official = {"term": " 36 months", "int_rate": " 10.65%", "revol_util": "45%"}
    official |= {"issue_d": "Feb-2011", "earliest_cr_line": "Oct-1999", "delinq_2yrs": "1.0"}
    loans = clean_loans(raw_loans_with({}, official), policy_exception_prefix=PREFIX)
    [tidied, read] = loans.drop("raw").collect()
    assert read == tidied


def test_the_policy_exception_moves_from_the_status_to_its_own_column(raw_loans_with):
    raw = raw_loans_with(
        {}, {"loan_status": PREFIX + "Charged Off"}, {"loan_status": PREFIX + " Fully Paid"}
    )
    loans = clean_loans(raw, policy_exception_prefix=PREFIX)
    assert [(loan.loan_status, loan.meets_credit_policy) for loan in loans.collect()] == [
        ("Fully Paid", True),
        ("Charged Off", False),
        ("Fully Paid", False),
    ]


def test_without_a_prefix_every_loan_meets_the_policy(raw_loans_with):
    [loan] = clean_loans(raw_loans_with({}), policy_exception_prefix="").collect()
    assert (loan.loan_status, loan.meets_credit_policy) == ("Fully Paid", True)


def test_no_row_is_lost_however_broken_or_repeated(raw_loans_with):
    nothing = dict.fromkeys(raw_loans_with().columns)
    garbage = dict.fromkeys(raw_loans_with().columns, "?!")
    raw = raw_loans_with({}, {}, nothing, garbage)
    loans = clean_loans(raw, policy_exception_prefix=PREFIX).collect()
    assert [loan.loan_id for loan in loans] == ["1001", "1001", None, "?!"]
    assert loans[3].amount_usd is None


def test_no_text_whatever_stops_the_job(raw_loans_with):
    texts = random.Random(3)
    names = raw_loans_with().columns
    rows = [
        {name: "".join(texts.choices("019.,-+eE%/< NaDecyrsmonth\t\0é", k=6)) for name in names}
        for _ in range(300)
    ]
    loans = clean_loans(raw_loans_with(*rows), policy_exception_prefix=PREFIX)
    assert len(loans.collect()) == len(rows)


def test_an_application_has_the_values_a_loan_has_at_the_same_moment(raw_loans_with):
    raw = raw_loans_with({}).withColumn("applied", F.lit("2011-02-01"))
    [loan] = clean_loans(raw, policy_exception_prefix=PREFIX).collect()
    [application] = clean_applications(raw, date_column="applied").collect()
    shared = application.asDict().keys() - {"application_id", "raw"}
    assert {name: application[name] for name in shared} == {name: loan[name] for name in shared}
    assert application.application_id == loan.loan_id
    assert application.raw.application_date == "2011-02-01"
