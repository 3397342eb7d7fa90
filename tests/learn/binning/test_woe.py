import json

import numpy as np
import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F

from penstock.catalyst.stage_schemas import check_fit, stage_columns, transformed_schema
from penstock.errors import ConfigError, DataError
from penstock.learn.binning.bins import ColumnBins, weight_of_evidence
from penstock.learn.binning.tables import explain_bins, list_bins
from penstock.learn.binning.woe import WoeBinning, WoeBinningModel
from tests.learn.binning.counted import judged

COLUMNS = "is_bad INT, income DOUBLE, purpose STRING"
SPECIALS = {"not asked": [-9]}


@pytest.fixture(scope="module")
def loans(spark):
    """Return loans whose income and purpose tell of the label, with missing and special ones."""
    random = np.random.default_rng(21)
    income = np.round(random.normal(50, 15, 800), 1)
    is_bad = random.random(800) < 1 / (1 + np.exp((income - 40) / 10))
    income[:60], income[60:90] = np.nan, -9.0
    purpose = random.choice(["car", "house", "boat"], 800).astype(object)
    purpose[is_bad & (random.random(800) < 0.4)] = "boat"
    purpose[:40] = None
    purpose[40:43] = ["moon", "mars", "venus"]
    rows = zip(is_bad.astype(int).tolist(), income.tolist(), purpose.tolist(), strict=True)
    return spark.createDataFrame(list(rows), COLUMNS).persist()


@pytest.fixture(scope="module")
def binning():
    return WoeBinning.of(
        numeric=["income"],
        categorical=["purpose"],
        label="is_bad",
        by_column={"income": {"specials": SPECIALS, "split_at_ties": False}},
        with_bins=True,
    )


@pytest.fixture(scope="module")
def model(binning, loans):
    return binning.fit(loans)


def test_each_row_gets_the_bin_that_optbinning_gives_it_and_its_woe(model, loans):
    raw, scored = loans.toPandas(), model.transform(loans).toPandas()
    income, _ = model.column_bins
    judge = judged(
        raw.income.to_numpy(float),
        raw.is_bad,
        prebinning_method="quantile",
        min_bin_size=0.05,
        special_codes={"not asked": -9.0},
    )
    bins = judge.transform(
        raw.income.to_numpy(float),
        metric="indices",
        metric_special="empirical",
        metric_missing="empirical",
    )
    assert scored.bin_income.tolist() == bins.tolist()
    table = judge.binning_table
    woe = weight_of_evidence(table.n_nonevent, table.n_event)
    np.testing.assert_allclose(scored.woe_income, woe[bins], rtol=1e-12)


def test_missing_special_rare_and_unseen_values_have_bins_of_their_own(spark, model):
    income, purpose = model.column_bins
    rows = spark.createDataFrame(
        [(0, None, None), (0, float("nan"), "  "), (0, -9.0, " boat "), (0, float("inf"), "moon"),
         (0, float("-inf"), "never seen")],
        COLUMNS,
    )  # fmt: skip
    scored = model.transform(rows).toPandas()
    assert [income.labels[at] for at in scored.bin_income] == [
        "missing",
        "missing",
        "not asked",
        income.labels[income.n_values - 1],
        income.labels[0],
    ]
    assert scored.woe_income.tolist() == [income.woe[at] for at in scored.bin_income]
    labels = [purpose.labels[at] for at in scored.bin_purpose]
    assert labels == ["missing", "missing", "boat", "others", "others"]
    assert sum(purpose.n_bad) + sum(purpose.n_good) == 800


def test_a_bin_that_was_empty_is_neutral_and_a_value_at_a_split_belongs_above(spark):
    bins = ColumnBins(
        "income", "numeric", (1.0, 2.0), (), (), (5, 5, 9, 0), (5, 1, 1, 0), (-1.0, 0.5, 1.5, 0.0),
        0.3, "descending", "fixed",
    )  # fmt: skip
    assert bins.labels == ("(-inf, 1)", "[1, 2)", "[2, inf)", "missing")
    assert ColumnBins.from_json(bins.to_json()) == bins
    model = WoeBinningModel()._set(
        inputCols=["income"], outputCols=["woe_income"], categoricalCols=[],
        bins=json.dumps([bins.to_json()]), leftOut="{}",
    )  # fmt: skip
    rows = spark.createDataFrame([(0.9,), (1.0,), (2.0,), (None,)], "income DOUBLE")
    assert [row.woe_income for row in model.transform(rows).collect()] == [-1.0, 0.5, 1.5, 0.0]


