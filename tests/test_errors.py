import pytest

from penstock.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("trian", "train"),
        ("TRAIN", "train"),
        ("LOAN_AMNT", " Loan_Amnt"),
        (" Loan_amnt ", " Loan_Amnt"),
    ],
)
def test_the_nearest_name_is_found_whatever_its_capitals_and_blanks(name, nearest):
    assert did_you_mean(name, ["train", "test", " Loan_Amnt"]) == f" Did you mean '{nearest}'?"


@pytest.mark.parametrize("known", [["test"], []])
def test_nothing_is_said_where_nothing_is_near(known):
    assert did_you_mean("loans", known) == ""
