"""Where a loan stands at the snapshot follows from its age and its fate."""

import pytest
from sklearn.metrics import roc_auc_score


def test_some_loans_are_lent_in_part_and_owe_what_was_lent(loans):
    partly = loans[loans.funded_amnt < loans.loan_amnt]
    assert (loans.funded_amnt <= loans.loan_amnt).all()
    # Four standard deviations of 1,000 rare rows are 124.
    assert len(partly) == pytest.approx(1000, abs=124)
    assert (partly.funded_amnt / partly.loan_amnt).mean() == pytest.approx(0.65, abs=0.03)
    assert (loans.balance_paid_to <= loans.funded_amnt * 100).all()


def test_a_loan_past_its_term_is_paid_or_charged_off(loans):
    mature = loans[loans.months_on_book >= loans.term]
    expected = mature.charge_off_month.notna().map({True: "Charged Off", False: "Fully Paid"})
    assert (mature.loan_status == expected).all()


def test_about_a_quarter_of_the_book_is_too_young_to_judge(loans):
    assert 0.2 < (loans.months_on_book < loans.term).mean() < 0.3


def test_status_follows_the_missed_instalments(loans):
    troubled = loans[loans.charge_off_month.notna()]
    missed = (troubled.months_on_book - troubled.charge_off_month + 6).clip(0, 6)
    names = {0: "Current", 1: "In Grace Period", 5: "Default", 6: "Charged Off"}
    expected = missed.map(lambda months: names.get(months, "Late (31-120 days)"))
    assert (troubled.loan_status == expected).all()


def test_resolved_young_loans_would_overstate_the_bad_rate(loans):
    young = loans[
        (loans.months_on_book < 24) & loans.loan_status.isin(["Fully Paid", "Charged Off"])
    ]
    assert (young.loan_status == "Charged Off").mean() > young.true_pd.mean() + 0.03


def test_the_score_after_issue_gives_the_outcome_away(loans):
    mature = loans[loans.months_on_book >= loans.term]
    is_bad = mature.charge_off_month.notna()
    assert roc_auc_score(is_bad, -mature.last_fico_range_low) > 0.9


def test_the_price_follows_the_risk_but_knows_less_than_the_truth(loans):
    is_bad = loans.charge_off_month.notna()
    price, truth = roc_auc_score(is_bad, loans.int_rate), roc_auc_score(is_bad, loans.true_pd)
    assert 0.65 < price < truth


def test_the_instalments_of_a_whole_term_repay_the_loan(loans):
    whole = loans[(loans.payoff_month == loans.term) & (loans.months_on_book >= loans.term)]
    # Half a cent of rounding in the instalment, with interest, over 60 months: under one dollar.
    assert len(whole) > 1000
    assert whole.balance_paid_to.abs().max() < 100
