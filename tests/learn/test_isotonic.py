import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.ml.functions import array_to_vector
from pyspark.sql import functions as F
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from penstock.errors import DataError
from penstock.learn.isotonic import FAN_OUT, IsotonicModel, IsotonicScaling, fit_isotonic

RANDOM = np.random.default_rng(20)
MARGINS = RANDOM.normal(-1, 2, 600).round(1)
LABELS = (RANDOM.random(600) < expit(0.7 * MARGINS - 0.4)).astype(int)
ELSEWHERE = np.linspace(-9, 9, 500)


def grouped(margins, labels):
    margin, row = np.unique(margins, return_inverse=True)
    bads = np.bincount(row, weights=labels).astype(np.int64)
    return margin, np.bincount(row) - bads, bads


def test_the_fit_equals_scikit_learns_on_single_loans_and_between_them():
    theirs = IsotonicRegression(out_of_bounds="clip").fit(MARGINS, LABELS)
    fitted = fit_isotonic(*grouped(MARGINS, LABELS))
    np.testing.assert_allclose(fitted.pd(MARGINS), theirs.predict(MARGINS), atol=1e-9)
    np.testing.assert_allclose(fitted.pd(ELSEWHERE), theirs.predict(ELSEWHERE), atol=1e-9)


def test_the_fit_equals_scikit_learns_with_weights():
    margin, n_good, n_bad = grouped(MARGINS, LABELS)
    theirs = IsotonicRegression(out_of_bounds="clip")
    theirs.fit(margin, n_bad / (n_good + n_bad), sample_weight=n_good + n_bad)
    fitted = fit_isotonic(margin, n_good, n_bad)
    np.testing.assert_allclose(fitted.pd(margin), theirs.predict(margin), atol=1e-9)


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 1)), min_size=1, max_size=60),
    st.lists(st.floats(-30, 30), min_size=2, max_size=10),
)
def test_the_pd_never_falls_with_the_margin_and_keeps_the_bad_rate(loans, margins):
    fitted_on, labels = np.array(loans).T
    fitted = fit_isotonic(*grouped(fitted_on.astype(float), labels))
    assert (np.diff(fitted.knots) > 0).all()
    assert (np.diff(fitted.pds) >= 0).all()
    pds = fitted.pd(np.sort(margins))
    # Between knots the straight line is rounded: by one unit in the last place.
    assert (np.diff(pds) >= -1e-15).all()
    assert pds.min() >= 0
    assert pds.max() <= 1
    assert fitted.pd(fitted_on).mean() == pytest.approx(labels.mean())


def with_margins(spark, margins, labels):
    rows = [
        (number, None if m is None else float(m), int(y))
        for number, (m, y) in enumerate(zip(margins, labels, strict=True))
    ]
    margin = F.col("margin")
    vector = F.when(margin.isNotNull(), array_to_vector(F.array(-margin, margin)))
    return spark.createDataFrame(rows, "id INT, margin DOUBLE, is_bad INT").select(
        "id", "is_bad", vector.alias("rawPrediction")
    )


def test_spark_fits_what_numpy_fits_saves_loads_and_scores_the_same(spark, tmp_path):
    table = with_margins(spark, MARGINS, LABELS)
    scaling = IsotonicScaling.of(label="is_bad", pd="pd", drop=["rawPrediction"])
    model = scaling.fit(table)
    fitted = fit_isotonic(*grouped(MARGINS, LABELS))
    assert model.getOrDefault("knots") == fitted.knots.tolist()
    # More pieces than one CASE holds, or the search for them would not be tried.
    assert len(fitted.knots) > FAN_OUT

    scaling.write().overwrite().save(str(tmp_path / "scaling"))
    unfitted = IsotonicScaling.load(str(tmp_path / "scaling"))
    assert unfitted.getOrDefault("dropCols") == ["rawPrediction"]

    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = IsotonicModel.load(str(tmp_path / "model"))
    elsewhere = with_margins(spark, ELSEWHERE, np.zeros(500))
    scored, again = model.transform(elsewhere), loaded.transform(elsewhere)
    assert scored.columns == again.columns == ["id", "is_bad", "pd"]
    pds = scored.sort("id").toPandas().pd.to_numpy()
    assert (pds == again.sort("id").toPandas().pd.to_numpy()).all()
    np.testing.assert_allclose(pds, fitted.pd(ELSEWHERE), atol=1e-12)


def test_an_unknown_margin_stays_unknown_and_an_extreme_one_has_the_last_pd(spark):
    model = IsotonicModel()._set(
        knots=[-1.5, 2.0], pds=[0.1, 0.8], rawPredictionCol="rawPrediction", pdCol="pd", dropCols=[]
    )
    margins = [None, float("nan"), -1e6, -1.5, 0.25, 2.0, 1e6]
    scored = model.transform(with_margins(spark, margins, np.zeros(7))).sort("id").collect()
    unknown, nan, *pds = (row.pd for row in scored)
    assert unknown is None
    assert np.isnan(nan)
    assert pds == pytest.approx([0.1, 0.1, 0.45, 0.8, 0.8])


def test_rows_that_cannot_be_fitted_on_are_counted_in_the_error(spark):
    scaling = IsotonicScaling.of(label="is_bad", pd="pd", drop=[])
    with pytest.raises(DataError, match="1 rows with a margin that is null.*; 1 rows with a label"):
        scaling.fit(with_margins(spark, [None, 0.1, 0.2], [0, 1, 2]))
    with pytest.raises(DataError, match="Cannot fit a scaling on no rows"):
        scaling.fit(with_margins(spark, [0.1], [0]).where("false"))


def test_a_second_pd_and_a_table_without_margins_are_refused(spark):
    table = with_margins(spark, [0.0], [0])
    scaling = IsotonicScaling.of(label="is_bad", pd="pd", drop=[])
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        scaling.transformSchema(table.withColumn("pd", F.lit(0.5)).schema)
    with pytest.raises(DataError, match="Isotonic scaling needs column 'rawPrediction'"):
        scaling.transformSchema(table.drop("rawPrediction").schema)
