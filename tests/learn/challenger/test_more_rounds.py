"""Boosting that goes on where a fitted challenger has stopped."""

import json

import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.challenger.more_rounds import Base
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.challenger.record import classifier_of, records_of
from penstock.learn.tuning.explain import findings_of
from tests.learn.challenger.loans import LOANS, PARAMETERS, challenger, leak_report

pytestmark = pytest.mark.slow

N, M = 6, 4
# Nothing is drawn: then it does not matter where the draws go on.
WHOLE = {"subsample": 1.0, "colsample_bytree": 1.0}


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS).persist()


def boosted(loans, rounds, base=None, settings=WHOLE, **changes):
    classifier = challenger("xgboost", settings={**settings, "n_estimators": rounds}, **changes)
    classifier.begin_from(leak_report(), base)
    return classifier.fit(loans)


def trees_of(model):
    """Return the trees of a fitted challenger as text, split by split."""
    return classifier_of(model).get_booster().get_dump(dump_format="json")


@pytest.fixture(scope="module")
def base(loans, tmp_path_factory):
    """Return a challenger as a later run reads it."""
    path = str(tmp_path_factory.mktemp("base") / "model")
    boosted(loans, N).write().save(path)
    return PipelineModel.load(path)


def numbers(tree):
    """Return features, thresholds and leaves of a tree, in their order."""
    if "leaf" in tree:
        return [tree["leaf"]]
    below = [number for child in tree["children"] for number in numbers(child)]
    return [int(tree["split"][1:]), tree["split_condition"], *below]


def test_so_many_rounds_more_are_as_many_at_once_on_the_same_rows(loans, base, tmp_path):
    longer, at_once = boosted(loans, M, base), boosted(loans, N + M)
    assert len(trees_of(longer)) == N + M
    assert trees_of(longer)[:N] == trees_of(base) == trees_of(at_once)[:N]
    for added, wanted in zip(trees_of(longer)[N:], trees_of(at_once)[N:], strict=True):
        # Margins so far are added up anew, in float32.
        assert numbers(json.loads(added)) == pytest.approx(numbers(json.loads(wanted)), rel=1e-4)
    evidence = explain_challenger(longer)
    assert evidence.metrics["rounds"] == N + M and evidence.metrics["rounds_before"] == N
    assert "rounds_before" not in explain_challenger(base).metrics
    path = str(tmp_path / "model")
    longer.write().save(path)
    again = PipelineModel.load(path)
    scored = [m.transform(loans).select("pd").toPandas().pd for m in (longer, again)]
    assert scored[0].equals(scored[1])
    assert len(trees_of(boosted(loans, 1, again))) == N + M + 1


def test_what_is_told_of_the_base_is_not_told_of_the_model_that_goes_on(loans, base):
    longer = boosted(loans, M, base)
    longest = boosted(loans, 1, longer)
    assert [record.rounds_before for record in records_of(longest)] == [N + M]
    assert explain_challenger(longest).metrics["rounds_before"] == N + M
    folded = loans.withColumn("fold", F.expr("CAST(pmod(hash(debt), 2) AS INT)"))
    search = {"search": {"max_depth": {"low": 2, "high": 3}}, "trials": 1, "slots": 1}
    found = boosted(folded, N, **search)
    assert findings_of(found) is not None
    assert findings_of(boosted(folded, M, found)) is None


def test_other_rows_are_encoded_as_the_trees_so_far_know_them(loans, base):
    young = loans.where("purpose <> 'car'").replace("home", "yacht", "purpose")
    longer = boosted(young, M, base)
    indexer = next(s for s in longer.stages if hasattr(s, "labelsArray"))
    assert set(indexer.labelsArray[0]) == {"car", "card", "home"}
    assert trees_of(longer)[:N] == trees_of(base)


def test_draws_go_on_and_are_not_drawn_again(loans):
    half = {"subsample": 0.5, "colsample_bytree": 1.0}
    first = boosted(loans, 2, settings=half)
    more = classifier_of(boosted(loans, 2, first, settings=half))
    assert (
        more.getOrDefault("random_state") == classifier_of(first).getOrDefault("random_state") + 2
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"numeric": ["income", "debt"]}, "catalog.challenger_base; the list lacks term. Take"),
        ({"numeric": ["income", "term", "debt"]}, "in its order: income, debt, term, purpose"),
        (
            {"numeric": ["income", "debt", "months"], "categorical": ["purpose"]},
            "lacks term and has months beyond them",
        ),
        ({"monotone": {"income": "decreasing"}}, "'monotone' asks for other directions than"),
    ],
)
def test_what_cannot_go_on_is_refused(loans, base, changes, said):
    with pytest.raises(ConfigError, match=said):
        boosted(loans.withColumn("months", loans.term), M, base, **changes)


def test_rows_that_the_base_has_learnt_from_calibrate_nothing(loans, base, tmp_path):
    folded = loans.withColumn("fold", F.expr("CAST(pmod(hash(debt), 2) AS INT)"))
    with pytest.raises(ConfigError, match="have learnt from every fold: no fold is left"):
        boosted(folded, M, base, calibration="out_of_fold")
    boosted(folded, N, calibration="out_of_fold").write().save(str(tmp_path / "model"))
    with pytest.raises(ConfigError, match="made with calibration: out_of_fold. It has learnt"):
        boosted(folded, M, PipelineModel.load(str(tmp_path / "model")))


def test_only_xgboost_without_a_search_goes_on(loans, base):
    logistic = challenger("logistic")
    with pytest.raises(ConfigError, match="ends in a LogisticRegressionModel, which cannot be"):
        logistic.begin_from(leak_report(), logistic.fit(loans))
    for changes in (
        {"search": {"max_depth": {"low": 1, "high": 2}}, "trials": 1},
        {"trainer": "auto", "candidates": ["gbt", "xgboost"]},
        {"trainer": "auto", "candidates": ["gbt"]},
        {"trainer": "logistic"},
    ):
        classifier = challenger_pd(**PARAMETERS | changes)
        classifier.begin_from(leak_report(), base)
        with pytest.raises(ConfigError, match="take trainer: xgboost and an empty search, or"):
            classifier.fit(loans)
    assert Base(base).rounds == N
