"""Convex quadratic programmes of a few dozen unknowns, solved exactly by their active set."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

# What a multiplier or a slack keeps from rounding, after each row was scaled to length 1.
ROUNDING = 1e-11


def minimise_quadratic(
    hessian: NDArray[np.float64],
    linear: NDArray[np.float64],
    sides: NDArray[np.float64],
    limits: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Minimise x'Hx / 2 + c'x where sides @ x >= limits.

    Args:
        hessian: H, shape (n, n), positive definite.
        linear: c, shape (n,).
        sides: Shape (n_limits, n); an equation is given as two inequalities.
        limits: Shape (n_limits,). Some x must satisfy them all.

    Returns:
        x, shape (n,).

    Raises:
        LinAlgError: The Hessian is not positive definite.

    Source:
        Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23: by the Cholesky factor
        the problem is that of the shortest vector within limits (LDP), and its dual one of
        non-negative least squares. The sides found active are then solved as equations, which takes
        the rounding of the way there out of the answer.
    """
    factor = cholesky(hessian, lower=True)
    free = -_solve(factor, linear)
    slack = sides @ free - limits
    if not len(limits) or (slack >= 0).all():
        return free
    scaled = solve_triangular(factor, sides.T, lower=True).T
    length = np.linalg.norm(scaled, axis=1)
    # Multiples of the worst slack, so that a limit just passed counts as one far behind.
    worst = np.max(-slack / length)
    dual = np.vstack(((scaled / length[:, None]).T, -slack / length / worst))
    target = np.zeros(len(dual))
    target[-1] = 1.0
    multipliers, _ = nnls(dual, target, maxiter=100 * dual.shape[1])
    active = multipliers > ROUNDING * max(1.0, multipliers.max())
    return _on_sides(hessian, linear, sides[active], limits[active])


def _solve(factor: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    half = solve_triangular(factor, right, lower=True)
    return np.asarray(solve_triangular(factor.T, half, lower=False))


def _on_sides(
    hessian: NDArray[np.float64],
    linear: NDArray[np.float64],
    sides: NDArray[np.float64],
    limits: NDArray[np.float64],
) -> NDArray[np.float64]:
    n, n_active = len(linear), len(limits)
    system = np.block([[hessian, -sides.T], [sides, np.zeros((n_active, n_active))]])
    # Least squares: two active sides may say the same.
    solution, *_ = np.linalg.lstsq(system, np.concatenate((-linear, limits)))
    return np.asarray(solution[:n])
