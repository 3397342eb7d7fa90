import numpy as np
import pandas
import pytest
import xgboost
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from penstock.errors import ConfigError, DataError
from penstock.evidence import Evidence
from penstock.learn.binning.woe import WoeBinningModel
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.challenger.record import classifier_of
from penstock.learn.challenger.settings import SETTINGS
from penstock.learn.challenger.trainers import UNEXPLAINED
from penstock.learn.champion import champion_pd, champion_reasons
from penstock.learn.encoding import FEATURES, vector_slots
from penstock.learn.reasons import weighing
from penstock.learn.reasons.declines import decline_reasons, select_declines
from penstock.learn.reasons.stage import ReasonCodes
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.learn.scorecard.scoring import ScorecardPoints
from penstock.learn.stages import stage_of
from tests.learn.challenger.loans import PARAMETERS as OF_CHALLENGER
from tests.learn.challenger.loans import leak_report
from tests.learn.reasons.moving import pds_at_references, scored
from tests.learn.scorecard.simulated import LOANS
from tests.learn.scorecard.simulated import PARAMETERS as OF_SCORECARD

READ = {"numeric": ["income", "debt", "noise"], "categorical": ["purpose"], "text": []}
PLAIN = {"stepwise": "none", "iv_floor": 0.0, "constraints": {}}
CATALOGUE = {
    "families": {"means": ["income", "debt"]},
    "texts": {"means": "Income is low for the debt"},
    "protected": ["sex"],
    "most": 2,
}


@pytest.fixture(scope="module")
def loans(spark):
    numbered = LOANS.assign(row=np.arange(len(LOANS)))
    return spark.createDataFrame(numbered).coalesce(1).persist()


@pytest.fixture(scope="module")
def scorecard(loans):
    return scorecard_pd(**OF_SCORECARD | PLAIN).fit(loans)


@pytest.fixture(scope="module")
def trees(loans):
    few = {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.2}
    estimator = challenger_pd(**OF_CHALLENGER | READ | {"settings": few})
    estimator.begin_from(leak_report(), None)
    return estimator.fit(loans)


def reasons_of(model, loans, **changes):
    estimator = decline_reasons(**READ | CATALOGUE | changes)
    estimator.begin_from(model)
    return estimator.fit(loans)


def expected(weights: pandas.DataFrame, families: dict[str, str], most: int) -> list[list[tuple]]:
    """Rank by the plain words of the rule: worse than average, or else than the best."""
    told = []
    for row in weights.itertuples(index=False):
        for reference in (weights.mean(), weights.min()):
            worse = dict(zip(weights.columns, np.array(row) - reference.to_numpy(), strict=True))
            totals: dict[str, float] = {}
            for name, shortfall in worse.items():
                totals[families[name]] = totals.get(families[name], 0.0) + shortfall
            found = sorted((-total, family) for family, total in totals.items() if total > 1e-9)
            if found:
                break
        told.append(
            [
                (family, max((worse[n], n) for n in worse if families[n] == family)[1], -minus)
                for minus, family in found[:most]
            ]
        )
    return told


def assert_told(model, loans, weights, most=2):
    families = {name: "means" if name in ("income", "debt") else name for name in weights.columns}
    told = model.transform(loans).orderBy("row").select("reasons").collect()
    for [reasons], wanted in zip(told, expected(weights, families, most), strict=True):
        assert [(r.family, r.feature) for r in reasons] == [each[:2] for each in wanted]
        assert [r.shortfall for r in reasons] == pytest.approx([each[2] for each in wanted])


def test_a_scorecard_names_the_families_that_lose_most_points(scorecard, loans):
    model = reasons_of(scorecard, loans)
    binned = stage_of(scorecard, WoeBinningModel).transform(loans).orderBy("row").toPandas()
    rule = stage_of(scorecard, ScorecardPoints).point_rule
    lost = {name: -rule.exact(name, binned[f"woe_{name}"].to_numpy()) for name in rule.columns}
    assert_told(model, loans, pandas.DataFrame(lost))
    first = model.transform(loans).first()
    texts = {"means": "Income is low for the debt", "purpose": "purpose", "noise": "noise"}
    assert all(each.text == texts[each.family] for each in first.reasons)


