from decimal import Decimal

import pytest

from penstock.lending.judged_value import value_loans

SCORED = "loan_id STRING, issue_date DATE, is_bad INT, pd DOUBLE, lgd DOUBLE, other STRING"
LOANS = (
    "loan_id STRING, amount_usd DECIMAL(12,2), grade STRING, home_ownership STRING, "
    "term_months INT, installment_usd DECIMAL(12,2), interest_rate DOUBLE, "
    "total_paid_usd DECIMAL(12,2), interest_paid_usd DECIMAL(12,2), "
    "collection_fee_usd DECIMAL(12,2)"
)
USD = Decimal


@pytest.fixture(scope="module")
def valued(spark):
    scored = [(key, None, 0, 0.1, 0.6, "x") for key in ("paid", "lost", "free")]
    loans = [
        ("paid", USD(1000), "A", "RENT", 12, USD("90"), 0.16, USD("1080"), USD("80"), USD(0)),
        # 40 of interest and 300 of principal, then 100 recovered for a fee of 20.
        ("lost", USD(1000), "C", None, 12, USD("90"), 0.16, USD("440"), USD("40"), USD("20")),
        ("free", USD(1000), "A", "OWN", 12, USD("90"), None, USD("1080"), USD("80"), USD(0)),
        ("not judged", USD(1), "A", "OWN", 12, USD("1"), 0.1, USD("1"), USD("0"), USD(0)),
    ]
    defaults = [(USD(500), 6.90875478), (USD(200), 0.0)]  # of 1,000 and of nothing
    rows = value_loans(
        spark.createDataFrame(scored, SCORED),
        spark.createDataFrame(loans, LOANS),
        spark.createDataFrame(defaults, "ead_usd DECIMAL(12,2), log_amount DOUBLE"),
        funding_rate=0.04,
        handling_cost_usd=5.0,
        attributes=["home_ownership", "grade"],
    )
    return {row.loan_id: row for row in rows.collect()}


def test_what_was_expected_is_the_interest_less_funding_loss_and_cost(valued):
    # 80 of interest at 16 % is a balance of 500 for a year, which costs 20 at 4 %.
    expected = 0.9 * (80 - 20) - 0.1 * (0.6 * 0.7 * 1000) - 5
    assert float(valued["paid"].expected_profit_usd) == pytest.approx(expected, abs=0.005)
    assert valued["lost"].expected_profit_usd == valued["paid"].expected_profit_usd


def test_what_was_realised_is_what_came_in_less_what_went_out(valued):
    assert valued["paid"].realised_profit_usd == 80 - 20 - 5
    assert valued["lost"].realised_profit_usd == 440 - 20 - 1000 - 10 - 5


def test_an_unknown_price_gives_no_profit_and_no_loan_is_lost(valued):
    assert set(valued) == {"paid", "lost", "free"}
    assert valued["free"].expected_profit_usd is None
    assert valued["free"].realised_profit_usd is None
    groups = {key: [tuple(s) for s in valued[key].groups] for key in ("paid", "lost")}
    assert groups == {
        "paid": [("home_ownership", "RENT"), ("grade", "A")],
        "lost": [("home_ownership", "unknown"), ("grade", "C")],
    }
