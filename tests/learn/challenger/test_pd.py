import numpy as np
import pandas
import pytest
import xgboost
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from penstock.catalyst.internals import count_jobs
from penstock.catalyst.stage_schemas import check_fit, stage_columns, unseeded
from penstock.errors import ConfigError
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.logistic import coefficient_table
from tests.learn.challenger.loans import FEATURES, LOANS, PARAMETERS, SMALL, challenger

DEVELOPMENT = LOANS[LOANS["sample"] == "development"]


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS).persist()


@pytest.fixture(scope="module")
def models(loans):
    return {trainer: challenger(trainer).fit(loans) for trainer in SMALL}


@pytest.fixture(scope="module")
def scored(models, loans):
    return {trainer: model.transform(loans).toPandas() for trainer, model in models.items()}


@pytest.mark.parametrize("trainer", SMALL)
def test_a_calibrated_pd_is_added_and_nothing_else(scored, trainer):
    rows = scored[trainer]
    assert list(rows.columns) == [*LOANS.columns, "pd"] and rows.pd.between(0, 1).all()
    held = rows[rows["sample"] == "calibration"]
    # Platt's targets move the mean by about 1 / loans.
    assert held.pd.mean() == pytest.approx(held.is_bad.mean(), abs=2e-3)
    assert roc_auc_score(held.is_bad, held.pd) > 0.75


def test_xgboost_in_spark_is_xgboost(loans):
    everything = {"subsample": 1.0, "colsample_bytree": 1.0}
    model = challenger("xgboost", settings=everything).fit(loans)
    margin = vector_to_array("rawPrediction")[1].alias("margin")
    found = PipelineModel(model.stages[:-1]).transform(loans).select(margin).toPandas().margin

    def encoded(rows):
        levels = pandas.Categorical(rows.purpose, categories=["car", "card", "home"])
        dummies = pandas.get_dummies(levels).set_index(rows.index)
        return pandas.concat([rows[PARAMETERS["numeric"]], dummies], axis=1).astype("float32")

    alone = xgboost.XGBClassifier(
        **SMALL["xgboost"], **everything, min_child_weight=5, n_jobs=1, tree_method="hist",
        base_score=DEVELOPMENT.is_bad.mean(),
    ).fit(encoded(DEVELOPMENT), DEVELOPMENT.is_bad)  # fmt: skip
    expected = alone.predict(encoded(LOANS), output_margin=True)
    # Gradients are summed in another order, in float32 in the end.
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("trainer", ["logistic", "random_forest", "xgboost"])
def test_the_partitions_do_not_change_a_bit(models, loans, scored, trainer):
    again = challenger(trainer).fit(loans.repartition(5, "debt"))
    few = loans.where("debt < 500")
    before = scored[trainer][scored[trainer].debt < 500]
    assert sorted(again.transform(few).toPandas().pd) == sorted(before.pd)


def test_a_saved_model_scores_and_explains_the_same(models, scored, loans, tmp_path):
    models["xgboost"].write().overwrite().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    pandas.testing.assert_frame_equal(loaded.transform(loans).toPandas(), scored["xgboost"])
    assert explain_challenger(loaded) == explain_challenger(models["xgboost"])


@pytest.mark.parametrize("trainer", SMALL)
def test_unseen_categories_and_gaps_get_a_pd(models, spark, trainer):
    applications = spark.createDataFrame(
        [
            (None, None, None, None),
            (float("nan"), 1.0, 36, "yacht"),
            (0.5, 9e9, 60, " "),
            (-1e300, 1e39, 60, "car"),  # beyond floats of 32 bits
        ],
        "income DOUBLE, debt DOUBLE, term INT, purpose STRING",
    )
    assert all(0 < row.pd < 1 for row in models[trainer].transform(applications).collect())


def test_xgboost_learns_from_numbers_beyond_its_own_as_from_the_greatest(loans, spark):
    def fitted(most):
        far = F.when(F.col("debt") > 3000, most).otherwise(F.col("debt"))
        few = {"n_estimators": 3, "subsample": 1.0, "colsample_bytree": 1.0}
        return challenger("xgboost", settings=few).fit(loans.withColumn("debt", far))

    applications = spark.createDataFrame(LOANS[FEATURES].head(50))
    beyond, greatest = (fitted(most).transform(applications) for most in (1e300, 3.4e38))
    pds, as_greatest = ([row.pd for row in scored.collect()] for scored in (beyond, greatest))
    assert pds == pytest.approx(as_greatest, abs=1e-6)


