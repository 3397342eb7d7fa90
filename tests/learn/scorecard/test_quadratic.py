import numpy as np
import pytest
from numpy.linalg import LinAlgError
from scipy.optimize import LinearConstraint, minimize, nnls

from penstock.learn.scorecard.quadratic import minimise_quadratic


def test_without_limits_it_is_the_solution_of_a_linear_system():
    hessian, linear = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([-1.0, 4.0])
    found = minimise_quadratic(hessian, linear, np.zeros((0, 2)), np.zeros(0))
    np.testing.assert_allclose(hessian @ found, -linear, atol=1e-14)


def test_a_case_by_hand():
    # (x - 1)^2 + (y - 2)^2 with x + y <= 2: the nearest point of the line is (1/2, 3/2).
    found = minimise_quadratic(
        2 * np.eye(2), np.array([-2.0, -4.0]), np.array([[-1.0, -1.0]]), np.array([-2.0])
    )
    np.testing.assert_allclose(found, [0.5, 1.5], atol=1e-15)


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_what_scipy_finds(seed):
    random = np.random.default_rng(seed)
    n, m = random.integers(2, 8), random.integers(1, 12)
    root = random.normal(size=(n, n))
    hessian, linear = root @ root.T + 0.1 * np.eye(n), 3 * random.normal(size=n)
    sides, inside = random.normal(size=(m, n)), random.normal(size=n)
    limits = sides @ inside - random.choice([0, 0.5], m)  # `inside` is within, often on an edge
    found = minimise_quadratic(hessian, linear, sides, limits)
    expected = minimize(
        lambda x: x @ hessian @ x / 2 + linear @ x,
        inside,
        jac=lambda x: hessian @ x + linear,
        constraints=LinearConstraint(sides, limits, np.inf),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    np.testing.assert_allclose(found, expected.x, atol=1e-5)
    # The conditions of Karush, Kuhn and Tucker hold far more sharply than scipy's answer does.
    slack = sides @ found - limits
    assert slack.min() > -1e-10
    active = sides[slack < 1e-9]
    gradient = hessian @ found + linear
    off = nnls(active.T, gradient)[1] if len(active) else np.abs(gradient).max()
    assert off < 1e-8


def test_an_equation_is_two_limits_and_may_be_said_twice():
    sides = np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]])
    found = minimise_quadratic(np.eye(2), np.array([-1.0, -3.0]), sides, np.zeros(3))
    np.testing.assert_allclose(found, [2, 2], atol=1e-14)


def test_a_limit_passed_by_a_hair_is_kept():
    found = minimise_quadratic(np.eye(1), np.array([-1e-13]), np.array([[-1.0]]), np.array([0.0]))
    assert found == pytest.approx([0.0], abs=1e-20)


def test_a_hessian_that_does_not_bend_is_refused():
    with pytest.raises(LinAlgError):
        minimise_quadratic(np.zeros((1, 1)), np.ones(1), np.zeros((0, 1)), np.zeros(0))
