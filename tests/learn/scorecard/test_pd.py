import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from penstock.annotations import check_annotations
from penstock.catalyst.internals import count_jobs
from penstock.errors import ConfigError, DataError
from penstock.learn.scorecard.explain import explain_scorecard
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.learn.scorecard.tables import bin_points
from tests.learn.scorecard.simulated import LOANS, PARAMETERS, N
from tests.shown import shown


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS)


@pytest.fixture(scope="module")
def model(loans):
    return scorecard_pd(**PARAMETERS).fit(loans)


@pytest.fixture(scope="module")
def scored(model, loans):
    return model.transform(loans).toPandas()


@pytest.fixture(scope="module")
def evidence(model):
    return explain_scorecard(model)


def bins_of(model):
    binning, scorecard, points, _ = model.stages
    return bin_points(binning.column_bins, scorecard.fitted, points.point_rule), points.point_rule


def test_points_and_pd_are_added_and_nothing_else(scored):
    assert list(scored.columns) == [*LOANS.columns, "points", "pd"]
    assert scored.points.dtype == np.int32


def test_the_points_of_a_loan_are_the_sum_of_its_bins(model, loans, scored):
    rows, rule = bins_of(model)
    points = {(row.variable, row.woe): row.points for row in rows}
    woe = model.stages[0].transform(loans).toPandas()
    total = sum(
        woe[f"woe_{name}"].map(lambda value, name=name: points[name, value])
        for name in rule.columns
    )
    np.testing.assert_array_equal(total, scored.points)


def test_exact_points_say_what_the_calibrated_pd_says(model, loans, scored):
    _, rule = bins_of(model)
    woe = model.stages[0].transform(loans).toPandas()
    exact = sum(rule.exact(name, woe[f"woe_{name}"].to_numpy()) for name in rule.columns)
    np.testing.assert_allclose(rule.scale.pd(exact), scored.pd, rtol=1e-10)
    assert np.abs(exact - scored.points).max() <= len(rule.columns) / 2


def test_the_loss_by_rounding_is_that_of_the_calibration_rows(model, loans, scored, evidence):
    held = scored[scored["sample"] == "calibration"]
    loss = model.stages[2].rounding_loss
    assert loss.loans == len(held)
    assert loss.auc_exact == pytest.approx(roc_auc_score(held.is_bad, held.pd), abs=1e-5)
    assert loss.auc_rounded == pytest.approx(roc_auc_score(held.is_bad, -held.points), abs=1e-12)
    of_points = model.stages[2].point_rule.scale.pd(held.points.to_numpy())
    difference = np.abs(of_points - held.pd).max()
    # Exact points are counted by 1e-3, at most 1e-3 ln 2 / 20 / 4 / 2 of a PD off.
    assert loss.largest_pd_difference == pytest.approx(difference, abs=5e-6)
    assert evidence.metrics["rounding_auc_loss"] == loss.auc_exact - loss.auc_rounded


def test_more_points_are_a_lower_pd_and_fewer_bads(scored, evidence):
    by_bin = shown(evidence, "scorecard")
    for _, bins in by_bin.groupby("variable"):
        ordered = bins.sort_values("WoE")
        assert (np.diff(ordered["exact points"]) >= 0).all()
        assert (np.diff(ordered["points"]) >= 0).all()
    thirds = pandas.qcut(scored.points, 3, labels=False)
    assert (np.diff(scored.is_bad.groupby(thirds).mean()) < -0.05).all()
    assert evidence.metrics["least_points"] <= scored.points.min()
    assert evidence.metrics["greatest_points"] >= scored.points.max()


def test_the_evidence_names_variables_bins_and_reasons(evidence):
    variables = shown(evidence, "variables").set_index("variable")
    assert set(variables.index) == {"income", "debt", "noise", "purpose"}
    assert (variables["left out"] == "").to_dict() == {
        "income": True, "debt": True, "purpose": True, "noise": False
    }  # fmt: skip
    assert (variables.coefficient.dropna() < 0).all()
    assert "code -9" in set(shown(evidence, "scorecard").query("variable == 'debt'")["bin"])
    assert set(evidence.figures) >= {"bins_income", "bins_debt", "bins_purpose"}
    assert evidence.metrics["variables_used"] == 3


