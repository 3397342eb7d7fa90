"""The truth of the book is true: what happens agrees with the probabilities it was drawn from."""

import numpy as np
import pandas
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@pytest.fixture(scope="module")
def defaults(loans):
    return loans.charge_off_month.notna()


def test_as_many_loans_default_as_the_true_pd_says(loans, defaults):
    spread = np.sqrt((loans.true_pd * (1 - loans.true_pd)).sum())
    assert abs(defaults.sum() - loans.true_pd.sum()) < 3 * spread


def test_so_it_is_in_every_decile_of_the_true_pd(loans, defaults):
    decile = pandas.qcut(loans.true_pd, 10, labels=False)
    expected = loans.true_pd.groupby(decile).sum()
    variance = (loans.true_pd * (1 - loans.true_pd)).groupby(decile).sum()
    z = (defaults.groupby(decile).sum() - expected) / np.sqrt(variance)
    assert z.abs().max() < 3.5


def test_the_book_is_as_hard_as_a_real_one(loans, defaults):
    assert 0.14 < loans.true_pd.mean() < 0.17
    assert 0.71 < roc_auc_score(defaults, loans.true_pd) < 0.76


def test_a_plain_logistic_regression_comes_within_a_hundredth_of_the_true_auc(loans, defaults):
    features = (
        pandas.DataFrame(
            {
                "fico": loans.fico_range_low,
                "dti": loans.dti,
                "used": loans.revol_util.fillna(loans.revol_util.median()),
                "income": np.log(loans.annual_inc),
                "strain": np.log(loans.loan_amnt / loans.annual_inc),
                "inquiries": loans.inq_last_6mths,
                "history": loans.history_months,
                "delinquent": loans.delinq_2yrs > 0,
                "record": loans.pub_rec > 0,
                "no_job": loans.emp_length.isna(),
                "rents": loans.home_ownership == "RENT",
                "is_long": loans.term == 60,
            }
        )
        .join(pandas.get_dummies(loans.purpose))
        .astype(float)
    )
    half = loans.id % 2 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression())
    scores = model.fit(features[half], defaults[half]).predict_proba(features[~half])[:, 1]
    best = roc_auc_score(defaults[~half], loans.true_pd[~half])
    assert best - roc_auc_score(defaults[~half], scores) < 0.01


def test_charge_offs_come_on_the_days_the_twelve_month_pd_expects(loans):
    early = (loans.charge_off_month <= 12).sum()
    spread = np.sqrt((loans.true_pd_12m * (1 - loans.true_pd_12m)).sum())
    assert abs(early - loans.true_pd_12m.sum()) < 3 * spread


def test_charge_offs_peak_early_and_end_with_the_term(loans):
    for term in (36, 60):
        months = loans.charge_off_month[loans.term == term].dropna()
        quarter = (months // 3 * 3).mode()[0]
        assert 9 <= quarter <= 24
        assert months.between(6, term).all()


def test_losses_average_to_the_true_lgd(loans):
    lost = loans[loans.loan_status == "Charged Off"]
    realised = 1 - (lost.recoveries_cents - lost.fee_cents) / lost.balance_paid_to
    error = (realised - lost.true_lgd).std() / np.sqrt(len(lost))
    assert abs((realised - lost.true_lgd).mean()) < 3 * error
    assert realised.between(0, 1).all()


def test_balances_at_default_average_to_the_true_ead(loans):
    lost = loans[(loans.loan_status == "Charged Off") & (loans.months_on_book >= loans.term)]
    gap = lost.balance_paid_to / 100 - lost.true_ead
    assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(len(lost)) + 0.005 * lost.true_ead.mean()


def test_vintages_drift_slowly_and_all_the_same(loans):
    year = pandas.to_datetime(loans.applied_on).dt.year
    by_year = loans.groupby(year)[["true_pd", "fico_range_low", "dti"]].mean()
    assert loans.vintage_shift.abs().max() <= 0.015
    assert by_year.fico_range_low[2014] - by_year.fico_range_low[2022] > 5
    assert by_year.dti[2022] - by_year.dti[2014] > 1.5
    assert by_year.true_pd[2022] - by_year.true_pd[2014] > 0.015


def test_those_without_an_employer_are_riskier(loans):
    assert loans.true_pd[loans.emp_length.isna()].mean() > loans.true_pd.mean() + 0.04


def test_the_tone_of_a_description_tells_a_little(loans):
    risk = loans.true_pd.groupby(loans.tone).mean()
    assert risk["steady"] < risk["plain"] < risk["strained"]
    assert loans.desc.isna().equals(loans.tone.isna())
