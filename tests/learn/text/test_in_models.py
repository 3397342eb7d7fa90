"""Texts in the PD models: the score of the words is one more number, fitted on what is unseen."""

import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel
from sklearn.metrics import roc_auc_score

from penstock.errors import ConfigError, DataError
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.scorecard.explain import explain_scorecard
from penstock.learn.scorecard.judging import judge_variables
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.learn.text import cross_fitted
from penstock.learn.text.scoring import TEXT_PD
from tests.learn.challenger.loans import PARAMETERS as OF_CHALLENGER
from tests.learn.challenger.loans import leak_report
from tests.learn.scorecard.simulated import PARAMETERS as OF_SCORECARD

pytestmark = pytest.mark.slow

N = 1200
READ = {"numeric": ["income"], "categorical": [], "text": ["desc"]}


def simulated() -> pandas.DataFrame:
    """Risk falls with income, and who writes of debts is a bad risk; each word of a name is one."""
    random = np.random.default_rng(3)
    income, has_debts = random.normal(size=N), random.random(N) < 0.4
    log_odds = -0.8 - 0.8 * income + 1.2 * has_debts
    names = ["".join(random.choice(list("abcdefgh"), 4)) for _ in range(N)]
    said = np.where(has_debts, "old debts", "wedding plans")
    text = np.array([f"{name} writes of {what}" for name, what in zip(names, said, strict=True)])
    return pandas.DataFrame(
        {
            "income": income,
            "desc": np.where(random.random(N) < 0.1, None, text),
            "is_bad": (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype(int),
            "sample": np.where(np.arange(N) % 4 == 3, "calibration", "development"),
            "fold": (np.arange(N) % 2).astype("int32"),
        }
    )


LOANS = simulated()


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS).coalesce(1).persist()


def scorecard(**changes):
    plain = {"trends": {}, "special_codes": {}, "constraints": {}, "stepwise": "none"}
    return scorecard_pd(**OF_SCORECARD | plain | READ | changes)


@pytest.fixture(scope="module")
def model(loans):
    return scorecard().fit(loans)


def auc_of(model, loans) -> float:
    judged = model.transform(loans.where("sample = 'calibration'")).toPandas()
    return float(roc_auc_score(judged.is_bad, judged.pd))


def test_the_words_are_a_variable_of_the_scorecard_with_bins_and_points(model, loans):
    found = explain_scorecard(model)
    assert {row[0] for row in found.tables["variables"].rows} == {"income", TEXT_PD}
    points = {(row[0], row[1]): row for row in found.tables["scorecard"].rows}
    assert {name for name, _ in points} == {"income", TEXT_PD}
    assert auc_of(model, loans) > auc_of(scorecard(text=[]).fit(loans), loans) + 0.03


def test_a_scorecard_of_texts_adds_pd_and_points_and_is_saved(model, loans, tmp_path):
    assert scorecard().features == ("income", "desc")
    scored = model.transform(loans)
    assert scored.columns == [*loans.columns, "points", "pd"]
    assert scored.schema["pd"] == scorecard().transformSchema(loans.schema)["pd"]
    model.save(str(tmp_path / "model"))
    again = PipelineModel.load(str(tmp_path / "model")).transform(loans)
    pandas.testing.assert_frame_equal(again.toPandas(), scored.toPandas())


def test_the_variable_is_judged_on_loans_that_have_the_text_alone(model, loans):
    judged = judge_variables(loans.where("sample = 'calibration'"), model)
    rows = {row[0]: row for row in judged.tables["variables_judged"].rows}
    assert rows[TEXT_PD][2] > 0.55 and not rows[TEXT_PD][4]


def test_a_challenger_learns_the_words_anew_in_each_fold(loans, monkeypatch):
    monkeypatch.setattr(cross_fitted, "FOLDS", 2)  # sooner done
    challenger = challenger_pd(
        **OF_CHALLENGER
        | READ
        | {
            "trainer": "logistic",
            "monotone": {},
            "settings": {},
            "search": {"regParam": {"low": 1e-4, "high": 1.0, "log": True}},
            "trials": 2,
        }
    )
    challenger.begin_from(leak_report(), None)
    fitted = challenger.fit(loans)
    slots = {row[0] for row in explain_challenger(fitted).tables["coefficients"].rows}
    assert any(TEXT_PD in slot for slot in slots)
    assert auc_of(fitted, loans) > 0.7
    scored = fitted.transform(loans).toPandas()
    assert list(scored) == [*LOANS, "pd"]
    assert scored.pd.mean() == pytest.approx(LOANS.is_bad.mean(), abs=0.02)


def test_texts_are_strings_are_there_and_no_feature_is_called_as_their_score(loans):
    with pytest.raises(DataError, match="Column 'desc' is double; a text must be a string"):
        scorecard().check_training_schema(loans.withColumn("desc", loans.income).schema)
    with pytest.raises(DataError, match="needs column 'desc', which the table lacks"):
        scorecard().fit(loans.drop("desc"))
    with pytest.raises(
        DataError, match="Cannot score texts: desc hold words in 0 good and 0 bad rows"
    ):
        scorecard().fit(loans.withColumn("desc", loans.desc.substr(0, 0)))
    with pytest.raises(ConfigError, match=f"include {TEXT_PD}, which no application has"):
        scorecard(numeric=["income", TEXT_PD])


def test_more_rounds_keep_no_text_score_and_are_refused(loans, monkeypatch):
    monkeypatch.setattr(cross_fitted, "FOLDS", 2)
    challenger = challenger_pd(
        **OF_CHALLENGER
        | READ
        | {"trainer": "xgboost", "monotone": {}, "settings": {"n_estimators": 3}}
    )
    challenger.begin_from(leak_report(), None)
    base = challenger.fit(loans)
    challenger.begin_from(leak_report(), base)
    with pytest.raises(ConfigError, match="Take an empty 'text', or version 0"):
        challenger.fit(loans)
