"""Out-of-fold calibration, against cross-fits of another library and with planted leaks."""

import numpy as np
import pandas
import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F
from scipy.special import expit
from sklearn import linear_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import PredefinedSplit

from penstock.errors import DataError
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.scaling import Calibration
from penstock.learn.tuning.explain import findings_of
from tests.learn.tuning.loans import MeanOfLevel, Spy, regression, tuned

N, FOLDS, LEVELS = 600, 2, 150


def simulated():
    """Return loans whose risk falls with x; a level says nothing, but some four loans share it."""
    random = np.random.default_rng(6)
    x = random.normal(size=N)
    return pandas.DataFrame(
        {
            "id": np.arange(N),
            "x": x,
            "level": random.integers(LEVELS, size=N).astype(str),
            "is_bad": (random.random(N) < expit(-1 - 1.5 * x)).astype(int),
            "sample": np.where(np.arange(N) % 4 == 3, "calibration", "development"),
            "fold": random.integers(FOLDS, size=N).astype("int32"),
        }
    )


LOANS = simulated()


def alone():
    """Return an unfitted logistic regression on x."""
    return Pipeline(
        stages=[
            VectorAssembler(inputCols=["x"], outputCol="_features"),
            LogisticRegression(featuresCol="_features", labelCol="is_bad", tol=1e-10),
        ]
    )


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS).coalesce(1).cache()


def out_of_fold(classifier, **changes):
    features = {"numeric": ["x"], "categorical": ["level"]} | changes.pop("features", {})
    return CalibratedClassifier(
        classifier,
        **features,
        label="is_bad",
        sample="sample",
        pd="pd",
        fold=changes.pop("fold", None),
        calibration=Calibration(calibration="out_of_fold", **changes),
    )


@pytest.fixture(scope="module")
def model(loans):
    return out_of_fold(alone()).fit(loans)


def test_it_is_scikit_learns_cross_fitted_platt_scaling(model, loans):
    theirs = CalibratedClassifierCV(
        linear_model.LogisticRegression(C=np.inf, tol=1e-10),
        method="sigmoid",
        cv=PredefinedSplit(LOANS.fold),
        ensemble=False,
    ).fit(LOANS[["x"]], LOANS.is_bad)
    found = model.transform(loans).sort("id").toPandas()
    assert list(found.columns) == [*LOANS.columns, "pd"]
    # Margins are counted to 1e-4.
    np.testing.assert_allclose(found.pd, theirs.predict_proba(LOANS[["x"]])[:, 1], atol=2e-4)


def test_a_loan_is_scored_by_a_model_without_its_fold_and_the_last_model_knows_all(loans):
    everyone = dict(zip(LOANS.id, LOANS.fold, strict=True))
    seen = []
    columns = {"numeric": ["id", "x"], "categorical": []}
    out_of_fold(Spy(alone(), seen), features=columns).fit(loans)
    first, *others = seen
    assert first[0] == set(everyone) and "fold" not in first[1]
    assert [ids for ids, _ in others] == [
        {i for i, f in everyone.items() if f != fold} for fold in range(FOLDS)
    ]


def test_what_is_learnt_by_heart_in_the_folds_counts_for_nothing(loans):
    by_heart = Pipeline(stages=[MeanOfLevel("level", "encoded"), regression(["encoded"], 0.0)])
    model = out_of_fold(by_heart).fit(loans)
    scaling = model.stages[-1]
    # On rows that the encoding has seen the slope is 1, by the definition of a logistic regression.
    assert abs(scaling.getOrDefault("slope")) < 0.1
    pds = model.transform(loans).toPandas().pd
    assert pds.std() < 0.03 and pds.mean() == pytest.approx(LOANS.is_bad.mean(), abs=0.03)


def test_the_partitions_do_not_change_a_bit(model, loans):
    again = out_of_fold(alone()).fit(loans.repartition(5, "x"))
    for stage, other in zip(model.stages[-1:], again.stages[-1:], strict=True):
        assert [stage.getOrDefault(n) for n in ("slope", "intercept")] == [
            other.getOrDefault(n) for n in ("slope", "intercept")
        ]
    assert model.stages[1].coefficients == again.stages[1].coefficients


def test_an_isotonic_pd_of_a_population_rises_with_the_margin_and_is_saved(loans, tmp_path):
    shifted = out_of_fold(alone(), calibrator="isotonic", population_bad_rate=0.05).fit(loans)
    shifted.write().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    applications = loans.select("id", "x", "level")
    found = loaded.transform(applications).toPandas()
    assert found.pd.tolist() == shifted.transform(applications).toPandas().pd.tolist()
    assert (np.diff(found.sort_values("x", ascending=False).pd) >= -1e-15).all()
    assert found.pd.between(0, 1, inclusive="neither").all()
    # Loans weighed so that 5 % of them are bad default as often as PDs say.
    share = LOANS.is_bad.mean()
    weight = np.where(LOANS.is_bad == 1, 0.05 / share, 0.95 / (1 - share))
    pds = found.sort_values("id").pd
    assert np.average(pds, weights=weight) == pytest.approx(0.05, abs=0.005)


def test_the_settings_that_a_search_found_calibrate_as_well(loans):
    built = []

    def build(settings):
        built.append(settings)
        return regression(["x"], **settings)

    search = tuned(build, trials=2, slots=1, seed=1)
    model = out_of_fold(search, fold="fold").fit(loans)
    best = findings_of(model).best.settings
    # Once for all rows, and once more for the folds.
    assert built[-2:] == [best, best]


def test_a_table_without_folds_is_refused_by_its_columns_and_rows_without_one_by_name(loans):
    classifier = out_of_fold(alone())
    with pytest.raises(DataError, match="needs column 'fold', which the table lacks"):
        classifier.check_training_schema(loans.drop("fold").schema)
    with pytest.raises(DataError, match="cannot be calibrated out of fold: rows have no fold"):
        classifier.fit(loans.withColumn("fold", F.expr("nullif(fold, 1)")))


class Picky(Spy):
    """Refuses any rows but all of them."""

    def _fit(self, dataset):
        if dataset.count() < N:
            raise DataError("too few rows.")
        return self.inner.fit(dataset)


def test_a_fold_that_cannot_be_left_out_is_named(loans):
    with pytest.raises(DataError, match="Fitted to score fold = 0: too few rows"):
        out_of_fold(Picky(alone(), [])).fit(loans)