def test_the_scorecard_table_has_a_row_for_each_bin(model, evidence):
    rows, rule = bins_of(model)
    scorecard = shown(evidence, "scorecard")
    points = scorecard[["variable", "bin", "points", "WoE"]].itertuples(index=False, name=None)
    assert list(points) == [(row.variable, row.label, row.points, row.woe) for row in rows]
    assert rule.scale.factor == pytest.approx(28.853901, abs=1e-6)
    assert rule.scale.offset == pytest.approx(487.122876, abs=1e-6)


def test_what_no_row_of_development_had_gets_points_and_pd(model, spark):
    applications = spark.createDataFrame(
        [(None, None, None, None), (float("nan"), -9.0, 0.0, "yacht")],
        "income DOUBLE, debt DOUBLE, noise DOUBLE, purpose STRING",
    )
    rows = model.transform(applications).collect()
    assert all(0 < row.pd < 1 and row.points is not None for row in rows)


def test_a_feature_without_a_value_in_development_is_left_out_with_the_reason(loans):
    late = F.when(F.col("sample") == "calibration", F.rand(1))
    changed = PARAMETERS | {"numeric": [*PARAMETERS["numeric"], "late"]}
    model = scorecard_pd(**changed).fit(loans.withColumn("late", late))
    reasons = shown(explain_scorecard(model), "variables").set_index("variable")["left out"]
    assert reasons["late"] == "it has no value" and reasons["income"] == ""


def test_a_saved_model_scores_and_explains_the_same(model, loans, evidence, tmp_path):
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    few = loans.limit(50)
    assert model.transform(few).collect() == loaded.transform(few).collect()
    assert explain_scorecard(loaded) == evidence


def test_the_partitions_do_not_change_a_bit(model, loans, evidence):
    again = scorecard_pd(**PARAMETERS).fit(loans.repartition(5, "income"))
    assert again.stages[1].fitted == model.stages[1].fitted
    assert explain_scorecard(again) == evidence


def test_types_are_known_without_a_job(spark, loans):
    before = count_jobs(spark)
    estimator = scorecard_pd(**PARAMETERS)
    estimator.check_training_schema(loans.schema)
    applications = loans.drop("is_bad", "sample").schema
    assert estimator.transformSchema(applications).names == [*applications.names, "points", "pd"]
    assert count_jobs(spark) == before
    with pytest.raises(DataError, match="Column 'points' is there already"):
        estimator.transformSchema(loans.withColumn("points", F.lit(1)).schema)


def test_stepwise_holds_out_the_folds_of_the_table(loans):
    with pytest.raises(DataError, match="All rows are in one fold"):
        scorecard_pd(**PARAMETERS).fit(loans.withColumn("fold", F.lit(3)))
    with pytest.raises(DataError, match="needs column 'fold'"):
        scorecard_pd(**PARAMETERS).check_training_schema(loans.drop("fold").schema)


@pytest.mark.slow
def test_out_of_fold_stepwise_chooses_anew_without_the_fold_that_is_held_out(loans):
    model = scorecard_pd(**PARAMETERS | {"calibration": "out_of_fold"}).fit(loans)
    scored = model.transform(loans).toPandas()
    assert roc_auc_score(scored.is_bad, scored.pd) > 0.75
    assert scored.pd.mean() == pytest.approx(scored.is_bad.mean(), abs=0.005)