def test_every_row_has_a_reason_unless_it_is_the_best_in_all(scorecard, loans):
    model = reasons_of(scorecard, loans, most=1)
    told = model.transform(loans).groupBy(F.size("reasons").alias("reasons")).count().collect()
    best = scorecard.transform(loans).agg(F.max("points")).first()[0]
    none = model.transform(loans).where("size(reasons) = 0").drop("reasons")
    assert {row.reasons for row in told} <= {0, 1}
    assert {row.points for row in scorecard.transform(none).collect()} <= {best}


def test_a_row_is_safer_with_each_named_feature_at_its_reference(scorecard, loans):
    rows = scored(scorecard, loans.select(*READ["numeric"], *READ["categorical"]))
    pds = pds_at_references(scorecard, reasons_of(scorecard, loans), rows)
    assert set(pds.by_average) == {True, False} and len(pds) > 5000
    assert (pds.after < pds.before).all()


def test_rows_beyond_the_break_even_pd_are_declined_and_all_are_explained_if_asked_for(spark):
    pds = spark.createDataFrame([(0.2,), (0.25,), (0.3,)], "pd DOUBLE")
    rows = pds.withColumn("model_version", F.lit("m/1"))
    for explain, chosen in (("declines", [0.3]), ("all", [0.2, 0.25, 0.3])):
        told = select_declines(rows, profit_of_good=1.0, loss_of_bad=3.0, explain=explain)
        assert [tuple(row) for row in told.collect()] == [(pd, "m/1") for pd in chosen]
        assert told.columns == ["pd", "declined_by"]


def encoded(model, loans) -> np.ndarray:
    stages = model.stages[: model.stages.index(classifier_of(model))]
    vectors = PipelineModel(stages).transform(loans).orderBy("row")
    return np.array([row[0] for row in vectors.select(vector_to_array(FEATURES)).collect()])


def by_feature(model, by_slot: np.ndarray) -> pandas.DataFrame:
    sums: dict[str, np.ndarray] = {}
    for slot, (feature, _) in enumerate(vector_slots(model)):
        sums[feature] = sums.get(feature, 0.0) + by_slot[:, slot]
    return pandas.DataFrame(sums)


def test_contributions_of_trees_add_up_to_the_margin(trees, loans):
    model = reasons_of(trees, loans)
    stages, _ = weighing.weigh(trees, loans)
    added = PipelineModel(stages).transform(loans)
    rows = added.select(
        F.expr("aggregate(_contributions[0], 0D, (a, b) -> a + b)").alias("sum"),
        vector_to_array("rawPrediction")[1].alias("margin"),
    ).toPandas()
    np.testing.assert_allclose(rows["sum"], rows.margin, atol=1e-6)
    assert model.transform(loans).columns == [*loans.columns, "reasons"]


def test_trees_name_the_families_that_contribute_most(trees, loans):
    matrix = xgboost.DMatrix(encoded(trees, loans))
    contributions = classifier_of(trees).get_booster().predict(matrix, pred_contribs=True)
    assert_told(reasons_of(trees, loans), loans, by_feature(trees, contributions.astype(float)))


def test_a_logistic_regression_names_what_its_coefficients_weigh(loans):
    estimator = challenger_pd(
        **OF_CHALLENGER | READ | {"trainer": "logistic", "settings": {"maxIter": 20}}
    )
    estimator.begin_from(leak_report(), None)
    fitted = estimator.fit(loans)
    products = encoded(fitted, loans) * classifier_of(fitted).coefficients.toArray()
    assert_told(reasons_of(fitted, loans), loans, by_feature(fitted, products))


def test_contributions_are_averaged_over_some_rows_only(trees, loans, monkeypatch):
    monkeypatch.setattr(weighing, "MOST_ROWS", 500)
    _, weights = weighing.weigh(trees, loans.select(*READ["numeric"], *READ["categorical"]))
    monkeypatch.undo()
    _, of_all = weighing.weigh(trees, loans.select(*READ["numeric"], *READ["categorical"]))
    differ = [some.average - every.average for some, every in zip(weights, of_all, strict=True)]
    assert 0 < max(map(abs, differ)) < 0.2


