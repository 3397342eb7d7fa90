import threading
import time

import numpy as np
import pytest
from pyspark.ml import Estimator, Pipeline, PipelineModel
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from penstock.errors import ConfigError, DataError
from penstock.evidence import Evidence
from penstock.learn.tuning.explain import explain_search, findings_of, list_trials
from penstock.learn.tuning.record import SearchRecord
from tests.learn.tuning.loans import (
    FOLDS,
    MeanOfLevel,
    Spy,
    calibrated,
    loans,
    regression,
    tuned,
)

LIMITS = {"max_overfit": 0.1, "max_optimism": 0.05}


def build(settings):
    return regression(["x", "z"], **settings)


@pytest.fixture(scope="module")
def rows(spark):
    return loans(spark).cache()


@pytest.fixture(scope="module")
def development(rows):
    return rows.where("sample = 'development'").drop("sample")


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture(scope="module")
def model(rows, kept):
    classifier = calibrated(tuned(build))
    classifier.resume_from(kept)
    return classifier.fit(rows)


def without_seconds(found):
    return [(t.number, t.settings, t.state, [(s.log_loss, s.auc) for s in t.folds])
            for t in found.trials]  # fmt: skip


def test_the_model_is_fitted_on_all_rows_by_the_best_settings_and_adds_the_pd_alone(rows, model):
    found = findings_of(model)
    assert len(found.trials) == 4 and found.folds == (0, 1, 2)
    alone = calibrated(build(found.best.settings), fold=None).fit(rows)
    scored = model.transform(rows)
    assert scored.columns == [*rows.columns, "pd"]
    wanted = alone.transform(rows).select("id", F.col("pd").alias("wanted"))
    assert scored.join(wanted, "id").where("pd <> wanted").count() == 0


def test_fold_scores_are_those_of_an_independent_computation(development, model):
    trial = findings_of(model).best
    for fold, score in enumerate(trial.folds):
        fitted = build(trial.settings).fit(development.where(f"fold <> {fold}"))
        for part, auc, loss in (
            (f"fold = {fold}", score.auc, score.log_loss),
            (f"fold <> {fold}", score.in_fold_auc, score.in_fold_log_loss),
        ):
            scored = fitted.transform(development.where(part)).toPandas()
            margin = np.array([vector[1] for vector in scored.rawPrediction])
            # Margins are counted to 1e-4, so that a pair or two may tie.
            assert auc == pytest.approx(roc_auc_score(scored.is_bad, margin), abs=1e-3)
            platt = LogisticRegression(C=1e6).fit(margin[:, None], scored.is_bad)
            wanted = log_loss(scored.is_bad, platt.predict_proba(margin[:, None]))
            # Platt's targets are a little off 0 and 1.
            assert loss == pytest.approx(wanted, abs=1e-3)


def test_what_is_kept_is_taken_and_the_rest_is_fitted_anew_to_the_same_trials(rows, model, kept):
    fits = []

    def noted(settings):
        return Spy(build(settings), fits)

    assert len(kept) == sum(len(trial.folds) for trial in findings_of(model).trials)
    some = dict(list(kept.items())[:8])
    again = tuned(noted)
    again.resume_from(some)
    development = rows.where("sample = 'development'").drop("sample")
    refitted = again.fit(development)
    assert without_seconds(findings_of(refitted)) == without_seconds(findings_of(model))
    assert len(fits) == len(kept) - 8 + 1 and some.keys() == kept.keys()


def test_a_fold_is_held_out_from_all_that_judges_it(development):
    everyone = {row.id: row.fold for row in development.collect()}
    for by_time in (False, True):
        fits = []
        search = tuned(lambda s, fits=fits: Spy(build(s), fits), by_time=by_time, trials=1, slots=1)
        found = findings_of(search.fit(development))
        judged = range(1, FOLDS) if by_time else range(FOLDS)
        assert found.folds == tuple(judged)
        wanted = [
            {i for i, f in everyone.items() if (f < fold if by_time else f != fold)}
            for fold in judged
        ]
        assert [ids for ids, _ in fits] == [*wanted, set(everyone)]
        assert all("fold" not in columns for _, columns in fits)


def test_the_model_is_saved_and_typed_and_its_stages_read_no_column_of_the_fold(
    rows, model, tmp_path
):
    model.write().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    assert isinstance(loaded.stages[0], SearchRecord)
    assert findings_of(loaded) == findings_of(model)
    applications = rows.select("id", "x", "z")
    assert loaded.transform(applications).collect() == model.transform(applications).collect()
    typed = calibrated(tuned(build))
    assert typed.transformSchema(applications.schema).names == ["id", "x", "z", "pd"]
    with pytest.raises(DataError, match="needs column 'fold'"):
        typed.check_training_schema(rows.drop("fold").schema)


def test_trials_are_listed_as_a_table_and_as_attempts(model):
    found = findings_of(model)
    listed = list_trials(model).collect()
    assert [row.trial for row in listed] == [0, 1, 2, 3]
    assert [row.trial for row in listed if row.is_best] == [found.best.number]
    assert listed[0].auc == found.trials[0].mean("auc")
    attempts = model.stages[0].attempts
    assert attempts[1].params == found.trials[1].settings
    assert attempts[1].metrics["mean_log_loss"] == listed[1].log_loss


