"""Rows for the tests of the lending room: readable ones made here, and LendingClub's if present."""

from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from penstock.lending.checks import RAW_LOAN_COLUMNS
from penstock.lending.cleaning import RAW_LOAN_FIELDS
from tests.shared_data import shared

LENDINGCLUB = "lendingclub/loans_2007-06_to_2011-09.csv.gz"

GOOD_LOAN = {
    "id": "1001",
    "loan_amnt": "12000",
    "term": "36",
    "purpose": "car",
    "title": "My car",
    "desc": "A used car",
    "annual_inc": "60000.0",
    "dti": "14.04",
    "emp_length": "3 years",
    "home_ownership": "RENT",
    "verification_status": "Verified",
    "addr_state": "CA",
    "fico_range_low": "700",
    "earliest_cr_line": "1999-10-01",
    "delinq_2yrs": "1",
    "inq_last_6mths": "2",
    "mths_since_last_delinq": "20",
    "mths_since_last_record": None,
    "open_acc": "9",
    "pub_rec": "0",
    "pub_rec_bankruptcies": "0",
    "revol_bal": "8000",
    "revol_util": "0.45",
    "total_acc": "21",
    "issue_d": "2011-02-01",
    "funded_amnt": "12000",
    "int_rate": "0.1065",
    "installment": "390.87",
    "grade": "B",
    "sub_grade": "B2",
    "loan_status": "Fully Paid",
    "out_prncp": "0",
    "total_pymnt": "14071.3189",
    "total_rec_prncp": "12000.0",
    "total_rec_int": "2071.32",
    "recoveries": "0.0",
    "collection_recovery_fee": "0.0",
    "last_pymnt_d": "2014-02-01",
    "last_fico_range_low": "720",
}

RawLoans = Callable[..., DataFrame]
BrokenRules = Callable[[DataFrame, dict[str, str]], list[list[str]]]


@pytest.fixture
def raw_loans_with(spark: SparkSession) -> RawLoans:
    """Return a function that makes one good raw loan for each dict of changes it is given."""

    def make(*changes: dict[str, str | None]) -> DataFrame:
        rows = [[(GOOD_LOAN | change)[name] for name in RAW_LOAN_FIELDS] for change in changes]
        return spark.createDataFrame(rows, RAW_LOAN_COLUMNS)

    return make


@pytest.fixture
def broken_rules() -> BrokenRules:
    """Return a function that lists, row by row, the rules the row breaks."""

    def find(table: DataFrame, checks: dict[str, str]) -> list[list[str]]:
        named = [
            F.when(~F.coalesce(F.expr(sql), F.lit(False)), name) for name, sql in checks.items()
        ]
        return [
            row.broken
            for row in table.select(F.array_compact(F.array(*named)).alias("broken")).collect()
        ]

    return find


@pytest.fixture
def lendingclub_loans(spark: SparkSession) -> DataFrame:
    """Return LendingClub's export as it is; skip where the file is not beside the repository."""
    return spark.read.csv(str(shared(LENDINGCLUB)), header=True, escape='"')
