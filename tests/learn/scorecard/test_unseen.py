"""What judges a step has not seen the fold that judges: bins, WoE and coefficients."""

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression

from penstock.learn.binning.woe import WoeBinning
from penstock.learn.scorecard.binned import BinnedScorecard
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.estimator import Scorecard
from penstock.learn.scorecard.held_out import Folds
from penstock.learn.scorecard.selection import Selection
from penstock.learn.scorecard.stepwise import choose_stepwise
from penstock.learn.scorecard.unseen import FoldBins

N, FOLDS = 2400, 3
COLUMNS = ["income", "debt", "region", "once"]
SELECTION = Selection(
    iv_floor=0.02,
    max_correlation=0.9,
    max_vif=9.0,
    stepwise="forward",
    significance=0.05,
    forced=(),
    forbidden=(),
)
BINS = WoeBinning.of(numeric=["income", "debt", "once"], categorical=["region"], label="is_bad")


def planted():
    """Two true causes, a region of 60 names that means nothing, a number known in one fold alone.

    Numbers have few values, so that pre-bins are the same without a fold.
    """
    random = np.random.default_rng(12)
    income, debt = random.integers(0, 10, (2, N)) * 1.0
    loans = pandas.DataFrame({"income": income, "debt": debt})
    loans["region"] = random.choice([f"r{number:02}" for number in range(60)], N)
    log_odds = -1.2 - 0.2 * (income - 4.5) + 0.15 * (debt - 4.5)
    loans["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype(float)
    loans["fold"] = np.arange(N) % FOLDS
    known = np.clip(6 * loans.is_bad + random.integers(0, 9, N), 0, 11)
    loans["once"] = np.where((loans.fold == 1) & (random.random(N) < 0.5), known, np.nan)
    return loans


LOANS = planted()


def on_spark(spark, loans):
    known = F.when(~F.isnan("once"), F.col("once"))
    return spark.createDataFrame(loans).withColumn("once", known).coalesce(2).persist()


@pytest.fixture(scope="module")
def loans(spark):
    rows = on_spark(spark, LOANS)
    yield rows
    rows.unpersist()


def fold_bins(loans):
    _, fitted = BINS.fit_with_counts(loans)
    return FoldBins({each.column: each for each in fitted.bins}, fitted.counted)


def design(loans):
    return fold_bins(loans).design(loans, COLUMNS, label="is_bad", weight=None, fold=F.col("fold"))


def learnt(loans):
    """Return what is worth what, and the regressions on two columns, by the fold left out."""
    with design(loans) as (rows, of_rows):
        folds = Folds(rows, of_rows, Constraints(), 0.0)
        settled = folds.settle(folds.without_columns(), ("income", "debt"))
        return of_rows.encodings, [each.theta for each in settled.regressions]


def test_no_outcome_of_a_fold_moves_what_it_is_judged_by(spark, loans):
    flipped = LOANS.assign(is_bad=np.where(LOANS.fold == 2, 1 - LOANS.is_bad, LOANS.is_bad))
    worth, thetas = learnt(loans)
    other = on_spark(spark, flipped)
    worth_then, thetas_then = learnt(other)
    other.unpersist()
    assert len(worth) == len(thetas) == 1 + FOLDS
    for place, name in enumerate(COLUMNS):
        assert (worth[3][place] == worth_then[3][place]).all(), name
        # The same labels move what judges the other folds, or nothing would have been shown.
        assert (worth[1][place] != worth_then[1][place]).any() or name == "once"
    # All regressions take as many steps as the slowest needs: one more moves the last digits.
    np.testing.assert_allclose(thetas[3], thetas_then[3], atol=1e-5)
    assert (np.abs(thetas[1] - thetas_then[1]) > 0.01).any()


def held_out_loss(loans, columns):
    """Loss on each fold by bins, WoE and scikit-learn's regression of the other folds."""
    total = 0.0
    for fold in range(FOLDS):
        scored = BINS.fit(loans.where(f"fold <> {fold}")).transform(loans).toPandas()
        out = scored.fold == fold
        woe = scored[[f"woe_{name}" for name in columns]]
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500)
        model.fit(woe[~out], scored.is_bad[~out])
        pd = model.predict_proba(woe[out])[:, 1]
        total -= np.log(np.where(scored.is_bad[out] == 1, pd, 1 - pd)).sum()
    return total / N


@pytest.mark.slow
def test_the_gain_is_that_of_bins_and_regressions_fitted_without_each_fold(loans):
    parameters = {"ridge": 0.0, "forced": (), "significance": 0.05, "direction": "forward"}
    with design(loans) as (rows, of_rows):
        some = of_rows.only(("income", "debt"))
        choice = choose_stepwise(rows, some, constraints=Constraints(), **parameters)
    assert choice.columns == ("income", "debt")
    first, both = (held_out_loss(loans, columns) for columns in (["income"], ["income", "debt"]))
    assert choice.steps[1].gain == pytest.approx(first - both, rel=1e-3)


def scorecard(columns=COLUMNS):
    return Scorecard.of(
        columns, label="is_bad", selection=SELECTION, constraints={}, ridge=0.0, fold="fold"
    )


@pytest.mark.slow
def test_what_bins_have_learnt_by_heart_is_refused_by_loans_they_have_not_seen(loans):
    by_heart = scorecard().fit(BINS.fit(loans).transform(loans))
    assert {"income", "debt", "region"} <= set(by_heart.fitted.columns)
    model = BinnedScorecard(BINS, scorecard()).fit(loans)
    fitted = model.stages[1].fitted
    assert set(fitted.columns) == {"income", "debt"}
    reasons = {each.name: each.reason for each in fitted.variables}
    assert reasons["region"].startswith("loans held out become less likely")
    # Without the second fold it is missing throughout: there it has no coefficient.
    assert reasons["once"].startswith("loans held out become less likely")
    # Coefficients are those of all loans on bins of all loans.
    woe = model.stages[0].transform(loans).toPandas()
    names = [f"woe_{name}" for name in fitted.columns]
    judge = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500).fit(woe[names], woe.is_bad)
    np.testing.assert_allclose(fitted.coefficients, judge.coef_[0], rtol=1e-4)


def test_without_a_column_of_folds_loans_are_spread_by_what_is_binned(loans):
    bins = WoeBinning.of(numeric=["income"], categorical=["region"], label="is_bad")
    model = BinnedScorecard(bins, scorecard(["income", "region"])).fit(loans.drop("fold"))
    assert model.stages[1].fitted.columns == ("income",)
