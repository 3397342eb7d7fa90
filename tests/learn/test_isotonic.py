import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from penstock.errors import DataError
from penstock.learn.isotonic import FAN_OUT, Isotonic, IsotonicModel, fit_isotonic
from penstock.measure.prior import shift_prior
from tests.learn.margins import with_margins

RANDOM = np.random.default_rng(20)
MARGINS = RANDOM.normal(-1, 2, 600).round(1)
LABELS = (RANDOM.random(600) < expit(0.7 * MARGINS - 0.4)).astype(int)
ELSEWHERE = np.linspace(-9, 9, 500)


def grouped(margins, labels):
    margin, row = np.unique(margins, return_inverse=True)
    bads = np.bincount(row, weights=labels).astype(np.int64)
    return margin, np.bincount(row) - bads, bads


def targets(labels):
    """Return Platt's targets of labels of 0 and 1."""
    bads, goods = labels.sum(), (1 - labels).sum()
    return np.where(labels == 1, (bads + 1) / (bads + 2), 1 / (goods + 2))


def test_the_fit_equals_scikit_learns_to_platts_targets_on_single_loans_and_between_them():
    theirs = IsotonicRegression(out_of_bounds="clip").fit(MARGINS, targets(LABELS))
    fitted = fit_isotonic(*grouped(MARGINS, LABELS))
    np.testing.assert_allclose(fitted.pd(MARGINS), theirs.predict(MARGINS), atol=1e-9)
    np.testing.assert_allclose(fitted.pd(ELSEWHERE), theirs.predict(ELSEWHERE), atol=1e-9)


def test_the_fit_equals_scikit_learns_with_weights():
    margin, n_good, n_bad = grouped(MARGINS, LABELS)
    of_good, of_bad = targets(np.array([0] * n_good.sum() + [1] * n_bad.sum()))[[0, -1]]
    theirs = IsotonicRegression(out_of_bounds="clip")
    loans = n_good + n_bad
    theirs.fit(margin, (n_good * of_good + n_bad * of_bad) / loans, sample_weight=loans)
    fitted = fit_isotonic(margin, n_good, n_bad)
    np.testing.assert_allclose(fitted.pd(margin), theirs.predict(margin), atol=1e-9)


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 1)), min_size=1, max_size=60),
    st.lists(st.floats(-30, 30), min_size=2, max_size=10),
    st.sampled_from([None, 0.01, 0.6]),
)
def test_the_pd_lies_inside_0_and_1_never_falls_with_the_margin_and_keeps_the_bad_rate(
    loans, margins, to_rate
):
    fitted_on, labels = np.array(loans).T
    fitted = fit_isotonic(*grouped(fitted_on.astype(float), labels))
    assert fitted.pd(fitted_on).mean() == pytest.approx(targets(labels).mean())
    if to_rate:
        fitted = fitted.shifted(from_rate=0.3, to_rate=to_rate)
    assert (np.diff(fitted.knots) > 0).all()
    assert (np.diff(fitted.pds) >= 0).all()
    pds = fitted.pd(np.sort(margins))
    # Between knots the straight line is rounded: by one unit in the last place.
    assert (np.diff(pds) >= -1e-15).all()
    assert pds.min() > 0
    assert pds.max() < 1


def test_shifted_pds_are_the_shift_of_the_pds_at_the_knots():
    fitted, rates = fit_isotonic(*grouped(MARGINS, LABELS)), {"from_rate": 0.3, "to_rate": 0.04}
    shifted = fitted.shifted(**rates)
    np.testing.assert_array_equal(shifted.knots, fitted.knots)
    np.testing.assert_allclose(
        shifted.pd(fitted.knots), shift_prior(fitted.pds, **rates), rtol=1e-12
    )


def test_the_model_scores_as_numpy_does_and_the_same_when_saved(spark, tmp_path):
    fitted = fit_isotonic(*grouped(MARGINS, LABELS))
    # More pieces than one CASE holds, or the search for them would not be tried.
    assert len(fitted.knots) > FAN_OUT
    model = IsotonicModel.of(fitted, pd="pd", drop=["rawPrediction"])
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = IsotonicModel.load(str(tmp_path / "model"))
    elsewhere = with_margins(spark, ELSEWHERE)
    scored, again = model.transform(elsewhere), loaded.transform(elsewhere)
    assert scored.columns == again.columns == ["id", "pd"]
    pds = scored.sort("id").toPandas().pd.to_numpy()
    assert (pds == again.sort("id").toPandas().pd.to_numpy()).all()
    np.testing.assert_allclose(pds, fitted.pd(ELSEWHERE), atol=1e-12)


def test_an_unknown_margin_stays_unknown_and_an_extreme_one_has_the_last_pd(spark):
    fitted = Isotonic(np.array([-1.5, 2.0]), np.array([0.1, 0.8]))
    model = IsotonicModel.of(fitted, pd="pd", drop=[])
    margins = [None, float("nan"), -1e6, -1.5, 0.25, 2.0, 1e6]
    scored = model.transform(with_margins(spark, margins)).sort("id").collect()
    unknown, nan, *pds = (row.pd for row in scored)
    assert unknown is None
    assert np.isnan(nan)
    assert pds == pytest.approx([0.1, 0.1, 0.45, 0.8, 0.8])


def test_a_second_pd_and_a_table_without_margins_are_refused(spark):
    fitted = Isotonic(np.array([-1.5, 2.0]), np.array([0.1, 0.8]))
    model = IsotonicModel.of(fitted, pd="pd", drop=[])
    table = with_margins(spark, [0.0])
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        model.transformSchema(table.withColumn("pd", F.lit(0.5)).schema)
    with pytest.raises(DataError, match="Isotonic scaling needs column 'rawPrediction'"):
        model.transformSchema(table.drop("rawPrediction").schema)