def test_a_champion_gives_the_reasons_of_the_model_that_was_chosen(scorecard, trees, loans):
    for decides, chosen in ((0.0, scorecard), (1.0, trees)):
        elected = champion_pd(**READ)
        elected.begin_from(Evidence({"challenger_decides": decides}), scorecard, trees)
        told = [
            reasons_of(model, loans).transform(loans).select("row", "reasons").collect()
            for model in (elected.fit(loans), chosen)
        ]
        assert told[0] == told[1]


def test_a_saved_model_tells_the_same(scorecard, loans, tmp_path):
    model = reasons_of(scorecard, loans)
    model.write().overwrite().save(str(tmp_path / "reasons"))
    again = PipelineModel.load(str(tmp_path / "reasons"))
    assert stage_of(again, ReasonCodes).weights == stage_of(model, ReasonCodes).weights
    few = loans.limit(50)
    assert again.transform(few).collect() == model.transform(few).collect()


def test_the_planner_knows_the_columns(scorecard, loans):
    estimator = decline_reasons(**READ | CATALOGUE)
    model = reasons_of(scorecard, loans)
    planned, told = estimator.transformSchema(loans.schema), model.transform(loans).schema
    assert planned.simpleString() == told.simpleString()
    with pytest.raises(DataError, match="need column 'income', .* Did you mean 'incomes'"):
        estimator.transformSchema(loans.withColumnRenamed("income", "incomes").schema)
    with pytest.raises(DataError, match="'reasons' is there already"):
        estimator.transformSchema(told)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"families": {"means": ["incom"]}}, "'incom' in 'means'.* Did you mean 'income'"),
        ({"families": {"a": ["debt"], "b": ["debt"]}}, "'debt' in 'a' and in 'b'"),
        ({"texts": {"mean": "x"}}, "names 'mean', .* Did you mean 'means'"),
        ({"protected": ["noise"]}, "'noise' is protected"),
        ({"protected": ["means"]}, "'income' is protected"),
        ({"most": 0}, "is 0; it must be from 1 to 4"),
        ({"most": 5}, "is 5; it must be from 1 to 4"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        decline_reasons(**READ | CATALOGUE | changes)


@pytest.mark.parametrize("trainer", UNEXPLAINED)
def test_a_model_without_exact_contributions_is_refused(loans, trainer):
    few = {"gbt": {"maxIter": 1, "maxDepth": 1}, "random_forest": {"numTrees": 1, "maxDepth": 1}}
    estimator = challenger_pd(
        **OF_CHALLENGER | READ | {"trainer": trainer, "settings": few[trainer]}
    )
    estimator.begin_from(leak_report(), None)
    with pytest.raises(ConfigError, match="ClassificationModel, .* scorecard, xgboost or"):
        reasons_of(estimator.fit(loans), loans)


PROMOTED = {"promote": True, "candidates": [*SETTINGS], "monotone": {}}


@pytest.mark.parametrize(
    ("changes", "may_be"),
    [
        ({"trainer": "gbt"}, "gbt"),
        ({"trainer": "random_forest"}, "random_forest"),
        ({"trainer": "auto"}, "random_forest or gbt"),
        ({"trainer": "auto", "candidates": ["xgboost", "gbt"]}, "gbt"),
    ],
)
def test_who_may_become_champion_can_be_explained_or_is_refused_beforehand(changes, may_be):
    with pytest.raises(ConfigError, match=f"its trainer may be {may_be}, which has no exact"):
        champion_reasons(**READ | CATALOGUE | PROMOTED | changes)
    # A challenger that only watches declines nobody.
    champion_reasons(**READ | CATALOGUE | PROMOTED | changes | {"promote": False})


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer": "xgboost"},
        {"trainer": "logistic"},
        {"trainer": "auto", "candidates": ["logistic", "xgboost"]},
        {"trainer": "auto", "monotone": {"income": "decreasing"}},  # which forests cannot keep
    ],
)
def test_who_can_be_explained_may_become_champion(changes):
    reasons = champion_reasons(**READ | CATALOGUE | PROMOTED | changes)
    assert reasons.most == CATALOGUE["most"]
