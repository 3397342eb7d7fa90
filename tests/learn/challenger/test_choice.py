"""The trainer chosen on real rows, and the features that are left out."""

import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel

from penstock.errors import ConfigError, DataError
from penstock.evidence import Evidence
from penstock.learn.binning.leaks import find_leaks, left_out_by
from penstock.learn.binning.woe import WoeBinning
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.challenger.record import records_of
from penstock.learn.tuning.explain import findings_of
from tests.learn.challenger.loans import PARAMETERS, leak_report

pytestmark = pytest.mark.slow

N, FOLDS = 900, 2
SETTINGS = {"logistic": {"regParam": 0.001}, "xgboost": {"n_estimators": 12, "learning_rate": 0.3}}
TWO = {"trainer": "auto", "candidates": ["logistic", "xgboost"], "settings": SETTINGS}
BOTH = {"numeric": ["x", "z"], "categorical": []}
OF_Z = {"numeric": ["z"], "categorical": []}


def challenger(**changes):
    return challenger_pd(**PARAMETERS | BOTH | changes)


@pytest.fixture(scope="module")
def loans(spark):
    """Return loans whose risk is high where x is near 0, and rises with z."""
    random = np.random.default_rng(3)
    x, z = random.normal(size=(2, N))
    log_odds = np.where(abs(x) < 0.7, 0.5, -2.5) + z
    is_bad = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype("int32")
    # What was paid tells the outcome nearly without error, and one column is the outcome.
    paid = np.where(random.random(N) < 0.03, 1 - is_bad, is_bad).astype(float)
    number = np.arange(N)
    table = pandas.DataFrame({"x": x, "z": z, "is_bad": is_bad, "paid": paid, "copy": is_bad})
    return spark.createDataFrame(
        table.assign(
            purpose=random.choice(["car", "card"], N),
            sample=np.where(number % 3 < 2, "development", "calibration"),
            fold=(number // 3 % FOLDS).astype("int32"),
        )
    ).persist()


def pds(model, loans):
    return sorted(row.pd for row in model.transform(loans).select("pd").collect())


@pytest.fixture(scope="module")
def chosen(loans):
    """Return a challenger chosen where trees see more than a line, and what was kept of it."""
    kept, search = {}, {"xgboost": {"max_depth": {"low": 2, "high": 3}}}
    classifier = challenger(**TWO, search=search, trials=1, slots=1)
    classifier.resume_from(kept)
    return classifier.fit(loans), kept


def test_the_better_trainer_is_taken_and_then_tuned_and_the_choice_is_in_the_evidence(
    loans, chosen, tmp_path
):
    model, kept = chosen
    assert len(kept) == FOLDS * (2 + 1)
    table = explain_challenger(model).tables["trainers"]
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert list(rows) == ["logistic", "xgboost"] and rows["xgboost"]["chosen"] == "yes"
    assert rows["logistic"]["behind the best"] > rows["logistic"]["its standard error"] > 0
    assert all(row["core seconds"] > 0 and row["seconds"] > 0 for row in rows.values())
    settings = SETTINGS["xgboost"] | findings_of(model).best.settings
    assert pds(model, loans) == pds(challenger(settings=settings).fit(loans), loans)
    model.write().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    assert explain_challenger(loaded).tables["trainers"] == table
    assert {a.name for a in loaded.stages[0].attempts} == {"trainer logistic", "trainer xgboost"}


def test_what_is_kept_is_not_judged_again_and_partitions_change_nothing(loans, chosen):
    model, kept = chosen
    of_xgboost = [key for key in kept if "xgboost" in key]
    some = {key: score for key, score in kept.items() if key != of_xgboost[0]}
    again = challenger(**TWO)
    again.resume_from(some)
    [fresh], [first] = records_of(again.fit(loans.repartition(5, "z"))), records_of(model)
    seconds, losses = (
        [
            [
                [getattr(score, name) for score in trial.folds]
                for trial in record.contest.found.trials
            ]
            for record in (first, fresh)
        ]
        for name in ("seconds", "log_loss")
    )
    assert losses[0] == losses[1]
    assert seconds[0][0] == seconds[1][0] and seconds[0][1][1] == seconds[1][1][1]
    assert seconds[0][1][0] != seconds[1][1][0]


def test_the_cheaper_trainer_is_taken_where_it_is_as_good_also_out_of_fold(loans):
    changed = OF_Z | {"calibration": "out_of_fold"}
    model = challenger(**TWO | changed).fit(loans)
    [contest] = [record.contest for record in records_of(model) if record.contest]
    # If both are as good, it is the machine's to say which of them is clearly cheaper.
    costs = {
        one.trainer: one.trial.total("core_seconds") for one in contest.standings if one.is_as_good
    }
    cheap = [trainer for trainer, cost in costs.items() if cost <= 2 * min(costs.values())]
    assert "logistic" in costs and contest.chosen == cheap[0]
    settings = SETTINGS[contest.chosen]
    fixed = challenger(trainer=contest.chosen, settings=settings, **changed).fit(loans)
    assert pds(model, loans) == pds(fixed, loans)


FEATURES = {"numeric": ["x", "z", "paid", "copy"], "categorical": ["purpose"]}


def test_the_leaks_are_those_that_the_scorecards_bins_leave_out(loans):
    rules = {"special_codes": {"x": [0.0]}, "forced": [], "max_bins": None, "binning": {}}
    report = find_leaks(loans, **FEATURES, **rules)
    binning = WoeBinning.of(**FEATURES, label="is_bad")
    bins = binning.fit(loans.where("sample = 'development'"))
    found = left_out_by(Evidence.from_json(report.to_json()))
    assert found == bins.left_out and report.metrics["leaks"] == 2
    assert found["copy"].startswith("target copy") and found["paid"].startswith("leak alarm: AUC")
    for changed in ({"forced": ["paid"]}, {"binning": {"paid": {"is_trusted": True}}}):
        trusted = find_leaks(loans, **FEATURES, **rules | changed)
        assert set(left_out_by(trusted)) == {"copy"}

    settings = {"settings": SETTINGS["xgboost"]}
    classifier = challenger(**FEATURES, **settings, monotone={"paid": "increasing"})
    classifier.begin_from(report, None)
    model = classifier.fit(loans)
    evidence = explain_challenger(model)
    assert dict(evidence.tables["left_out"].rows) == found
    assert {row[0] for row in evidence.tables["importance"].rows} == {"x", "z", "purpose"}
    without = challenger(**settings, categorical=["purpose"])
    assert pds(model, loans) == pds(without.fit(loans), loans)


@pytest.mark.parametrize("trainer", ["logistic", "xgboost"])
def test_a_feature_that_tells_nothing_is_left_out(loans, trainer):
    nothing = loans.selectExpr(
        "*", "CAST(null AS DOUBLE) AS empty", "'' AS blank", "CAST(x AS STRING) AS name", "1 AS one"
    )
    features = {"numeric": ["x", "z", "empty", "one"], "categorical": ["blank", "name"]}
    rules = {"special_codes": {}, "forced": [], "max_bins": None, "binning": {}}
    report = find_leaks(nothing, **features, **rules)
    classifier = challenger(**features, trainer=trainer, settings=SETTINGS[trainer])
    classifier.begin_from(report, None)
    model = classifier.fit(nothing)
    left_out = dict(explain_challenger(model).tables["left_out"].rows)
    assert set(left_out) == {"empty", "one", "blank", "name"} and report.metrics["leaks"] == 0
    assert left_out["empty"] == left_out["blank"] == "it has no value"
    assert left_out["name"].startswith("identifier-like")
    without = challenger(trainer=trainer, settings=SETTINGS[trainer])
    assert pds(model, nothing) == pds(without.fit(loans), loans)


def test_a_challenger_of_leaks_alone_is_refused(loans):
    classifier = challenger(**OF_Z)
    classifier.begin_from(leak_report(z="leak alarm: AUC 0.9"), None)
    with pytest.raises(DataError, match="No feature is left: z: leak alarm: AUC 0.9. Name leaks"):
        classifier.fit(loans)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidates": []}, r"'candidates' is \[\]; it must name trainers, each once"),
        ({"candidates": ["gbt", "gbt"]}, "it must name trainers, each once"),
        ({"candidates": ["xgbost"]}, "'candidates' names 'xgbost'; .* Did you mean 'xgboost'"),
        ({"settings": {"maxDepth": 3}}, "'settings' is by trainer, and 'maxDepth' is none of log"),
        ({"settings": {"gbt": {}}}, "'gbt' is none of logistic, xgboost: write settings"),
        ({"settings": {"xgboost": 3}}, "'settings' has 3 for xgboost; it must be a map"),
        ({"settings": {"xgboost": {"max_dept": 3}}}, "'max_dept', which the trainer xgboost does"),
        ({"search": {"logistic": {"regParm": {"low": 0.1, "high": 1.0}}}}, "mean 'regParam'"),
        (
            {"candidates": ["logistic", "gbt"], "monotone": {"income": "decreasing"}},
            "None of the candidates logistic, gbt can keep a direction, .* Add xgboost, or",
        ),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_any_fit(changes, said):
    with pytest.raises(ConfigError, match=said):
        challenger_pd(**PARAMETERS | TWO | {"settings": {}, "trials": 1} | changes)


def test_those_who_cannot_keep_a_direction_are_passed_over():
    kept = challenger_pd(**PARAMETERS | TWO | {"monotone": {"income": "decreasing"}})
    assert kept.recipe.trainers == ("xgboost",)