def test_settings_that_fail_are_told_and_the_others_go_on(development):
    search = {"regularisation": {"choices": [-1.0, 0.1]}}
    model = tuned(build, search=search, trials=2, seed=0).fit(development)
    states = {t.settings["regularisation"]: (t.state, t.reason) for t in findings_of(model).trials}
    assert states[0.1][0] == "complete"
    assert states[-1.0][0] == "failed" and "regParam given invalid value -1.0" in states[-1.0][1]
    told = explain_search(model, Evidence({}), **LIMITS)
    assert told.metrics["failed"] > 0 and told.metrics["optimism"] is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("CAST(NULL AS INT)", "rows have no fold"),
        ("1", "fold has 1 value"),
        ("if(is_bad = 1, 1, 0)", r"all \d+ rows with fold = . have is_bad = ., and both"),
    ],
)
def test_folds_that_cannot_judge_are_refused(development, changed, told):
    with pytest.raises(DataError, match=told):
        tuned(build).fit(development.withColumn("fold", F.expr(changed)))


def test_without_trials_or_settings_to_try_the_classifier_is_fitted_as_it_is(development):
    fixed = lambda settings: regression(["x"], **{"regularisation": 0.1, **settings})  # noqa: E731
    for changed in ({"trials": 0}, {"search": {}}):
        model = tuned(fixed, **changed).fit(development.drop("fold"))
        assert findings_of(model) is None
        assert explain_search(model, Evidence({}), **LIMITS) == Evidence({"trials": 0.0})
    assert list_trials(model).collect() == []


def test_a_setting_nobody_knows_is_found_before_any_fit():
    def strict(settings):
        raise ConfigError("no setting 'depht'")

    with pytest.raises(ConfigError, match="depht"):
        tuned(strict)


class Endless(Estimator):
    """Never comes to the end of its fit."""

    def _fit(self, dataset):
        dataset.sparkSession.range(10**15).selectExpr("max(hash(id))").collect()
        raise AssertionError("came to an end")


def test_jobs_that_are_cancelled_end_the_search(spark, development):
    def cancel():
        tracker = spark.sparkContext.statusTracker()
        while len(tracker.getActiveJobsIds()) < 2:
            time.sleep(0.05)
        spark.sparkContext.cancelAllJobs()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(Exception, match="cancelled"):
        tuned(lambda settings: Endless(), trials=50).fit(development)


def test_an_encoding_by_outcome_is_named_by_the_gap_inside_or_outside_the_folds(spark):
    random = np.random.default_rng(8)
    rows = [
        (n, f"level {random.integers(300)}", int(random.random() < 0.3), n % 2, n >= 900)
        for n in range(2 * 900)
    ]
    table = spark.createDataFrame(
        rows, "id INT, level STRING, is_bad INT, fold INT, is_judged BOOLEAN"
    ).cache()
    development = table.where("NOT is_judged")
    encoding = MeanOfLevel("level", "encoded")
    outside = encoding.fit(development).transform(table).cache()
    tries = {
        "inside": (table, Pipeline(stages=[encoding, regression(["encoded"], 0.01)])),
        "outside": (outside, regression(["encoded"], 0.01)),
    }
    told = {}
    for name, (loans_, classifier) in tries.items():
        fixed = tuned(
            lambda settings, classifier=classifier: classifier,
            search={"none": {"choices": [0]}}, trials=1,
        )  # fmt: skip
        model = fixed.fit(loans_.where("NOT is_judged").drop("is_judged"))
        judged = model.transform(loans_.where("is_judged")).toPandas()
        area = roc_auc_score(judged.is_bad, [vector[1] for vector in judged.rawPrediction])
        evidence = explain_search(model, Evidence({"auc": area, "auc_high": area + 0.04}), **LIMITS)
        told[name] = evidence
    inside, outside_ = told["inside"].metrics, told["outside"].metrics
    # Three loans of a level tell much of each other's outcome if it is among what is averaged.
    assert inside["in_fold_auc"] > 0.7 and abs(inside["auc"] - 0.5) < 0.06
    assert outside_["auc"] > 0.7 and abs(outside_["overfit"]) < 0.05 < outside_["optimism"]
    [[of_inside]] = told["inside"].tables["warnings"].rows
    [[of_outside]] = told["outside"].tables["warnings"].rows
    assert "learns its rows by heart" in of_inside and "an encoding by outcome" in of_inside
    assert "an encoding or imputation that was fitted on all rows, outside the folds" in of_outside


def test_what_was_found_is_told_with_its_figures(model):
    evidence = explain_search(model, Evidence({"auc": 0.7, "auc_high": 0.75}), **LIMITS)
    found = findings_of(model)
    assert evidence.metrics["trials"] == evidence.metrics["complete"] == 4
    best_so_far = evidence.figures["progress"].series[1].y
    assert list(best_so_far) == list(
        np.minimum.accumulate([t.mean("log_loss") for t in found.trials])
    )
    assert evidence.figures["by_regularisation"].x_label == "log10 of regularisation"
    assert Evidence.from_json(evidence.to_json()) == evidence
    assert len(evidence.tables["trials"].rows) == 4
