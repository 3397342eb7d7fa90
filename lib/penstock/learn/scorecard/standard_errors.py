"""Standard errors of a scorecard's coefficients, from the curvature of its loss."""

import numpy as np
from scipy.linalg import null_space

from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.newton import FittedRegression, curved

HELD = 1e-9  # distance from a limit that is none but for rounding


def standard_errors(
    fitted: FittedRegression, *, constraints: Constraints, ridge: float
) -> tuple[float | None, ...]:
    """Return the standard error of each coefficient, of shape (n_columns,), the intercept's aside.

    None: the coefficient is held by a constraint, by itself or together with another one, and does
    not vary with the sample. The errors of the others are those of a regression in which held ones
    are fixed. WoE and the choice of columns count as given, a weight of w as w loans.

    Args:
        fitted: The regression at its optimum.
        constraints: Those that it was fitted under.
        ridge: Its penalty, >= 0.

    Source:
        Inverse of the observed information, McCullagh and Nelder, Generalized Linear Models (1989),
        section 4.4; with a ridge the variance of the penalised estimate, le Cessie and van
        Houwelingen, Applied Statistics 41 (1992).
    """
    sides, limits = constraints.inequalities(fitted.columns)
    holds = sides[np.abs(sides @ fitted.theta - limits) <= HELD]
    is_held = (holds != 0).any(axis=0)
    free = null_space(holds) if len(holds) else np.eye(len(fitted.theta))
    hessian = fitted.likelihood.hessian
    spread = free @ np.linalg.inv(free.T @ curved(hessian, ridge) @ free) @ free.T
    variance = np.diag(spread @ hessian @ spread) / fitted.likelihood.weight
    return tuple(
        None if held else float(np.sqrt(of_column))
        for held, of_column in zip(is_held[1:], variance[1:], strict=True)
    )
