"""The optimiser against independent solvers on the whole problem, and what must hold of bounds."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from penstock.portfolio import rounding, searching
from penstock.portfolio.certificate import Certified
from penstock.portfolio.choice import MILLION, NOBODY, Offers, choose, worths
from penstock.portfolio.core import Core
from penstock.portfolio.measuring import Measured
from penstock.portfolio.searching import Search
from tests.portfolio.books import Book, draw_book
from tests.portfolio.oracles import in_parts, in_whole_offers


def solve(book: Book, tolerance=1e-2):
    return Search(book.problem, book.passes, tolerance).solve()


@pytest.mark.parametrize(
    ("applicants", "segments", "tolerance"),
    [(200, 0, 1e-4), (500, 5, 1e-3), (1_000, 15, 1e-2), (2_000, 10, 1e-2)],
)
def test_the_bound_of_prices_is_the_optimum_in_parts_and_the_plan_lies_below(
    applicants, segments, tolerance
):
    book = draw_book(applicants, segments=segments, seed=applicants)
    found = solve(book, tolerance)
    assert float(found.bound_of_prices) / MILLION == pytest.approx(in_parts(book), rel=1e-6)
    assert found.plan.value <= found.bound <= found.bound_of_prices


CAPS = ("lent", "capital", "loss", "loss rate")


@pytest.mark.parametrize(
    ("segments", "seed", "names"),
    [(0, 0, CAPS), (0, 1, CAPS), (0, 2, CAPS), (0, 1, None), (2, 1, None)],
)
def test_small_plans_are_the_optimum_in_whole_offers_and_that_is_certified(segments, seed, names):
    book = draw_book(25, segments=segments, seed=seed)
    book = book.of(*names) if names else book  # all: with a floor, and shares of segments
    found = solve(book, tolerance=1e-12)
    optimum = in_whole_offers(book)
    assert float(found.plan.value) / MILLION == pytest.approx(optimum, rel=1e-9)
    assert float(found.bound) / MILLION == pytest.approx(optimum, rel=1e-7)
    assert found.bound >= found.plan.value
    assert found.bound < found.bound_of_prices  # in parts more could be had


def test_branch_and_bound_over_everyone_betters_plan_and_bound_of_a_few_decided_anew(monkeypatch):
    monkeypatch.setattr(rounding, "_FREE", 12)
    monkeypatch.setattr(searching, "_FREE", (12, 24))
    book = draw_book(100, segments=4, seed=5)
    found = solve(book, tolerance=1e-6)
    of_a_few, of_everyone = (each for each in found.passes if not each.sets)
    assert of_a_few.value < of_everyone.value == found.plan.value
    assert of_everyone.bound < of_a_few.bound == found.bound_of_prices
    assert float(found.plan.value) / MILLION == pytest.approx(in_whole_offers(book), rel=1e-6)


def test_limits_that_never_bind_leave_the_bound_of_branch_and_bound_as_it_is():
    book = draw_book(25, seed=1).of(*CAPS)
    far = {"name": "far", "measure": "lent", "at_most": 1e15}
    idle = {"name": "idle", "measure": "lent", "where": {"segment": ["1"]}, "at_most": 8e6}
    cells = (("0",), ("1",))  # of the second nobody has an offer
    wide = Book(book.offers, cells, (*book.limits, far, idle))
    found, usual = solve(wide, tolerance=1e-12), solve(book, tolerance=1e-12)
    assert found.plan.value == usual.plan.value
    assert found.bound < found.bound_of_prices
    assert float(found.bound) == pytest.approx(float(usual.bound), rel=1e-8)


def test_where_not_one_offer_fits_the_plan_of_nobody_is_proven():
    book = draw_book(40)
    cent = {"name": "lent", "measure": "lent", "at_most": 0.01}
    found = solve(replace(book, limits=(cent, book.limits[4])), tolerance=1e-6)
    assert (found.plan.value, found.bound, found.gap) == (0, 0, 0.0)
    assert found.bound_of_prices > 0  # in parts a cent could be lent
    some = {"name": "some", "measure": "approvals", "at_least": 2.0, "penalty": 3.0}
    found = solve(replace(book, limits=(cent, some)), tolerance=1e-9)
    assert found.plan.value == found.bound == -6 * MILLION


def test_a_bound_that_a_plan_exceeds_is_not_taken(monkeypatch):
    book = draw_book(25, seed=1)
    value = solve(book, tolerance=1e-12).plan.value
    decide_all = Core.decide_all

    def too_low(core, *asked):
        return decide_all(core, *asked)[0], float(value) * (1 - 1e-6)

    monkeypatch.setattr(Core, "decide_all", too_low)
    found = solve(book, tolerance=1e-12)
    assert found.plan.value == value and found.bound == found.bound_of_prices > value


@pytest.mark.parametrize(("applicants", "segments", "most"), [(2_000, 10, 5e-4), (20_000, 2, 1e-4)])
def test_the_gap_keeps_below_its_ceiling_and_no_limit_is_broken(applicants, segments, most):
    book = draw_book(applicants, segments=segments)
    found = solve(book, tolerance=most)
    assert 0 <= found.gap <= most
    used = book.problem.exact_usages(found.plan.sums)
    for row, amount in zip(book.problem.rows, used, strict=True):
        assert amount <= row.bound * MILLION, row.limit  # to the last millionth: fractions


def test_what_is_beyond_a_limit_by_less_than_the_solver_sees_is_decided_anew():
    lent = (1_000_000.0, 500_000.0003, 499_990.0)  # of three applicants
    amounts = np.zeros((5, 3))
    amounts[0], amounts[1], amounts[3] = (20, 6, 5), 1, lent
    offers = Offers(np.arange(4), np.zeros(3, np.int32), np.round(amounts * MILLION))
    book = Book(offers, ((),), ({"name": "lent", "measure": "lent", "at_most": 1_500_000.0},))
    # The first two earn 26, and are beyond the limit by 3e-10 of the largest loan: HiGHS sees 1e-9.
    assert solve(book).plan.value == 25 * MILLION
    assert in_whole_offers(book) == pytest.approx(25)  # in units in which it is seen


def test_a_hard_limit_that_a_plan_exceeds_is_counted():
    book = draw_book(300)
    free = solve(book.of())
    measured = Measured(1_800, 1_800, book.cells, (), ())

    def counted(limits):
        problem = replace(book, limits=limits).problem
        return Certified(limits, problem, measured, 300, 300, free, None).broken_limits

    assert counted(book.limits) == len(CAPS)  # a floor is kept
    assert counted((book.limits[0] | {"penalty": 1.0}, *book.limits[1:])) == len(CAPS) - 1
    assert counted(book.of("many").limits) == 0


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
    book = draw_book(400)
    twice = Book(
        _merge(book.offers, book.offers),
        book.cells,
        tuple(
            limit if "per" in limit else {**limit, sense: 2 * limit[sense]}
            for limit in book.limits
            for sense in limit.keys() & {"at_most", "at_least"}
        ),
    )
    one, two = solve(book), solve(twice)
    assert float(two.bound_of_prices) == pytest.approx(2 * float(one.bound_of_prices), rel=1e-9)
    # Prices are where a dual of many kinks is least: those of the one are as good for the other.
    for here, prices, there in ((book, two.prices, one), (twice, one.prices, two)):
        [sums] = here.passes.sums([here.problem.values(prices)])
        dual = here.problem.dual_value(prices, sums, here.passes.applicants)
        assert float(dual) == pytest.approx(float(there.bound_of_prices), rel=1e-9)


def test_a_looser_limit_never_lowers_the_bound():
    book = draw_book(500, segments=4)
    before = solve(book).bound_of_prices
    for place, limit in enumerate(book.limits):
        moved = {**limit, "at_most": limit["at_most"] * 1.2} if "at_most" in limit else limit
        if "at_least" in limit:
            moved = {**limit, "at_least": limit["at_least"] * 0.8}
        looser = replace(book, limits=(*book.limits[:place], moved, *book.limits[place + 1 :]))
        assert solve(looser).bound_of_prices >= before * (1 - Fraction(1, 10**9)), limit["name"]


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


def test_of_equal_offers_the_first_is_made_and_a_book_of_copies_has_no_larger_gap():
    few = draw_book(50, seed=3).of(*CAPS)
    copies = few.offers.of(np.tile(np.arange(50), 40))
    amounts = copies.amounts.reshape(5, -1, 6)
    amounts[:, :, 2] = amounts[:, :, 1]  # two offers alike
    limits = tuple(
        limit if "per" in limit else {**limit, "at_most": 40 * limit["at_most"]}
        for limit in few.limits
    )
    book = Book(Offers(copies.starts, copies.cells, amounts.reshape(5, -1)), few.cells, limits)
    found = solve(book, tolerance=5e-4)
    assert found.gap <= 5e-4
    chosen = choose(book.offers, worths(book.offers, book.problem.values(found.plan.prices))).rows
    assert (chosen % 6 == 1).any() and not (chosen % 6 == 2).any()
