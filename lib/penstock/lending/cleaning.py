"""Cleaning: raw loans and raw applications as typed tables with units in the names.

Every row that comes in goes out. Whether a row is good is said in `checks.py`, whether a loan can
be learnt from in `labels.py`.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.parsing import (
    broken_line,
    date,
    fraction,
    money,
    months,
    percent,
    text,
    whole_number,
    years_employed,
)

# LendingClub's names of what is known when an application arrives.
RAW_APPLICATION_FIELDS = (
    "id",
    "loan_amnt",
    "term",
    "purpose",
    "title",
    "desc",
    "annual_inc",
    "dti",
    "emp_length",
    "home_ownership",
    "verification_status",
    "addr_state",
    "fico_range_low",
    "earliest_cr_line",
    "delinq_2yrs",
    "inq_last_6mths",
    "mths_since_last_delinq",
    "mths_since_last_record",
    "open_acc",
    "pub_rec",
    "pub_rec_bankruptcies",
    "revol_bal",
    "revol_util",
    "total_acc",
)
# The same and what is learnt with the decision and afterwards.
RAW_LOAN_FIELDS = (
    *RAW_APPLICATION_FIELDS,
    "issue_d",
    "funded_amnt",
    "int_rate",
    "installment",
    "grade",
    "sub_grade",
    "loan_status",
    "out_prncp",
    "total_pymnt",
    "total_rec_prncp",
    "total_rec_int",
    "recoveries",
    "collection_recovery_fee",
    "last_pymnt_d",
    "last_fico_range_low",
)


def clean_loans(raw_loans: DataFrame, *, policy_exception_prefix: str) -> DataFrame:
    """Read the raw loans into typed columns with their units.

    Grain: one row per raw row, in and out, also where `id` is missing or repeated.

    Args:
        raw_loans: All columns STRING, named as LendingClub names them; needs
            `RAW_LOAN_FIELDS`. Reads the spellings of the official exports (" 10.65%",
            " 36 months", "Dec-2011") and of tidied ones ("0.1065", "36", "2011-12-01"). Empty
            text, "NA" and "n/a" in any case are missing values.
        policy_exception_prefix: Text before the status of a loan that was granted against the
            credit policy; it is cut off the status, and `meets_credit_policy` says that it was
            there. Empty: the book has no such loans.

    Returns:
        The columns of `checks.LOAN_COLUMNS` and `raw`, a struct of the raw texts they were read
        from. Null is a missing value or an unreadable one; `checks.LOAN_CHECKS` tells them apart.
        `application_date` equals `issue_date`: the export does not say when a borrower applied,
        and the listing is funded within weeks.
    """
    issue_date = date(text("issue_d"))
    columns = {
        "loan_id": text("id"),
        "application_date": issue_date,
        "issue_date": issue_date,
        **_applicant_columns(),
        **_decision_columns(),
        **_outcome_columns(policy_exception_prefix),
        "raw": F.struct(*RAW_LOAN_FIELDS, broken_line(raw_loans)),
    }
    return raw_loans.select(*(column.alias(name) for name, column in columns.items()))


def clean_applications(raw_applications: DataFrame, *, date_column: str) -> DataFrame:
    """Read the raw applications into the typed columns that loans have at the same moment.

    Grain: one row per raw row, in and out, also where `id` is missing or repeated.

    Args:
        raw_applications: All columns STRING; needs `RAW_APPLICATION_FIELDS` and `date_column`.
            Spellings and missing values as in `clean_loans`.
        date_column: Raw column with the day of the application.

    Returns:
        The columns of `checks.APPLICATION_COLUMNS` and `raw`, a struct of the raw texts they were
        read from, the date under the name `application_date`.
    """
    columns = {
        "application_id": text("id"),
        "application_date": date(text(date_column)),
        **_applicant_columns(),
        "raw": F.struct(
            *RAW_APPLICATION_FIELDS,
            F.col(date_column).alias("application_date"),
            broken_line(raw_applications),
        ),
    }
    return raw_applications.select(*(column.alias(name) for name, column in columns.items()))


def _applicant_columns() -> dict[str, Column]:
    return {
        "amount_usd": money(text("loan_amnt"), 12),
        "term_months": months(text("term")),
        "purpose": text("purpose"),
        "title": text("title"),
        "description": text("desc"),
        "annual_income_usd": money(text("annual_inc"), 14),
        "debt_to_income": percent(text("dti")),
        "employment_years": years_employed(text("emp_length")),
        "home_ownership": text("home_ownership"),
        "income_verification": text("verification_status"),
        "state": text("addr_state"),
        "fico": whole_number(text("fico_range_low")),
        "earliest_credit_line": date(text("earliest_cr_line")),
        "delinquencies_2y": whole_number(text("delinq_2yrs")),
        "inquiries_6m": whole_number(text("inq_last_6mths")),
        "months_since_delinquency": whole_number(text("mths_since_last_delinq")),
        "months_since_record": whole_number(text("mths_since_last_record")),
        "open_accounts": whole_number(text("open_acc")),
        "public_records": whole_number(text("pub_rec")),
        "bankruptcies": whole_number(text("pub_rec_bankruptcies")),
        "revolving_balance_usd": money(text("revol_bal"), 14),
        "revolving_utilisation": fraction(text("revol_util")),
        "total_accounts": whole_number(text("total_acc")),
    }


def _decision_columns() -> dict[str, Column]:
    return {
        "funded_usd": money(text("funded_amnt"), 12),
        "interest_rate": fraction(text("int_rate")),
        "installment_usd": money(text("installment"), 12),
        "grade": text("grade"),
        "sub_grade": text("sub_grade"),
    }


def _outcome_columns(policy_exception_prefix: str) -> dict[str, Column]:
    status = text("loan_status")
    # Every text starts with an empty prefix.
    is_exception = status.startswith(policy_exception_prefix) & F.lit(policy_exception_prefix != "")
    bare_status = F.trim(F.replace(status, F.lit(policy_exception_prefix), F.lit("")))
    return {
        "loan_status": F.when(is_exception, bare_status).otherwise(status),
        "meets_credit_policy": ~is_exception,
        "principal_outstanding_usd": money(text("out_prncp"), 12),
        "total_paid_usd": money(text("total_pymnt"), 12),
        "principal_paid_usd": money(text("total_rec_prncp"), 12),
        "interest_paid_usd": money(text("total_rec_int"), 12),
        "recoveries_usd": money(text("recoveries"), 12),
        "collection_fee_usd": money(text("collection_recovery_fee"), 12),
        "last_payment_date": date(text("last_pymnt_d")),
        "last_fico": whole_number(text("last_fico_range_low")),
    }
