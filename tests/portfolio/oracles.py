"""Independent solvers of the whole problem: SciPy's linear and integer programs."""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from penstock.portfolio.choice import MILLION
from penstock.portfolio.dual import row_usages
from tests.portfolio.books import Book


def matrix(book: Book):
    """Return the whole problem in dollars: profit, rows, bounds."""
    problem, offers = book.problem, book.offers
    n = len(offers.cells)
    used = row_usages(problem, offers, np.arange(n)).T / MILLION
    owners = np.repeat(np.arange(offers.applicants), np.diff(offers.starts))
    one_each = sparse.csr_array((np.ones(n), (owners, np.arange(n))))
    rows = sparse.vstack([sparse.csr_array(used), one_each]).tocsr()
    bounds = np.concatenate([problem.bounds / MILLION, np.ones(offers.applicants)])
    return offers.amounts[0] / MILLION, rows, bounds


def in_parts(book: Book) -> float:
    profit, rows, bounds = matrix(book)
    solved = linprog(-profit, rows, bounds, bounds=(0, 1), method="highs")
    assert solved.status == 0
    return -solved.fun


def in_whole_offers(book: Book) -> float:
    profit, rows, bounds = matrix(book)
    solved = milp(
        -profit,
        integrality=np.ones(len(profit)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, -np.inf, bounds),
        options={"mip_rel_gap": 1e-12},
    )
    assert solved.status == 0
    return -solved.fun
