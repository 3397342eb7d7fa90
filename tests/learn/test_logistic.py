import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression

from penstock.catalyst.internals import count_jobs
from penstock.errors import ConfigError, DataError
from penstock.learn.logistic import coefficient_table, logistic_pd

PARAMETERS = {
    "numeric": ["income", "term", "is_owner"],
    "categorical": ["purpose"],
    "regularisation": 0.0,
    "elastic_net": 0.0,
    "max_iterations": 100,
    "reject_inference": "none",
    "reject_bands": 10,
    "reject_risk": 1.0,
}
N = 6000
TRUE_INCOME, TRUE_TERM, TRUE_OWNER, TRUE_CARD = -0.8, 0.05, -0.5, 0.7


def simulated_loans() -> pandas.DataFrame:
    random = np.random.default_rng(17)
    loans = pandas.DataFrame(
        {
            "income": random.normal(0, 1, N),
            "term": random.choice([36, 60], N).astype("int32"),
            "is_owner": random.random(N) < 0.4,
            "purpose": random.choice(["car", "card"], N),
            "sample": np.where(np.arange(N) < N * 3 // 4, "development", "calibration"),
        }
    )
    log_odds = (
        -3
        + TRUE_INCOME * loans.income
        + TRUE_TERM * loans.term
        + TRUE_OWNER * loans.is_owner
        + TRUE_CARD * (loans.purpose == "card")
    )
    loans["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype("int32")
    return loans


LOANS = simulated_loans()


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS)


@pytest.fixture(scope="module")
def model(loans):
    return logistic_pd(**PARAMETERS).fit(loans)


def test_coefficients_are_recovered(model):
    found = {row[:2]: row[2] for row in coefficient_table(model).rows}
    # Four standard errors at 4,500 loans.
    assert found["income", "value"] == pytest.approx(TRUE_INCOME, abs=0.18)
    assert found["term", "value"] == pytest.approx(TRUE_TERM, abs=0.014)
    assert found["is_owner", "value"] == pytest.approx(TRUE_OWNER, abs=0.32)
    card_over_car = found["purpose", "card"] - found["purpose", "car"]
    assert card_over_car == pytest.approx(TRUE_CARD, abs=0.32)
    assert found["income", "missing"] == 0


def test_coefficients_equal_scikit_learn(model):
    fitted_on = LOANS[LOANS["sample"] == "development"]
    design = fitted_on[["income", "term", "is_owner"]].assign(card=fitted_on.purpose == "card")
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        design.astype(float), fitted_on.is_bad
    )
    found = {row[:2]: row[2] for row in coefficient_table(model).rows}
    for name, coefficient in zip(PARAMETERS["numeric"], expected.coef_[0], strict=False):
        # L-BFGS stops at a relative 1e-6 of the loss, some 1e-3 of a coefficient.
        assert found[name, "value"] == pytest.approx(coefficient, abs=2e-3)


def test_the_model_adds_pd_and_nothing_else(model, loans):
    scored = model.transform(loans.drop("is_bad", "sample"))
    assert scored.columns == ["income", "term", "is_owner", "purpose", "pd"]


def test_pds_average_the_bad_rate_of_the_calibration_rows(model, loans):
    [of_calibration] = (
        model.transform(loans.where("sample = 'calibration'"))
        .agg(F.avg("pd").alias("mean_pd"), F.avg("is_bad").alias("bad_rate"))
        .collect()
    )
    # Platt's targets move the mean by about 1 / loans.
    assert of_calibration.mean_pd == pytest.approx(of_calibration.bad_rate, abs=1e-3)


def test_unseen_categories_missing_values_and_decimals_get_a_pd(model, spark):
    applications = spark.createDataFrame(
        [(None, 36, None, None), (float("nan"), None, True, "yacht"), (0.5, 60, False, " ")],
        "income DOUBLE, term INT, is_owner BOOLEAN, purpose STRING",
    ).withColumn("term", F.col("term").cast("decimal(5,1)"))
    pds = [row.pd for row in model.transform(applications).collect()]
    assert all(0 < pd < 1 for pd in pds)


def test_a_saved_model_scores_the_same(model, loans, tmp_path):
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    few = loans.limit(50)
    assert model.transform(few).collect() == loaded.transform(few).collect()


def test_the_partitions_do_not_change_a_bit_of_the_model(model, loans):
    again = logistic_pd(**PARAMETERS).fit(loans.repartition(5, "income"))
    assert coefficient_table(again) == coefficient_table(model)
    for name in ("slope", "intercept"):
        assert again.stages[-1].getOrDefault(name) == model.stages[-1].getOrDefault(name)


def test_levels_that_are_missing_in_development_are_learnt_as_such(spark):
    rows = []
    for part in ("development", "calibration"):
        # Loans without income or purpose default twice as often.
        rows += [(None, "", part, int(i < 40)) for i in range(100)]
        rows += [(float(i), "car", part, int(i % 5 == 0)) for i in range(100)]
    loans = spark.createDataFrame(rows, "income DOUBLE, purpose STRING, sample STRING, is_bad INT")
    model = logistic_pd(**PARAMETERS | {"numeric": ["income"], "regularisation": 0.001}).fit(loans)
    found = {row[:2]: row[2] for row in coefficient_table(model).rows}
    assert found["income", "missing"] > 0
    assert found["purpose", "(missing)"] > found["purpose", "car"]


def test_types_are_known_without_a_job(spark, loans):
    before = count_jobs(spark)
    estimator = logistic_pd(**PARAMETERS)
    estimator.check_training_schema(loans.schema)
    applications = loans.drop("is_bad", "sample").schema
    assert estimator.transformSchema(applications).names == [*applications.names, "pd"]
    assert count_jobs(spark) == before


def test_wrong_columns_are_named(spark):
    estimator = logistic_pd(**PARAMETERS)
    schema = spark.createDataFrame([], "incme DOUBLE, term INT").schema
    with pytest.raises(DataError, match=r"needs column 'income'.*Did you mean 'incme'\?"):
        estimator.transformSchema(schema)
    text = spark.createDataFrame([], "income STRING, term INT, is_owner INT, purpose STRING").schema
    with pytest.raises(DataError, match="'income' is string; a numeric feature"):
        estimator.transformSchema(text)
    scored = "income INT, term INT, is_owner INT, purpose STRING, pd DOUBLE"
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        estimator.transformSchema(spark.createDataFrame([], scored).schema)


def test_a_sample_of_one_class_is_refused_before_fitting(loans):
    with pytest.raises(DataError, match="no development row has is_bad = 1"):
        logistic_pd(**PARAMETERS).fit(loans.where("is_bad = 0 OR sample = 'calibration'"))


def test_features_must_be_named_once_and_not_be_the_outcome():
    with pytest.raises(ConfigError, match="no features"):
        logistic_pd(**PARAMETERS | {"numeric": [], "categorical": []})
    with pytest.raises(ConfigError, match="named twice: income"):
        logistic_pd(**PARAMETERS | {"categorical": ["income"]})
    with pytest.raises(ConfigError, match="include is_bad, sample, which no application has"):
        logistic_pd(**PARAMETERS | {"categorical": ["sample", "is_bad"]})
