import numpy as np
import pandas
import pytest
from scipy.optimize import Bounds, LinearConstraint, minimize
from sklearn.linear_model import LogisticRegression

from penstock.errors import ConfigError, DataError
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.newton import fit_regression
from tests.learn.scorecard.loans import COLUMNS, LOANS, rows_of

ALL_FREE = Constraints.parse(dict.fromkeys(COLUMNS, "free"), COLUMNS)
DESIGN = np.column_stack([np.ones(len(LOANS)), LOANS[list(COLUMNS)]])
LABEL, WEIGHT = LOANS.is_bad.to_numpy(), LOANS.weight.to_numpy()


@pytest.fixture(scope="module")
def loans(spark):
    rows, design = rows_of(spark, weight="weight")
    yield rows, design
    rows.unpersist()


@pytest.fixture(scope="module")
def free(loans):
    return fit_regression(*loans, constraints=ALL_FREE, ridge=0.0)


@pytest.fixture(scope="module")
def signed(loans):
    return fit_regression(*loans, constraints=Constraints(), ridge=0.0)


def loss(theta, ridge=0.0, weight=WEIGHT):
    linear = DESIGN @ theta
    each = np.logaddexp(0, linear) - LABEL * linear
    return np.average(each, weights=weight) + ridge / 2 * (theta[1:] @ theta[1:])


def gradient(theta, ridge=0.0, weight=WEIGHT):
    residual = 1 / (1 + np.exp(-DESIGN @ theta)) - LABEL
    return DESIGN.T @ (weight * residual) / weight.sum() + ridge * np.append(0.0, theta[1:])


def test_without_constraints_it_is_what_scikit_learn_fits(free):
    expected = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=100)
    expected.fit(DESIGN[:, 1:], LABEL, sample_weight=WEIGHT)
    np.testing.assert_allclose(free.theta[1:], expected.coef_[0], atol=1e-8)
    assert free.theta[0] == pytest.approx(expected.intercept_[0], abs=1e-8)
    assert np.abs(gradient(free.theta)).max() < 1e-10
    assert free.steps < 8


def test_a_ridge_penalises_coefficients_and_not_the_intercept(loans):
    fitted = fit_regression(*loans, constraints=ALL_FREE, ridge=0.05)
    assert np.abs(gradient(fitted.theta, 0.05)).max() < 1e-10


KINDS = {
    "sign": ({"noise": "<= 0", "copy": "<= 0"}, None),
    "bounds": ({"age": ">= -0.6", "income": "<= -1.1", "echo": "free"}, None),
    "order": ({"region": "free, <= debt", "noise": "free"}, ("debt", "region")),
    "equal": ({"age": "= income", "echo": "= -0.25"}, ("age", "income")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_under_each_kind_of_constraint_it_is_what_scipy_finds(loans, free, kind):
    conditions, pair = KINDS[kind]
    constraints = Constraints.parse(conditions, COLUMNS)
    fitted = fit_regression(*loans, constraints=constraints, ridge=0.0)
    low, high = zip((-np.inf, np.inf), *map(constraints.bound, COLUMNS), strict=True)
    linear = []
    if pair:
        row = np.zeros(len(COLUMNS) + 1)
        row[1 + COLUMNS.index(pair[0])], row[1 + COLUMNS.index(pair[1])] = 1, -1
        linear = [LinearConstraint(row, 0, 0 if kind == "equal" else np.inf)]
    expected = minimize(
        loss,
        np.clip(fitted.theta + 0.1, low, high),
        jac=gradient,
        bounds=Bounds(low, high),
        constraints=linear,
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert loss(fitted.theta) <= expected.fun + 1e-13
    np.testing.assert_allclose(fitted.theta, expected.x, atol=2e-6)
    # The constraint binds: without it the coefficients are others, and all of it is kept.
    assert np.abs(fitted.theta - free.theta).max() > 0.01
    assert (np.array(low) <= fitted.theta).all()
    assert (fitted.theta <= np.array(high)).all()
    for row in linear:
        assert row.A @ fitted.theta == pytest.approx(0, abs=1e-12)


def test_a_coefficient_held_by_the_sign_rule_is_exactly_zero(free, signed):
    positive = free.theta[1:] > 0
    assert positive.any()
    assert (signed.theta[1:][positive] == 0).all()


def test_the_partitions_do_not_change_a_bit_of_the_fit(spark, signed):
    rows, design = rows_of(
        spark, LOANS.sample(frac=1, random_state=7), weight="weight", partitions=7
    )
    again = fit_regression(rows, design, constraints=Constraints(), ridge=0.0)
    rows.unpersist()
    assert again.theta.tobytes() == signed.theta.tobytes()
    assert again.likelihood.loss == signed.likelihood.loss


def test_contradicting_constraints_are_refused(loans):
    constraints = Constraints.parse({"age": ">= -1, = income", "income": "<= -2"}, COLUMNS)
    with pytest.raises(ConfigError, match="constraints on age, income together"):
        fit_regression(*loans, constraints=constraints, ridge=0.0)


def few(spark, columns, labels):
    loans = pandas.DataFrame({**columns, "is_bad": labels, "fold": 0}).astype({"is_bad": float})
    return rows_of(spark, loans, tuple(columns))


def test_a_column_that_separates_is_named(spark):
    # Bads at -1 only, goods at -1 and 2: quasi-complete separation.
    columns = {"leak": [-1.0, -1.0, -1.0, 2.0, 2.0], "age": [0.5, -0.5, 0.2, 0.4, -0.4]}
    rows, design = few(spark, columns, [1, 1, 0, 0, 0])
    with pytest.raises(DataError, match="separated by leak: the coefficients grow without end"):
        fit_regression(rows, design, constraints=Constraints(), ridge=0.0)
    bounded = Constraints.parse({"leak": ">= -3"}, ("leak", "age"))
    theta = fit_regression(rows, design, constraints=bounded, ridge=0.0).theta
    assert theta[1] == -3
    assert np.isfinite(
        fit_regression(rows, design, constraints=Constraints(), ridge=0.1).theta
    ).all()


def test_columns_that_separate_only_together_are_named(spark):
    # Bad exactly where a + b < 0; neither column does it alone.
    columns = {
        "a": [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0],
        "b": [0.5, -1.5, -0.5, 1.5, -1.0, 1.0],
        "c": [0.1, 0.2, 0.1, 0.2, 0.3, 0.3],
    }
    rows, design = few(spark, columns, [1, 1, 0, 0, 1, 0])
    free = Constraints.parse({"c": "free"}, tuple(columns))
    with pytest.raises(DataError, match="separated by a, b"):
        fit_regression(rows, design, constraints=free, ridge=0.0)


def test_columns_that_determine_one_another_are_named(spark):
    half = LOANS.assign(half=LOANS.age / 2 + LOANS.income)
    rows, design = rows_of(spark, half, ("age", "debt", "income", "half"))
    with pytest.raises(DataError, match="Columns age, income, half determine one another"):
        fit_regression(rows, design, constraints=Constraints(), ridge=0.0)
