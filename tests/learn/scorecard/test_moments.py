import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from penstock.errors import DataError
from penstock.learn.scorecard.design import check_design
from penstock.learn.scorecard.moments import column_moments
from tests.learn.scorecard.loans import COLUMNS, LOANS, rows_of


@pytest.fixture(scope="module")
def moments(spark):
    rows, design = rows_of(spark, weight="weight", partitions=3)
    yield column_moments(rows, design)
    rows.unpersist()


def test_correlations_equal_numpy(moments):
    covariance = np.cov(LOANS[list(COLUMNS)].T, aweights=LOANS.weight)
    deviation = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(
        moments.correlation, covariance / np.outer(deviation, deviation), atol=1e-11
    )


def test_variance_inflation_is_that_of_regressions_of_each_column_on_the_others(moments):
    some = ("age", "debt", "copy", "noise")
    for name, vif in zip(some, moments.vif(some), strict=True):
        others = LOANS[[other for other in some if other != name]]
        r2 = (
            LinearRegression()
            .fit(others, LOANS[name], LOANS.weight)
            .score(others, LOANS[name], LOANS.weight)
        )
        assert vif == pytest.approx(1 / (1 - r2), rel=1e-9)


def test_the_information_value_is_the_sum_over_bins(moments):
    for name, iv in zip(COLUMNS, moments.iv, strict=True):
        goods = LOANS.weight.where(LOANS.is_bad == 0, 0).groupby(LOANS[name]).sum()
        bads = LOANS.weight.where(LOANS.is_bad == 1, 0).groupby(LOANS[name]).sum()
        shares = goods / goods.sum() - bads / bads.sum()
        assert iv == pytest.approx((shares * shares.index).sum(), abs=1e-11)
    assert moments.bad_rate == pytest.approx(np.average(LOANS.is_bad, weights=LOANS.weight))


def test_columns_that_determine_one_another_have_infinite_inflation_and_others_do_not(spark):
    loans = LOANS.assign(twice=2 * LOANS.age, fixed=0.37)
    rows, design = rows_of(spark, loans, ("age", "twice", "income", "fixed"))
    moments = column_moments(rows, design)
    rows.unpersist()
    vif = moments.vif(moments.columns)
    assert np.isinf(vif[:2]).all()
    assert vif[2] < 1.1
    assert moments.correlation[3].tolist() == [0, 0, 0, 1]


def test_rows_that_cannot_be_fitted_on_are_told_all_at_once(spark):
    loans = LOANS[:6].assign(
        is_bad=[0, 0, 2, np.nan, 0, 0],
        weight=[1, 0, -1, np.nan, np.inf, 1],
        fold=[0, 1, 2, -1, 0, 1],
        age=[np.nan, 1, np.inf, 0, 0, 0],
    )
    with pytest.raises(DataError) as refused:
        rows_of(spark, loans, ("age", "income"), weight="weight")
    assert str(refused.value) == (
        "Cannot fit a scorecard on these rows: no row is bad; 2 rows have a label neither 0 nor 1; "
        "4 rows have a weight that is not a positive number; 1 rows have no fold, or one below 0; "
        "2 rows have a null, NaN or infinite age."
    )


def test_no_rows_are_refused(spark):
    rows, _ = rows_of(spark)
    with pytest.raises(DataError, match="no row is good; no row is bad"):
        check_design(rows.limit(0))