def test_out_of_fold_it_learns_from_all_rows_and_an_isotonic_pd_is_that_of_the_population(loans):
    folded = loans.withColumn("fold", F.pmod(F.xxhash64("income", "debt"), F.lit(2)).cast("int"))
    changes = {"calibration": "out_of_fold", "calibrator": "isotonic", "stepwise": "none"}
    model = scorecard_pd(**PARAMETERS | changes | {"population_bad_rate": 0.02}).fit(folded)
    rows, rule = bins_of(model)
    assert {sum(r.n_good + r.n_bad for r in rows if r.variable == n) for n in rule.columns} == {N}
    scored = model.transform(loans).toPandas()
    assert list(scored.columns) == [*LOANS.columns, "points", "pd"]
    assert scored.pd.between(0, 1, inclusive="neither").all()
    woe = model.stages[0].transform(loans).toPandas()
    exact = sum(rule.exact(name, woe[f"woe_{name}"].to_numpy()) for name in rule.columns)
    assert (np.diff(scored.pd.to_numpy()[np.argsort(-exact, kind="stable")]) >= -1e-12).all()
    # Loans weighed so that 2 % of them are bad default as often as PDs say; so do points, nearly.
    share = LOANS.is_bad.mean()
    weight = np.where(LOANS.is_bad == 1, 0.02 / share, 0.98 / (1 - share))
    assert np.average(scored.pd, weights=weight) == pytest.approx(0.02, abs=0.002)
    assert np.average(rule.scale.pd(exact), weights=weight) == pytest.approx(0.02, abs=0.002)


def test_bins_are_as_fixed_for_a_feature_and_no_more_than_allowed_for_the_others(loans):
    fixed = {"income": {"splits": [-1, 0.25]}, "purpose": {"groups": [["car"], ["home"]]}}
    changes = {"max_bins": 2, "binning": fixed, "trends": {}, "stepwise": "none"}
    model = scorecard_pd(**PARAMETERS | changes).fit(loans)
    bins = {each.column: each for each in model.stages[0].column_bins}
    assert bins["income"].splits == (-1.0, 0.25)
    assert bins["purpose"].groups == (("car",), ("home",))
    assert len(bins["debt"].splits) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"calibrator": "isotone"}, "'calibrator' is 'isotone'; .*Did you mean 'isotonic'"),
        ({"numeric": [], "categorical": []}, "has no features"),
        ({"categorical": ["income"]}, "named twice: income"),
        ({"numeric": ["income", "debt", "points"]}, "include points, which no application has"),
        ({"trends": {"incme": "peak"}}, "'trends' .* 'incme'.*Did you mean 'income'"),
        ({"trends": {"income": "up"}}, "Column 'income': .* trend is 'up'"),
        ({"binning": {"incme": {"max_bins": 3}}}, "'incme', .*Did you mean 'income'"),
        ({"binning": {"income": {"split": [1]}}}, "no rule 'split'.*Did you mean 'splits'"),
        ({"binning": {"purpose": {"splits": [1]}}}, "'purpose' is read as text, .* no splits"),
        ({"special_codes": {"purpose": [1.0]}}, "'special_codes' .* 'purpose'"),
        ({"constraints": {"debt": "small"}}, "Constraint 'small' on column 'debt'"),
        ({"constraints": {"debt": ">= 1"}}, "No coefficients satisfy the constraints on debt"),
        ({"pdo": 0.0}, "pdo of the scorecard is 0; it must be above 0"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(changes, said):
    with pytest.raises(ConfigError, match=said):
        scorecard_pd(**PARAMETERS | changes)


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("binning", {"purpose": {"groups": ["car"]}}, "purpose.groups[0] is 'car'; it must be a v"),
        ("binning", {"income": {"splits": 25}}, "binning.income.splits is 25; it must be a valid"),
        ("binning", {"income": {"max_bins": "5"}}, "income.max_bins is '5'; it must be a valid"),
        ("binning", {"income": {"max_bin": 5}}, "max_bin is 5; there is no such key. Did you mean"),
        ("max_bins", 0, "scorecard_pd.max_bins is 0; it must be greater than or equal to 1"),
        ("min_bin_share", 5, "scorecard_pd.min_bin_share is 5; it must be less than or equal to 0"),
    ],
)
def test_rules_of_bins_are_of_their_types_and_in_their_limits(parameter, value, said):
    with pytest.raises(ConfigError) as refused:
        check_annotations(
            scorecard_pd, {parameter: value}, {parameter: ("params", "scorecard_pd", parameter)}
        )
    assert said in str(refused.value)
