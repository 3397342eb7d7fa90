import pytest

from penstock.engine.checking import check_columns
from penstock.engine.contract import Contract
from penstock.errors import DataError

LOANS = Contract(columns="loan_amnt STRING, total_pymnt STRING, term STRING")


def refusal(spark, columns, contract=LOANS):
    with pytest.raises(DataError) as error:
        check_columns(spark.createDataFrame([], columns).schema, contract, "raw_loans", "a.csv")
    return str(error.value)


def test_a_missing_column_is_never_taken_for_another_of_the_contract(spark):
    columns = "total_pymnt STRING, term STRING"
    assert "lacks 1 column(s) of its contract: 'loan_amnt'. Mend" in refusal(spark, columns)


def test_a_missing_column_in_capitals_is_found(spark):
    columns = "total_pymnt STRING, term STRING, LOAN_AMNT STRING"
    assert "'loan_amnt' (did you mean 'LOAN_AMNT'?)" in refusal(spark, columns)


@pytest.mark.parametrize(("missing", "end"), [(8, "'c7'. Mend"), (9, "'c7'; and 1 more. Mend")])
def test_of_many_missing_columns_the_first_eight_are_named(spark, missing, end):
    wide = Contract(columns=", ".join(f"c{number} STRING" for number in range(missing)))
    message = refusal(spark, "other STRING", wide)
    assert f"lacks {missing} column(s)" in message
    assert end in message


def test_columns_of_another_type_come_with_a_cure(spark):
    message = refusal(spark, "loan_amnt DOUBLE, total_pymnt STRING, term INT")
    assert "has 2 column(s) of another type: 'loan_amnt' is double; the contract asks" in message
    assert "'term' is int; the contract asks for string. Cast where it is made" in message
    assert "CAST(loan_amnt AS STRING), or point catalog.raw_loans at the right table." in message


def test_a_table_as_its_contract_says_passes(spark):
    more = "loan_amnt STRING, total_pymnt STRING, term STRING, more INT"
    table = spark.createDataFrame([], more)
    assert check_columns(table.schema, LOANS, "raw_loans", "a.csv") is None
