import numpy as np
import pytest
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from penstock.errors import ConfigError, DataError
from penstock.learn.scorecard.estimator import Scorecard, ScorecardModel
from penstock.learn.scorecard.selection import Selection
from tests.learn.scorecard.loans import COLUMNS, LOANS

SELECTION = {
    "iv_floor": 0.02,
    "max_correlation": 0.7,
    "max_vif": 5.0,
    "stepwise": "both",
    "significance": 0.01,
    "forced": (),
    "forbidden": (),
}


def scorecard(columns=COLUMNS, *, constraints=None, ridge=0.0, fold=None, **changes):
    return Scorecard.of(
        columns,
        label="is_bad",
        selection=Selection(**SELECTION | changes),
        constraints=constraints or {},
        ridge=ridge,
        weight="weight",
        fold=fold,
    )


def with_woe(spark, loans):
    return spark.createDataFrame(loans.rename(columns={name: f"woe_{name}" for name in COLUMNS}))


@pytest.fixture(scope="module")
def loans(spark):
    return with_woe(spark, LOANS)


@pytest.fixture(scope="module")
def model(loans):
    return scorecard().fit(loans)


def reasons(model):
    return {v.name: v.reason for v in model.fitted.variables}


def test_every_variable_is_used_or_has_a_reason(model):
    assert set(model.fitted.columns) == {"age", "income", "debt", "region"}
    told = reasons(model)
    assert set(told) == set(COLUMNS)
    assert [name for name, reason in told.items() if not reason] == list(model.fitted.columns)
    (_, shared), (_, own) = np.cov(LOANS.debt, LOANS["copy"], aweights=LOANS.weight)
    both = shared / np.sqrt(own * np.cov(LOANS.debt, aweights=LOANS.weight))
    assert told["copy"] == f"correlation {both:+.3f} with debt, which tells more"
    assert told["noise"].startswith("information value")
    used = [v for v in model.fitted.variables if not v.reason]
    assert [v.coefficient for v in used] == list(model.fitted.coefficients)
    assert all(v.coefficient < 0 and v.vif < 1.1 for v in used)


def test_the_margin_is_the_log_odds_and_null_without_a_woe(model, loans):
    known = model.transform(loans.limit(20))
    scored = known.withColumn("margins", vector_to_array("rawPrediction")).toPandas()
    expected = model.fitted.intercept + sum(
        b * scored[f"woe_{name}"]
        for name, b in zip(model.fitted.columns, model.fitted.coefficients, strict=True)
    )
    margins = np.stack(scored.margins)
    np.testing.assert_allclose(margins[:, 1], expected, rtol=1e-12)
    np.testing.assert_array_equal(margins[:, 0], -margins[:, 1])
    unknown = loans.limit(1).withColumn("woe_age", F.lit(None).cast("double"))
    assert model.transform(unknown).where("rawPrediction IS NULL").count() == 1


def test_model_and_estimator_are_saved_and_loaded(model, loans, tmp_path):
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = ScorecardModel.load(str(tmp_path / "model"))
    assert loaded.fitted == model.fitted
    estimator = scorecard(
        ("age", "noise"), constraints={"age": "= -0.7"}, forced=("noise",), stepwise="none"
    )
    estimator.write().overwrite().save(str(tmp_path / "estimator"))
    again = Scorecard.load(str(tmp_path / "estimator")).fit(loans)
    fitted = dict(zip(again.fitted.columns, again.fitted.coefficients, strict=True))
    assert fitted["age"] == -0.7
    assert "noise" in fitted


def test_a_column_of_folds_may_be_given(loans):
    with pytest.raises(DataError, match="All rows are in one fold"):
        scorecard(("age",), fold="fold").fit(loans.withColumn("fold", F.lit(2)))


def test_without_steps_the_sign_rule_leaves_out_what_it_holds_at_zero(spark):
    loans = with_woe(spark, LOANS.assign(age=-LOANS.age))
    model = scorecard(("age", "debt"), stepwise="none", iv_floor=-9.0).fit(loans)
    assert model.fitted.columns == ("debt",)
    assert reasons(model)["age"] == "sign: its coefficient is held at 0"


def test_it_says_why_nothing_is_left(loans):
    with pytest.raises(
        DataError, match=r"No variable is left.*noise: information value -?0\.\d+ is"
    ):
        scorecard(("noise", "echo")).fit(loans)


def test_a_leak_and_a_forced_constant_are_named(spark):
    loans = with_woe(spark, LOANS.assign(echo=1.5 - 2 * LOANS.is_bad, noise=0.0))
    with pytest.raises(DataError, match="separated by echo"):
        scorecard().fit(loans)
    with pytest.raises(DataError, match="Forced into .* 'noise': its WoE is the same for all"):
        scorecard(("age", "noise"), forced=("noise",)).fit(loans)


def test_one_class_is_refused(loans):
    with pytest.raises(DataError, match="no row is bad"):
        scorecard().fit(loans.where("is_bad = 0"))


def test_columns_are_known_without_fitting(loans):
    scored = scorecard(("age",)).transformSchema(loans.schema)
    assert scored.names == [*loans.columns, "rawPrediction"]
    with pytest.raises(DataError, match="needs column 'woe_agee', .* Did you mean 'woe_age'"):
        scorecard(("agee",)).transformSchema(loans.schema)
    with pytest.raises(DataError, match="Column 'rawPrediction' is there already"):
        scorecard(("age",)).transformSchema(scored)


def test_a_selection_that_cannot_be_meant_is_refused_with_all_its_faults():
    with pytest.raises(ConfigError) as refused:
        scorecard(
            stepwise="back",
            significance=1.0,
            max_correlation=0.0,
            max_vif=0.5,
            forced=("age", "agee"),
            forbidden=("age",),
        )
    assert str(refused.value) == (
        "The selection of the scorecard is wrong: stepwise is 'back'; it may be none, forward or "
        "both; significance is 1; it lies between 0 and 1; max_correlation is 0; it lies in 0-1; "
        "max_vif is 0.5; no inflation is below 1; forced "
        "columns agee are not among the variables; age is both forced and forbidden."
    )
    with pytest.raises(ConfigError, match="ridge of the scorecard is -1"):
        scorecard(ridge=-1.0)
