"""The fractional logit finds what LGDs were drawn by, as independent implementations do."""

import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from penstock.errors import ConfigError, DataError
from penstock.learn.fractional.explain import explain_fractional
from penstock.learn.fractional.models import fractional_ccf, fractional_lgd
from penstock.learn.fractional.scoring import FractionalModel
from penstock.learn.stages import stage_of
from tests.shared_data import shared

PARAMETERS = {
    "numeric": ["ltv", "is_second"],
    "categorical": ["purpose"],
    "stages": "one",
    "knots": 0,
    "regularisation": 0.0,
    "smallest_loss": 0.0,
    "max_iterations": 200,
}
N = 4000


def drawn_defaults():
    random = np.random.default_rng(7)
    found = pandas.DataFrame(
        {
            "ltv": random.uniform(0.2, 1.2, N),
            "is_second": random.random(N) < 0.3,
            "purpose": random.choice(["home", "car"], N),
        }
    )
    log_odds = -2 + 2.5 * found.ltv + 0.8 * found.is_second - 0.6 * (found.purpose == "car")
    mean = 1 / (1 + np.exp(-log_odds))
    # Many defaults lose nothing; the mean is as above all the same.
    has_loss = random.random(N) < 0.3 + 0.7 * mean
    severity = mean / (0.3 + 0.7 * mean)
    found["realised_lgd"] = has_loss * random.beta(3 * severity, 3 * (1 - severity))
    return found.assign(true_lgd=mean)


DEFAULTS = drawn_defaults()


@pytest.fixture(scope="module")
def defaults(spark):
    return spark.createDataFrame(DEFAULTS)


@pytest.fixture(scope="module")
def model(defaults):
    return fractional_lgd(**PARAMETERS).fit(defaults)


def coefficients(model, part="lgd"):
    rows = explain_fractional(model).tables["coefficients"].rows
    return {(feature, term): b for of, feature, term, b in rows if of == part}


def predicted(model, rows):
    return model.transform(rows).toPandas().lgd.to_numpy()


def doubled(rows, label):
    """Return rows, classes and weights whose log loss is the quasi-likelihood of a share."""
    y = rows[label].to_numpy()
    weights = np.concatenate([y, 1 - y])
    return np.repeat([1, 0], len(rows)), weights


def reference(design, rows, label="realised_lgd"):
    classes, weights = doubled(rows, label)
    regression = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
    return regression.fit(pandas.concat([design, design]), classes, sample_weight=weights)


def design_of(rows):
    return rows[["ltv", "is_second"]].assign(car=rows.purpose == "car").astype(float)


def test_what_lgds_were_drawn_by_is_recovered(model):
    found = coefficients(model)
    # Three standard errors at 4,000 loans.
    assert found["ltv", "value"] == pytest.approx(2.5, abs=0.25)
    assert found["is_second", "value"] == pytest.approx(0.8, abs=0.16)
    car_over_home = found["purpose", "car"] - found["purpose", "home"]
    assert car_over_home == pytest.approx(-0.6, abs=0.15)


def test_predictions_equal_scikit_learns(model, defaults):
    expected = reference(design_of(DEFAULTS), DEFAULTS).predict_proba(design_of(DEFAULTS))[:, 1]
    found = predicted(model, defaults)
    assert found == pytest.approx(expected, abs=1e-5)
    # The first-order condition of a logit with an intercept.
    assert found.mean() == pytest.approx(DEFAULTS.realised_lgd.mean(), abs=1e-6)


def test_in_two_stages_it_is_the_chance_of_a_loss_times_the_loss_if_any(defaults):
    model = fractional_lgd(**PARAMETERS | {"stages": "two", "smallest_loss": 0.001}).fit(defaults)
    has_loss = DEFAULTS.realised_lgd > 0.001
    design = design_of(DEFAULTS)
    chance = reference(design, DEFAULTS.assign(any=has_loss.astype(float)), "any")
    severity = reference(design[has_loss], DEFAULTS[has_loss])
    expected = chance.predict_proba(design)[:, 1] * severity.predict_proba(design)[:, 1]
    assert predicted(model, defaults) == pytest.approx(expected, abs=1e-5)
    assert {row[0] for row in explain_fractional(model).tables["coefficients"].rows} == {
        "any_loss", "severity",
    }  # fmt: skip


