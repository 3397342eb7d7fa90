import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from penstock.errors import DataError
from penstock.learn.platt import PlattModel, Sigmoid, fit_sigmoid
from penstock.measure.prior import shift_prior
from tests.learn.margins import with_margins

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


def test_margins_that_rank_the_wrong_way_round_have_no_slope_and_say_the_bad_rate():
    fitted = fit_sigmoid(MARGINS, LABELS, 1 - LABELS)
    goods, bads = LABELS.sum(), (1 - LABELS).sum()
    mean = (bads * (bads + 1) / (bads + 2) + goods / (goods + 2)) / len(LABELS)
    assert fitted.slope == 0 and expit(fitted.intercept) == pytest.approx(mean, abs=1e-12)


def test_equal_margins_give_the_bad_rate():
    fitted = fit_sigmoid(np.array([0.3]), np.array([75]), np.array([25]))
    pd = expit(fitted.slope * 0.3 + fitted.intercept)
    assert pd == pytest.approx((25 * 26 / 27 + 75 / 77) / 100, abs=1e-9)


def test_a_shifted_sigmoid_is_the_shift_of_its_pds():
    sigmoid, rates = Sigmoid(0.7, -0.4), {"from_rate": 0.3, "to_rate": 0.04}
    pds = expit(0.7 * MARGINS - 0.4)
    shifted = sigmoid.shifted(**rates)
    np.testing.assert_allclose(
        expit(shifted.slope * MARGINS + shifted.intercept), shift_prior(pds, **rates), rtol=1e-12
    )


def test_the_model_scores_as_numpy_does_and_the_same_when_saved(spark, tmp_path):
    table = with_margins(spark, MARGINS[:400])
    model = PlattModel.of(Sigmoid(0.7, -0.4), pd="pd", drop=["rawPrediction"])
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = PlattModel.load(str(tmp_path / "model"))
    scored, again = model.transform(table), loaded.transform(table)
    assert scored.columns == again.columns == ["id", "pd"]
    pds = scored.sort("id").toPandas().pd.to_numpy()
    assert (pds == again.sort("id").toPandas().pd.to_numpy()).all()
    np.testing.assert_allclose(pds, expit(0.7 * MARGINS[:400] - 0.4), atol=1e-12)


def test_a_pd_lies_inside_0_and_1_however_far_out_the_margin_is_and_unknown_stays_unknown(spark):
    model = PlattModel.of(Sigmoid(1.0, 0.0), pd="pd", drop=[])
    scored = model.transform(
        with_margins(spark, [-1e6, -36.5, -35.5, 0.0, 36.5, float("inf"), None, float("nan")])
    )
    *pds, unknown, nan = (row.pd for row in scored.sort("id").collect())
    assert 0 < pds[0] == pds[1] < pds[2] and pds[3] == 0.5 and pds[4] == pds[5] < 1
    np.testing.assert_allclose(pds, expit([-36, -36, -35.5, 0, 36, 36]), rtol=1e-12)
    assert unknown is None and np.isnan(nan)


def test_a_second_pd_and_a_table_without_margins_are_refused(spark):
    model = PlattModel.of(Sigmoid(1.0, 0.0), pd="pd", drop=[])
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        model.transformSchema(spark.createDataFrame([], "rawPrediction INT, pd DOUBLE").schema)
    with pytest.raises(DataError, match="needs column 'rawPrediction'"):
        model.transformSchema(spark.createDataFrame([], "is_bad INT").schema)
