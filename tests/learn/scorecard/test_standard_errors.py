import numpy as np
import pytest
from scipy.special import expit

from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.likelihood import Likelihood
from penstock.learn.scorecard.newton import FittedRegression, fit_regression
from penstock.learn.scorecard.standard_errors import standard_errors
from tests.learn.scorecard.loans import COLUMNS, LOANS, rows_of

FREE = dict.fromkeys(COLUMNS, "free")
DESIGN = np.column_stack([np.ones(len(LOANS)), LOANS[list(COLUMNS)]])


def information(theta):
    """Return X'WX of the loans, from single rows."""
    pd = expit(DESIGN @ theta)
    return DESIGN.T @ (DESIGN * (LOANS.weight.to_numpy() * pd * (1 - pd))[:, None])


def test_by_one_yes_or_no_it_is_woolfs_error_of_the_log_odds_ratio():
    # Woolf, Annals of Human Genetics 19 (1955): the root of the sum of the inverse counts.
    goods, bads = np.array([400.0, 250.0]), np.array([60.0, 90.0])
    loans, rate = goods + bads, bads / (goods + bads)
    theta = np.array([np.log(bads[0] / goods[0]), np.log(bads[1] * goods[0] / goods[1] / bads[0])])
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    hessian = x.T @ (x * (loans * rate * (1 - rate))[:, None]) / loans.sum()
    at = Likelihood(loans.sum(), 0.0, np.zeros(2), hessian, 0.0)
    constraints = Constraints.parse({"yes": "free"}, ["yes"])
    fitted = FittedRegression(("yes",), theta, at, steps=1)
    [error] = standard_errors(fitted, constraints=constraints, ridge=0.0)
    assert error == pytest.approx(np.sqrt((1 / goods + 1 / bads).sum()), rel=1e-12)


def test_they_are_the_inverse_information_and_held_coefficients_have_none(spark):
    rows, design = rows_of(spark, weight="weight")
    fit = {}
    for kind, conditions, ridge in (
        ("free", FREE, 0.0),
        ("held", {**FREE, "noise": "free, = 0.5", "age": "= income"}, 0.0),
        ("ridge", FREE, 0.05),
    ):
        constraints = Constraints.parse(conditions, COLUMNS)
        fitted = fit_regression(rows, design, constraints=constraints, ridge=ridge)
        fit[kind] = fitted, standard_errors(fitted, constraints=constraints, ridge=ridge)
    rows.unpersist()

    fitted, errors = fit["free"]
    wanted = np.sqrt(np.diag(np.linalg.inv(information(fitted.theta))))[1:]
    np.testing.assert_allclose(errors, wanted, rtol=1e-8)

    fitted, errors = fit["held"]
    of = dict(zip(COLUMNS, errors, strict=True))
    assert [name for name in COLUMNS if of[name] is None] == ["age", "income", "noise"]
    # One column for the two that are equal, and none for the one that is fixed.
    together = np.column_stack([DESIGN[:, 0], LOANS.age + LOANS.income,
                                *(LOANS[n] for n in COLUMNS if of[n] is not None)])  # fmt: skip
    pd = expit(DESIGN @ fitted.theta)
    curvature = together.T @ (together * (LOANS.weight.to_numpy() * pd * (1 - pd))[:, None])
    wanted = np.sqrt(np.diag(np.linalg.inv(curvature)))[2:]
    np.testing.assert_allclose([e for e in errors if e is not None], wanted, rtol=1e-8)

    fitted, errors = fit["ridge"]
    own = information(fitted.theta)
    penalty = 0.05 * LOANS.weight.sum() * np.diag([0.0, *np.ones(len(COLUMNS))])
    bread = np.linalg.inv(own + penalty)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(bread @ own @ bread))[1:], rtol=1e-8)
    assert (np.array(errors) < np.array(fit["free"][1])).all()