def test_xgboost_learns_from_what_is_missing(scored):
    by_gap = scored["xgboost"].groupby(LOANS.income.isna()).pd.mean()
    assert by_gap[True] > by_gap[False] + 0.1


@pytest.fixture(scope="module")
def balanced(loans):
    directions = {"income": "decreasing", "debt": "increasing"}
    return challenger("xgboost", monotone=directions, class_weights="balanced").fit(loans)


def test_a_direction_is_kept_where_it_is_asked_for(models, balanced, spark):
    steps = np.linspace(-2.5, 2.5, 60)
    lines = pandas.DataFrame(
        [(income, debt, 36, "car") for income in steps for debt in (100.0, 1000.0, 5000.0)]
        + [(0.0, debt, 60, "card") for debt in np.geomspace(10, 8000, 60)],
        columns=FEATURES,
    )
    rows = spark.createDataFrame(lines)

    def rises(model):
        pds = model.transform(rows).toPandas().pd.to_numpy()
        by_income, by_debt = pds[:180].reshape(60, 3), pds[180:]
        return (np.diff(by_income, axis=0) > 0).any(), (np.diff(by_debt) < 0).any()

    assert rises(balanced) == (False, False)
    assert any(rises(models["xgboost"]))


def test_balanced_classes_weigh_the_same_and_the_pd_stays_calibrated(loans, balanced):
    one = {"numeric": ["debt"], "categorical": [], "class_weights": "balanced"}
    model = challenger("logistic", settings={"regParam": 0.0}, **one).fit(loans)
    tail = next(iter(model.stages[1].tails.values()))
    shaped = np.log1p(DEVELOPMENT.debt.clip(tail.low, tail.high) / tail.scale) / tail.unit
    expected = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10).fit(
        shaped.to_numpy()[:, None], DEVELOPMENT.is_bad
    )
    found = {row[:2]: row[2] for row in coefficient_table(model).rows}
    assert found["debt", "value"] == pytest.approx(expected.coef_[0, 0], abs=2e-3)
    assert found["(intercept)", ""] == pytest.approx(expected.intercept_[0], abs=2e-3)
    assert balanced.stages[-2].getOrDefault("base_score") == 0.5
    held = balanced.transform(loans.where("sample = 'calibration'"))
    [means] = held.agg(F.avg("pd").alias("pd"), F.avg("is_bad").alias("bad_rate")).collect()
    assert means.pd == pytest.approx(means.bad_rate, abs=2e-3)


@pytest.mark.parametrize("trainer", ["random_forest", "gbt", "xgboost"])
def test_importance_is_shared_out_among_the_features(models, trainer):
    evidence = explain_challenger(models[trainer])
    shares = dict(evidence.tables["importance"].rows)
    assert set(shares) == set(FEATURES) and sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == "income"
    assert evidence.metrics["greatest_importance"] == shares["income"]


def test_an_isotonic_pd_is_explained_as_well(loans):
    model = challenger("logistic", calibrator="isotonic").fit(loans)
    assert explain_challenger(model).tables["coefficients"].rows
    assert model.transform(loans.limit(99)).toPandas().pd.between(0, 1, inclusive="neither").all()


def test_types_are_known_without_a_job(spark, loans):
    before = count_jobs(spark)
    for trainer in SMALL:
        estimator = challenger(trainer)
        assert check_fit(estimator, loans.schema).names == [*LOANS.columns, "pd"]
        assert stage_columns(estimator) == (tuple(FEATURES), ("pd",))
        assert unseeded(estimator) == []
    assert count_jobs(spark) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"numeric": [], "categorical": []}, "The challenger has no features"),
        ({"categorical": ["income"]}, "named twice: income"),
        ({"trainer": "gradient"}, "'trainer' is 'gradient'; it must be one of"),
        ({"settings": {"n_estimator": 9}}, "'n_estimator', .*Did you mean 'n_estimators'"),
        ({"class_weights": "balance"}, "'class_weights' is 'balance'; .*mean 'balanced'"),
        ({"monotone": {"incme": "decreasing"}}, "'incme', which .* Did you mean 'income'"),
        ({"monotone": {"purpose": "decreasing"}}, "'purpose', a category"),
        ({"monotone": {"income": "down"}}, "has 'down' for 'income'; it must be increasing or"),
        (
            {"trainer": "gbt", "monotone": {"income": "decreasing"}},
            "'monotone' names income, but the trainer gbt cannot keep a direction. Take xgboost",
        ),
    ],
)
def test_wrong_parameters_are_refused_before_spark(changes, said):
    with pytest.raises(ConfigError, match=said):
        challenger_pd(**PARAMETERS | changes)
