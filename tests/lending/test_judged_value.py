from decimal import Decimal

import pytest

from penstock.lending.judged_value import value_loans

SCORED = "loan_id STRING, issue_date DATE, is_bad INT, pd DOUBLE, lgd DOUBLE, other STRING"
LOANS = (  # in whole USD
    "loan_id STRING, amount_usd LONG, funded_usd LONG, grade STRING, home_ownership STRING, "
    "term_months INT, installment_usd LONG, interest_rate DOUBLE, total_paid_usd LONG, "
    "interest_paid_usd LONG, collection_fee_usd LONG"
)
NAMES = ("paid", "lost", "free", "in part", "in part, lost", "even")
# PD* = (R - cost) / (R + LGD EAD): of 60 of interest after funding, 5 of cost, and 420 lost.
PDS = {"even": (60 - 5) / (60 + 420)}


@pytest.fixture(scope="module")
def valued(spark):
    scored = [(key, None, 0, PDS.get(key, 0.1), 0.6, "x") for key in NAMES]
    # Asked, lent; instalment; rate; paid, of that interest, fee.
    loans = [
        ("paid", 1000, 1000, "A", "RENT", 12, 90, 0.16, 1080, 80, 0),
        # 40 of interest and 300 of principal, then 100 recovered for a fee of 20.
        ("lost", 1000, 1000, "C", None, 12, 90, 0.16, 440, 40, 20),
        ("free", 1000, 1000, "A", "OWN", 12, 90, None, 1080, 80, 0),
        ("in part", 2000, 500, "A", "RENT", 12, 45, 0.16, 540, 40, 0),
        ("in part, lost", 2000, 500, "A", "RENT", 12, 45, 0.16, 220, 20, 10),
        ("even", 1000, 1000, "A", "RENT", 12, 90, 0.16, 1080, 80, 0),
        ("not judged", 1, 1, "A", "OWN", 12, 1, 0.1, 1, 0, 0),
        # Of 1,000 lent 700 were owed at default; asked for were 1,500.
        ("default", 1000, 600, "A", "OWN", 12, 60, 0.1, 100, 0, 0),
        ("other default", 500, 400, "A", "OWN", 12, 40, 0.1, 200, 0, 0),
    ]
    defaults = [("default", Decimal(500)), ("other default", Decimal(200))]
    rows = value_loans(
        spark.createDataFrame(scored, SCORED),
        spark.createDataFrame(loans, LOANS),
        spark.createDataFrame(defaults, "loan_id STRING, ead_usd DECIMAL(12,2)"),
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


def test_up_to_the_break_even_pd_a_loan_is_expected_to_earn(valued):
    assert valued["even"].expected_profit_usd == 0 < valued["paid"].expected_profit_usd


def test_what_was_realised_is_what_came_in_less_what_went_out(valued):
    assert valued["paid"].realised_profit_usd == 80 - 20 - 5
    assert valued["lost"].realised_profit_usd == 440 - 20 - 1000 - 10 - 5


def test_what_was_asked_for_and_not_lent_earns_nothing_and_is_not_lost(valued):
    # 40 of interest less 10 for funding; of 500 lent 350 are owed at default.
    assert float(valued["in part"].expected_profit_usd) == pytest.approx(
        0.9 * (40 - 10) - 0.1 * (0.6 * 350) - 5, abs=0.005
    )
    assert valued["in part"].realised_profit_usd == 540 - 500 - 10 - 5
    assert valued["in part, lost"].realised_profit_usd == 220 - 10 - 500 - 5 - 5
    assert valued["in part"].funded_usd == 500


def test_an_unknown_price_gives_no_profit_and_no_loan_is_lost(valued):
    assert set(valued) == set(NAMES)
    assert valued["free"].expected_profit_usd is None
    assert valued["free"].realised_profit_usd is None
    groups = {key: [tuple(s) for s in valued[key].groups] for key in ("paid", "lost")}
    assert groups == {
        "paid": [("home_ownership", "RENT"), ("grade", "A")],
        "lost": [("home_ownership", "unknown"), ("grade", "C")],
    }