def test_estimator_and_model_survive_saving_and_score_the_same(model, binning, loans, tmp_path):
    binning.write().overwrite().save(str(tmp_path / "binning"))
    assert WoeBinning.load(str(tmp_path / "binning")).fit(loans).column_bins == model.column_bins
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = WoeBinningModel.load(str(tmp_path / "model"))
    assert loaded.column_bins == model.column_bins
    scored, again = (each.transform(loans).toPandas() for each in (model, loaded))
    assert scored.equals(again)


def test_scoring_is_plain_expressions_and_never_null(model, loans):
    scored = model.transform(loans)
    plan = scored._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan
    assert scored.schema == model.transformSchema(loans.schema)
    assert not scored.schema["woe_income"].nullable


def test_a_column_left_out_is_neutral_so_that_columns_do_not_depend_on_data(loans):
    table = loans.withColumn("constant", F.lit(1))
    binning = WoeBinning.of(numeric=["income", "constant"], categorical=[], label="is_bad")
    model = binning.fit(table)
    assert model.left_out == {"constant": "constant: all rows have one value"}
    scored = model.transform(table)
    assert scored.schema == binning.transformSchema(table.schema)
    assert [row.woe_constant for row in scored.select("woe_constant").distinct().collect()] == [0.0]


def test_a_column_whose_solver_runs_out_of_time_is_listed_with_the_reason(loans):
    rules = {"time_limit": 1e-9, "trend": "peak", "min_share": 0.001}
    binning = WoeBinning.of(numeric=["income"], categorical=[], label="is_bad", rules=rules)
    model = binning.fit(loans)
    [income] = model.column_bins
    assert (income.status, income.trend) == ("fallback", "descending")
    assert income.note.startswith("the solver found no bins in 1e-09 s")
    listed = list_bins(PipelineModel([model])).select("column", "status", "note").distinct()
    assert [tuple(row) for row in listed.collect()] == [("income", "fallback", income.note)]
    [shown] = explain_bins(model).tables["characteristics"].rows
    assert shown[-2:] == ("fallback", income.note)


def test_a_pipeline_of_it_is_typed_without_a_spark_job_and_fits(binning, loans):
    features = ["woe_income", "woe_purpose"]
    pipeline = Pipeline(
        stages=[
            binning,
            VectorAssembler(inputCols=features, outputCol="features"),
            LogisticRegression(labelCol="is_bad"),
        ]
    )
    assert stage_columns(binning)[0] == ("income", "purpose")
    assert check_fit(pipeline, loans.schema).names[-1] == "prediction"
    fitted = pipeline.fit(loans)
    planned = transformed_schema(pipeline, loans.drop("is_bad").schema)
    assert planned.names == fitted.transform(loans.drop("is_bad")).columns
    # Positive is safer: each weight of evidence lowers the log-odds of default.
    assert (fitted.stages[-1].coefficients.toArray() < 0).all()


def test_tables_say_what_was_fitted(spark, model):
    table = list_bins(PipelineModel([model])).toPandas()
    income, purpose = model.column_bins
    assert len(table) == len(income.woe) + len(purpose.woe)
    assert table.groupby("column").share.sum().tolist() == pytest.approx([1, 1])
    first = table.iloc[0]
    assert (first.label, first.n_good, first.woe) == (
        income.labels[0],
        income.n_good[0],
        income.woe[0],
    )
    evidence = explain_bins(model)
    shown_iv = {row[0]: row[2] for row in evidence.tables["characteristics"].rows}
    assert shown_iv == {"income": income.iv, "purpose": purpose.iv}
    shown = evidence.figures["bins_income"].series
    assert shown[1].y[0] == income.n_bad[0] / (income.n_bad[0] + income.n_good[0])
    assert evidence.tables["bins_income"].rows[-1][0] == "missing"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("is_bad INT, incom DOUBLE, purpose STRING", "needs column 'income'.* mean 'incom'"),
        ("is_bad INT, income STRING, purpose STRING", "'income' is string; to be binned by number"),
        ("is_bad INT, income INT, purpose ARRAY<INT>", "'purpose' is array<int>, which cannot"),
        (f"{COLUMNS}, woe_income DOUBLE", "Column 'woe_income' is there already"),
    ],
)
def test_an_unfit_table_is_refused_without_a_job(spark, binning, schema, message):
    with pytest.raises(DataError, match=message):
        binning.transformSchema(spark.createDataFrame([], schema).schema)


def test_rules_for_a_column_that_is_not_binned_are_refused():
    with pytest.raises(ConfigError, match=r"rules for column 'incme'.* Did you mean 'income'\?"):
        WoeBinning.of(
            numeric=["income"], categorical=[], label="is_bad", by_column={"incme": {"max_bins": 3}}
        )
