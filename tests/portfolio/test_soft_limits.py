"""Soft limits: what they cost, and that bounds stay above plans to the last digit."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from penstock.portfolio.choice import MILLION, Offers
from penstock.portfolio.searching import Search
from tests.portfolio.books import Book, draw_book


def solve(book, tolerance=1e-2):
    return Search(book.problem, book.passes, tolerance).solve()


def test_a_soft_limit_costs_its_penalty_and_no_more():
    book = draw_book(400).of("lent", "capital")
    hard = solve(book)
    price = float(hard.prices[0])
    assert price > 0, book.limits

    def softened(penalty):
        limits = ({**book.limits[0], "penalty": penalty}, book.limits[1])
        return replace(book, limits=limits)

    dear, cheap = (solve(softened(each), 1e-5) for each in (100 * price, price / 4))
    assert float(dear.bound_of_prices) == pytest.approx(float(hard.bound_of_prices), rel=1e-9)
    assert cheap.bound_of_prices > hard.bound_of_prices
    problem = replace(
        book, limits=({**book.limits[0], "penalty": price / 4}, book.limits[1])
    ).problem
    used = problem.exact_usages(cheap.plan.sums)[0]
    assert used > problem.rows[0].bound * MILLION
    profit = Fraction(int(sum(cheap.plan.sums.whole()[:, 0])))
    excess = used - problem.rows[0].bound * MILLION
    assert cheap.plan.value == floor(profit - problem.rows[0].penalty * excess)


@pytest.mark.parametrize("penalty", [0.1, 0.3, 0.7, 1e-3])
def test_far_beyond_a_soft_limit_the_bound_is_the_plan_and_never_below(penalty):
    # As a double, 0.1 is above a tenth: at that price the limit would be charged too much.
    book = draw_book(3)
    floor_ = {"name": "floor", "measure": "lent", "at_least": 1e9, "penalty": penalty}
    found = solve(replace(book, limits=(floor_,)))
    assert found.plan.value == found.bound < -MILLION * 9e8 * penalty


def test_where_nothing_is_worth_its_penalty_the_plan_of_nobody_is_proven():
    book = draw_book(40)
    limits = tuple(
        {"name": name, "measure": "lent", "at_most": 0.0, "penalty": penalty}
        for name, penalty in (("one", 0.3), ("other", 0.7))
    )
    found = solve(replace(book, limits=limits), 1e-6)
    assert (found.plan.value, found.gap) == (0, 0.0)


def test_a_start_that_the_solver_mistakes_is_not_taken_for_the_best_plan():
    """With these numbers HiGHS 1.16 takes the plan of nobody for one worth more than any."""
    amounts = [
        (2.5922, 5.2618, -2.8258, 1.9148, -1, -0.6494, -3.3408, 2.5822, 3.4043, -0.7579),
        (1,) * 10,
        (1.075, 6.556, 8.046, 1.81, 0, 0.108, 1.489, 1.566, 3.085, 0.501),
        (25.06, 84.78, 91.27, 19.51, 0, 4.51, 64.5, 50.15, 47.73, 6.04),
        (4.4565, 7.1832, 14.6463, 0.6536, 0, 0.2369, 7.2204, 5.5888, 6.4784, 0.1095),
    ]
    offers = Offers(
        np.array([0, 3, 4, 6, 9, 10]),
        np.array([2, 1, 2, 0, 1, 1, 2, 0, 2, 0], np.int32),
        np.round(np.array(amounts) * MILLION),
    )
    limits = (
        {"name": "x", "measure": "loss", "where": {"at": ["x"]}, "per": "loss", "at_most": 1.0},
        {"name": "lent", "measure": "lent", "at_most": 118.065, "penalty": 0.3},
        {"name": "some", "measure": "approvals", "at_least": 0.4, "penalty": 0.01},
    )
    found = solve(Book(offers, (("x",), ("y",), (None,)), limits), 1e-6)
    assert found.plan.value == 7_911_300 and found.gap <= 1e-6