def test_a_penalty_draws_predictions_to_the_mean(model, defaults):
    strict = fractional_lgd(**PARAMETERS | {"regularisation": 10.0}).fit(defaults)
    assert predicted(strict, defaults).std() < 0.1 * predicted(model, defaults).std()
    assert predicted(strict, defaults).mean() == pytest.approx(DEFAULTS.realised_lgd.mean())


def test_the_model_adds_lgd_and_nothing_else_and_is_the_same_when_loaded(model, defaults, tmp_path):
    few = defaults.drop("realised_lgd", "true_lgd").limit(50)
    scored = model.transform(few)
    assert scored.columns == ["ltv", "is_second", "purpose", "lgd"]
    model.write().overwrite().save(str(tmp_path / "model"))
    assert PipelineModel.load(str(tmp_path / "model")).transform(few).collect() == scored.collect()


def test_the_partitions_do_not_change_a_bit_of_the_model(model, defaults):
    again = fractional_lgd(**PARAMETERS).fit(defaults.repartition(5, "ltv"))
    assert stage_of(again, FractionalModel).fitted_parts == (
        stage_of(model, FractionalModel).fitted_parts
    )


def test_missing_unseen_and_extreme_values_get_an_lgd_inside_0_1(model, spark):
    schema = "ltv DECIMAL(5,2), is_second BOOLEAN, purpose STRING"
    rows = spark.createDataFrame([(None, None, None)], schema).unionByName(
        spark.createDataFrame(
            [(float("nan"), None, "boat"), (float("inf"), True, " "), (1e300, False, "car")],
            schema.replace("DECIMAL(5,2)", "DOUBLE"),
        )
    )
    lgds = predicted(model, rows)
    assert ((lgds > 0) & (lgds < 1)).all()
    greatest = {"ltv": [DEFAULTS.ltv.max()], "is_second": [False], "purpose": ["car"]}
    [at_greatest] = predicted(model, spark.createDataFrame(pandas.DataFrame(greatest)))
    assert lgds[3] == pytest.approx(at_greatest, abs=1e-12)


def test_missing_values_are_learnt_from_where_they_mean_something(spark):
    rows = [(None, "", 0.8)] * 60 + [(x / 60, "car", 0.3) for x in range(60)]
    defaults = spark.createDataFrame(rows, "ltv DOUBLE, purpose STRING, realised_lgd DOUBLE")
    model = fractional_lgd(**PARAMETERS | {"numeric": ["ltv"]}).fit(defaults)
    few = spark.createDataFrame([(None, None), (0.5, "car")], "ltv DOUBLE, purpose STRING")
    assert predicted(model, few) == pytest.approx([0.8, 0.3], abs=1e-3)
    assert ("purpose", "(missing)") in stage_of(model, FractionalModel).fitted_design.slots


@pytest.mark.parametrize("stages", ["one", "two"])
def test_where_all_is_lost_lgd_is_one(spark, stages):
    defaults = spark.createDataFrame([(0.1, 1.0), (0.2, 1.0)], "ltv DOUBLE, realised_lgd DOUBLE")
    wanted = {"numeric": ["ltv"], "categorical": [], "stages": stages}
    lgds = predicted(fractional_lgd(**PARAMETERS | wanted).fit(defaults), defaults)
    assert lgds == pytest.approx([1.0, 1.0], abs=1e-12)


def test_curves_are_told_by_what_they_add(defaults):
    model = fractional_lgd(**PARAMETERS | {"knots": 3}).fit(defaults)
    evidence = explain_fractional(model)
    [ltv, _] = evidence.tables["curves"].rows
    assert ltv[:2] == ("lgd", "ltv") and ltv[6] == 0  # against the median
    # Two ends of a line of slope 2.5 about: one unit lies between least and greatest.
    assert ltv[7] - ltv[5] == pytest.approx(2.5, abs=0.4)
    number = stage_of(model, FractionalModel).fitted_design.numbers[0]
    assert len(number.terms) == 2
    assert evidence.figures["curve_lgd_ltv"].series[0].y[-1] == pytest.approx(ltv[7])


def test_a_ccf_is_learnt_as_an_lgd_is(model, defaults):
    drawn = defaults.withColumnRenamed("realised_lgd", "realised_ccf")
    only = ("numeric", "categorical", "knots", "regularisation", "max_iterations")
    of_ccf = fractional_ccf(**{name: PARAMETERS[name] for name in only}).fit(drawn)
    assert coefficients(of_ccf, "ccf") == coefficients(model)
    assert of_ccf.transform(drawn.limit(1)).columns[-1] == "ccf"
    with pytest.raises(DataError, match="The CCF model needs column 'realised_ccf'"):
        fractional_ccf(**{name: PARAMETERS[name] for name in only}).fit(defaults)


