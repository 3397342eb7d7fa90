"""The optimiser against independent solvers on the whole problem, and what must hold of bounds."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from penstock.portfolio.choice import MILLION, NOBODY, Offers
from penstock.portfolio.dual import row_usages
from penstock.portfolio.searching import Search
from tests.portfolio.books import Book, draw_book


def solve(book: Book, tolerance=1e-2):
    return Search(book.problem, book.passes, tolerance).solve()


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


@pytest.mark.parametrize(("applicants", "segments"), [(200, 0), (500, 5)])
def test_the_bound_is_the_optimum_in_parts_and_the_plan_lies_below(applicants, segments):
    book = draw_book(applicants, segments=segments, seed=applicants)
    found = solve(book, tolerance=1e-2)
    assert float(found.bound) / MILLION == pytest.approx(in_parts(book), rel=1e-6)
    assert found.plan.value <= found.bound


@pytest.mark.parametrize("seed", range(3))
def test_small_plans_are_the_optimum_in_whole_offers(seed):
    book = draw_book(25, seed=seed).of("lent", "capital", "loss", "loss rate")
    found = solve(book, tolerance=1e-12)
    assert float(found.plan.value) / MILLION == pytest.approx(in_whole_offers(book), rel=1e-9)


@pytest.mark.parametrize(("applicants", "segments", "most"), [(2_000, 4, 5e-4), (20_000, 2, 1e-4)])
def test_the_gap_keeps_below_its_ceiling_and_no_limit_is_broken(applicants, segments, most):
    book = draw_book(applicants, segments=segments)
    found = solve(book, tolerance=most)
    assert 0 <= found.gap <= most
    used = book.problem.exact_usages(found.plan.sums)
    for row, amount in zip(book.problem.rows, used, strict=True):
        assert amount <= row.bound * MILLION, row.limit  # to the last millionth: fractions


def test_any_prices_give_a_bound():
    book = draw_book(300, segments=3)
    best = Fraction(in_parts(book) * MILLION)
    problem, passes = book.problem, book.passes
    random = np.random.default_rng(1)
    at_best = solve(book).prices
    for scale in (0.0, 0.1, 1.0, 10.0):
        prices = at_best * random.uniform(0, 1 + scale, len(at_best))
        [sums] = passes.sums([problem.values(prices)])
        assert problem.dual_value(prices, sums, passes.applicants) >= best * (
            1 - Fraction(1, 10**9)
        )


def test_twice_the_book_and_the_bounds_leaves_prices_alone():
    book = draw_book(400).of("lent", "capital", "loss rate")
    twice = Book(
        _merge(book.offers, book.offers),
        book.cells,
        tuple(
            {**limit, "at_most": limit["at_most"] * (1 if "per" in limit else 2)}
            for limit in book.limits
        ),
    )
    one, two = solve(book), solve(twice)
    assert float(two.bound) == pytest.approx(2 * float(one.bound), rel=1e-9)
    unit = np.maximum(one.prices, 1e-6)
    assert two.prices / unit == pytest.approx(one.prices / unit, rel=1e-2)


def test_a_looser_limit_never_lowers_the_bound():
    book = draw_book(500, segments=4)
    before = solve(book).bound
    for place, limit in enumerate(book.limits):
        moved = {**limit, "at_most": limit["at_most"] * 1.2} if "at_most" in limit else limit
        if "at_least" in limit:
            moved = {**limit, "at_least": limit["at_least"] * 0.8}
        looser = replace(book, limits=(*book.limits[:place], moved, *book.limits[place + 1 :]))
        assert solve(looser).bound >= before * (1 - Fraction(1, 10**9)), limit["name"]


def test_a_soft_limit_costs_its_penalty_and_no_more():
    book = draw_book(400).of("lent", "capital")
    hard = solve(book)
    price = float(hard.prices[0])
    assert price > 0, book.limits

    def softened(penalty):
        limits = ({**book.limits[0], "penalty": penalty}, book.limits[1])
        return replace(book, limits=limits)

    dear, cheap = (solve(softened(each), 1e-5) for each in (100 * price, price / 4))
    assert float(dear.bound) == pytest.approx(float(hard.bound), rel=1e-9)
    assert cheap.bound > hard.bound
    problem = replace(
        book, limits=({**book.limits[0], "penalty": price / 4}, book.limits[1])
    ).problem
    used = problem.exact_usages(cheap.plan.sums)[0]
    assert used > problem.rows[0].bound * MILLION
    profit = Fraction(int(sum(cheap.plan.sums.whole()[:, 0])))
    excess = used - problem.rows[0].bound * MILLION
    assert cheap.plan.value == profit - problem.rows[0].penalty * excess


def test_without_limits_everyone_has_the_best_offer():
    book = draw_book(200).of()
    found = solve(book)
    profits = book.offers.amounts[0].reshape(200, -1).max(axis=1)
    assert found.gap < 1e-12  # what doubles may be off
    assert int(found.bound) == int(profits[profits > 0].sum())


def test_one_applicant_and_no_budget():
    one = draw_book(1).of("lent")
    nothing = replace(one, limits=({**one.limits[0], "at_most": 0.0},))
    assert solve(nothing).plan.value == 0
    assert solve(one).plan.value >= 0
    assert NOBODY not in solve(one.of()).plan.moved.values()


def _merge(one: Offers, other: Offers) -> Offers:
    return Offers(
        np.concatenate([one.starts, one.starts[-1] + other.starts[1:]]),
        np.concatenate([one.cells, other.cells]),
        np.concatenate([one.amounts, other.amounts], axis=1),
    )
