import numpy as np
import pytest
from pyspark.ml.functions import array_to_vector
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.special import expit

from penstock.errors import DataError
from penstock.learn.platt import PlattModel, PlattScaling, fit_sigmoid

RANDOM = np.random.default_rng(4)
MARGINS = RANDOM.normal(-1, 2, 3000).round(4)
LABELS = (RANDOM.random(3000) < expit(0.7 * MARGINS - 0.4)).astype(int)


def test_the_sigmoid_minimises_platts_loss():
    bads, goods = LABELS.sum(), (1 - LABELS).sum()
    targets = np.where(LABELS == 1, (bads + 1) / (bads + 2), 1 / (goods + 2))

    def loss(beta):
        linear = beta[0] * MARGINS + beta[1]
        return (np.logaddexp(0, linear) - targets * linear).sum()

    optimum = minimize(loss, [1.0, 0.0], method="BFGS", options={"gtol": 1e-6}).x
    fitted = fit_sigmoid(MARGINS, 1 - LABELS, LABELS)
    assert (fitted.slope, fitted.intercept) == pytest.approx(tuple(optimum), abs=1e-6)


def test_the_true_sigmoid_is_recovered():
    # Standard errors at 3,000 loans: 0.03 and 0.05.
    fitted = fit_sigmoid(MARGINS, 1 - LABELS, LABELS)
    assert fitted.slope == pytest.approx(0.7, abs=0.12)
    assert fitted.intercept == pytest.approx(-0.4, abs=0.2)


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_the_size_of_margins_does_not_matter(scale):
    fitted = fit_sigmoid(MARGINS * scale, 1 - LABELS, LABELS)
    plain = fit_sigmoid(MARGINS, 1 - LABELS, LABELS)
    assert fitted.slope * scale == pytest.approx(plain.slope, rel=1e-9)
    assert fitted.intercept == pytest.approx(plain.intercept, rel=1e-9)


def test_separable_margins_stay_finite():
    fitted = fit_sigmoid(np.array([-1.0, 1.0]), np.array([50, 0]), np.array([0, 50]))
    assert expit(fitted.slope + fitted.intercept) == pytest.approx(51 / 52, abs=1e-9)


def test_equal_margins_give_the_bad_rate():
    fitted = fit_sigmoid(np.array([0.3]), np.array([75]), np.array([25]))
    pd = expit(fitted.slope * 0.3 + fitted.intercept)
    assert pd == pytest.approx((25 * 26 / 27 + 75 / 77) / 100, abs=1e-9)


def with_margins(spark, margins, labels):
    rows = [(float(m), int(y)) for m, y in zip(margins, labels, strict=True)]
    margin = F.col("margin")
    return spark.createDataFrame(rows, "margin DOUBLE, is_bad INT").select(
        "is_bad", array_to_vector(F.array(-margin, margin)).alias("rawPrediction")
    )


def test_spark_fits_what_numpy_fits_saves_loads_and_scores_the_same(spark, tmp_path):
    table = with_margins(spark, MARGINS[:400], LABELS[:400])
    scaling = PlattScaling.of(label="is_bad", pd="pd", drop=["rawPrediction"])
    model = scaling.fit(table)
    fitted = fit_sigmoid(MARGINS[:400], 1 - LABELS[:400], LABELS[:400])
    assert model.getOrDefault("slope") == pytest.approx(fitted.slope, abs=1e-9)

    scaling.write().overwrite().save(str(tmp_path / "scaling"))
    unfitted = PlattScaling.load(str(tmp_path / "scaling"))
    assert unfitted.getOrDefault("dropCols") == ["rawPrediction"]

    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = PlattModel.load(str(tmp_path / "model"))
    scored, again = model.transform(table), loaded.transform(table)
    assert scored.columns == again.columns == ["is_bad", "pd"]
    pds = scored.toPandas().pd.to_numpy()
    assert (pds == again.toPandas().pd.to_numpy()).all()
    expected = expit(fitted.slope * MARGINS[:400] + fitted.intercept)
    np.testing.assert_allclose(np.sort(pds), np.sort(expected), atol=1e-9)


def test_an_extreme_margin_is_a_pd_of_zero_or_one(spark):
    model = PlattModel()._set(
        slope=1.0, intercept=0.0, rawPredictionCol="rawPrediction", pdCol="pd", dropCols=[]
    )
    extremes = with_margins(spark, [-1e6, 1e6], [0, 1])
    assert [row.pd for row in model.transform(extremes).collect()] == [0.0, 1.0]


def test_a_second_pd_is_refused(spark):
    table = with_margins(spark, [0.0], [0]).withColumn("pd", F.lit(0.5))
    scaling = PlattScaling.of(label="is_bad", pd="pd", drop=[])
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        scaling.transformSchema(table.schema)


def test_a_table_without_margins_is_refused(spark):
    scaling = PlattScaling.of(label="is_bad", pd="pd", drop=[])
    with pytest.raises(DataError, match="needs column 'rawPrediction'"):
        scaling.transformSchema(spark.createDataFrame([], "is_bad INT").schema)