def test_unusable_defaults_are_refused_all_faults_at_once(spark):
    schema = "ltv DOUBLE, is_second INT, purpose STRING, realised_lgd DOUBLE"
    bad = [
        (float("inf"), None, "car", 0.2),
        (0.1, None, "car", None),
        (0.1, None, "car", float("nan")),
        (0.1, None, "car", -0.5),
    ]
    with pytest.raises(DataError) as told:
        fractional_lgd(**PARAMETERS).fit(spark.createDataFrame(bad, schema))
    assert str(told.value) == (
        "Cannot fit the LGD model on these defaults: 2 have realised_lgd null or NaN; 1 have "
        "realised_lgd outside 0-1; 1 have an infinite ltv; feature 'is_second' has no value in any."
    )
    with pytest.raises(DataError, match="there are none"):
        fractional_lgd(**PARAMETERS).fit(spark.createDataFrame([], schema))
    lossless = spark.createDataFrame([(0.1, 1, "car", 0.0)], schema)
    with pytest.raises(DataError, match=r"no default has a realised_lgd above 0 \(smallest_loss"):
        fractional_lgd(**PARAMETERS | {"stages": "two"}).fit(lossless)


def test_wrong_columns_are_named_without_a_job(spark):
    estimator = fractional_lgd(**PARAMETERS)
    schema = spark.createDataFrame([], "lvt DOUBLE, is_second INT, purpose STRING").schema
    with pytest.raises(DataError, match=r"needs column 'ltv'.*Did you mean 'lvt'\?"):
        estimator.transformSchema(schema)
    text = "ltv STRING, is_second INT, purpose STRING"
    with pytest.raises(DataError, match="'ltv' is string; a numeric feature"):
        estimator.transformSchema(spark.createDataFrame([], text).schema)
    unlabelled = text.replace("STRING", "DOUBLE", 1)
    with pytest.raises(DataError, match="needs column 'realised_lgd'"):
        estimator.check_training_schema(spark.createDataFrame([], unlabelled).schema)
    with pytest.raises(DataError, match="Column 'lgd' is there already"):
        estimator.transformSchema(spark.createDataFrame([], f"{unlabelled}, lgd DOUBLE").schema)


def test_features_must_be_there_once_and_not_be_the_outcome():
    with pytest.raises(ConfigError, match="The LGD model has no features"):
        fractional_lgd(**PARAMETERS | {"numeric": [], "categorical": []})
    with pytest.raises(ConfigError, match="include lgd, realised_lgd, which no application has"):
        fractional_lgd(**PARAMETERS | {"numeric": ["lgd", "realised_lgd"]})


@pytest.mark.slow
def test_on_public_lgds_it_does_as_well_as_the_references(spark):
    """RMSE .292 and R2 .21 by loan-to-value and purpose, out of five folds; the mean alone .329."""
    rows = pandas.read_csv(shared("lgd/lgd.csv.gz"))
    rows = rows[["LTV", "purpose1", "lgd_time"]].rename(columns={"lgd_time": "realised_lgd"})
    estimator = fractional_lgd(
        **PARAMETERS | {"numeric": ["LTV"], "categorical": ["purpose1"], "knots": 5}
    )
    found, alone = np.zeros(len(rows)), np.zeros(len(rows))
    for fitted_on, held_out in KFold(5, shuffle=True, random_state=42).split(rows):
        model = estimator.fit(spark.createDataFrame(rows.iloc[fitted_on]))
        held = spark.createDataFrame(rows.iloc[held_out].assign(place=held_out))
        scored = model.transform(held).toPandas()
        found[scored.place] = scored.lgd
        alone[held_out] = rows.realised_lgd.iloc[fitted_on].mean()
    errors, of_mean = (rows.realised_lgd - found) ** 2, (rows.realised_lgd - alone) ** 2
    assert np.sqrt(errors.mean()) == pytest.approx(0.2919, abs=2e-4)
    assert 1 - errors.mean() / rows.realised_lgd.var(ddof=0) == pytest.approx(0.2129, abs=1e-3)
    assert np.sqrt(of_mean.mean()) == pytest.approx(0.3290, abs=2e-4)
