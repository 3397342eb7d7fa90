"""Limits that nobody can meet: what each alone would have to be, against linear programs."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from penstock.portfolio import feasibility
from penstock.portfolio.certificate import Certified, certificate
from penstock.portfolio.choice import MILLION
from penstock.portfolio.dual import row_usages
from penstock.portfolio.feasibility import find_conflict
from penstock.portfolio.measuring import Measured
from penstock.portfolio.searching import Search
from tests.portfolio.books import Book, draw_book

OPTIMAL, INFEASIBLE = 0, 2  # of SciPy


def conflicting(capital: float, rate: float) -> Book:
    """Return a book with floors, and caps at so much of the usual ones that leave no room."""
    book = draw_book(400)
    limits = {limit["name"]: limit for limit in book.limits}
    floor = {"name": "floor", "measure": "lent", "at_least": 0.9 * limits["lent"]["at_most"]}
    tighter = (
        {**limits[name], "at_most": share * limits[name]["at_most"]}
        for name, share in (("capital", capital), ("loss rate", rate))
    )
    return Book(book.offers, book.cells, (floor, *tighter, limits["many"]))


def counted() -> Book:
    """Return a book with a floor on offers and a rate of loss that so many cannot have."""
    book = draw_book(300)
    limits = {limit["name"]: limit for limit in book.limits}
    rate = {**limits["loss rate"], "at_most": 0.15 * limits["loss rate"]["at_most"]}
    return Book(book.offers, book.cells, (limits["many"], rate))


def least(book: Book, name: str) -> float | None:
    """Return the bound, in its unit, that one limit needs for the others to be met, in parts.

    Of a ratio, amounts are taken per unit of what it relates to: Charnes and Cooper, Programming
    with linear fractional functionals, Naval Research Logistics Quarterly 9 (1962).
    """
    problem, offers = book.problem, book.offers
    n = len(offers.cells)
    used = row_usages(problem, offers, np.arange(n)).T / MILLION
    at = [row.limit for row in problem.rows].index(name)
    row = problem.rows[at]
    others = [k for k in range(len(problem.rows)) if k != at]
    owners = np.repeat(np.arange(offers.applicants), np.diff(offers.starts))
    one_each = sparse.csr_array((np.ones(n), (owners, np.arange(n))))
    bounds = np.concatenate([problem.bounds[others] / MILLION, np.ones(offers.applicants)])
    rows = sparse.vstack([sparse.csr_array(used[others]), one_each])
    if row.per is None:
        solved = linprog(used[at], rows, bounds, bounds=(0, 1))
        return _value(solved, 1 if row.sense == "at most" else -1)
    per = offers.amounts[1 + problem.measures.index(row.per)] / MILLION
    # The last column is the scale: all bounds are times it. It is near 1, as are the parts.
    scaled = sparse.hstack([rows, sparse.csr_array(-bounds[:, None])])
    whole = float(per.sum())
    sign = 1 if row.sense == "at most" else -1
    cost = np.concatenate([used[at] + sign * float(row.ratio) * per, [0.0]]) / whole
    solved = linprog(
        cost,
        scaled,
        np.zeros(len(bounds)),
        A_eq=sparse.csr_array(np.concatenate([per, [0.0]])[None, :] / whole),
        b_eq=[1.0],
        bounds=(0, None),
    )
    return _value(solved, sign)


def _value(solved, sign: int) -> float | None:
    assert solved.status in (OPTIMAL, INFEASIBLE)
    return sign * float(solved.fun) if solved.status == OPTIMAL else None


@pytest.mark.parametrize(
    ("book", "helps"),
    [
        (conflicting(0.4, 1.0).of("floor", "capital"), {"floor", "capital"}),
        (conflicting(0.75, 0.65), {"floor"}),  # the cap on capital forbids it too
        (conflicting(1.0, 0.3), {"loss rate"}),  # so many offers alone are beyond it
        (counted(), {"many", "loss rate"}),
    ],
)
def test_the_relaxation_of_each_limit_is_the_least_that_helps(book, helps):
    conflict = find_conflict(book.problem, book.passes, 1e-3)
    assert {name for name, bound in conflict.relaxed.items() if bound is not None} == helps
    assert conflict.relaxed.keys() == conflict.multipliers.keys()
    limited_to = {row.limit: float(row.limited_to) for row in book.problem.rows}
    for name, limit in limited_to.items():
        bound, by_lp = conflict.relaxed.get(name), least(book, name)  # none: in no conflict
        if by_lp is None:
            assert bound is None, name
        else:  # the least excess is sought to a hundredth
            excess = abs(by_lp - limit)
            assert bound == pytest.approx(by_lp, rel=0.01, abs=0.011 * excess), name
            # Whole offers meet it, which parts do with less.
            is_wider = bound >= by_lp * (1 - 1e-6) if bound > limit else bound <= by_lp * (1 + 1e-6)
            assert is_wider, name


@pytest.mark.parametrize("high", [1e7, 1e10])
def test_of_a_floor_far_out_of_reach_it_is_told_what_can_be_had(high):
    book = draw_book(200).of("capital")
    floor = {"name": "floor", "measure": "lent", "at_least": high}
    book = Book(book.offers, book.cells, (floor, *book.limits))
    told = find_conflict(book.problem, book.passes, 1e-3).relaxed["floor"]
    most = least(book, "floor")  # far less than a hundredth of what the floor is too high by
    assert most < 0.1 * high and 0.99 * most <= told <= most


def test_of_a_ratio_far_out_of_reach_it_is_told_what_can_be_had():
    book = draw_book(150).of("many")
    rate = {"name": "rate", "measure": "loss", "per": "lent", "at_least": 6.0}  # of 6 %
    book = Book(book.offers, book.cells, (*book.limits, rate))
    told = find_conflict(book.problem, book.passes, 1e-3).relaxed["rate"]
    assert least(book, "rate") == pytest.approx(told, rel=0.012)


def test_a_cap_that_nobody_could_exceed_is_in_no_conflict(monkeypatch):
    monkeypatch.setattr(feasibility, "_MOST_TOLD", 0)
    book = draw_book(60, segments=8)
    caps = tuple(
        {"name": x["name"], "measure": "lent", "where": x["where"], "at_most": 8_000.0}
        for x in book.limits
        if "where" in x
    )
    floor = {"name": "floor", "measure": "lent", "at_least": 100_000.0}
    conflict = find_conflict(
        Book(book.offers, book.cells, (floor, *caps)).problem, book.passes, 1e-2
    )
    lent = book.offers.amounts[3].reshape(60, -1).max(axis=1) / MILLION
    asked = np.bincount(book.offers.cells[::6], lent)
    assert asked[1] < 8_000 < np.delete(asked, 1).min()
    assert conflict.multipliers.keys() == {"floor", *(f"segment {s}" for s in range(8) if s != 1)}


def test_of_many_limits_that_conflict_it_is_said_of_which_a_bound_was_sought():
    book = draw_book(24, segments=8, seed=1)
    caps = tuple(
        {"name": x["name"], "measure": "lent", "where": x["where"], "at_most": 3_000.0}
        for x in book.limits
        if "where" in x
    )
    floor = {"name": "floor", "measure": "lent", "at_least": 40_000.0}
    book = Book(book.offers, book.cells, (floor, *caps))
    conflict = find_conflict(book.problem, book.passes, 1e-2)
    assert conflict.multipliers.keys() == {limit["name"] for limit in book.limits}
    nobody = Search(book.problem, book.passes, 1e-2).nobody()
    measured = Measured(144, 144, book.cells, (), ())
    told = Certified(book.limits, book.problem, measured, 24, 0, nobody, conflict, -1.0)
    table = certificate(told, 1e-2, {}).tables["conflict"]
    assert table.title.endswith("; bounds are sought of the first 8 alone")
    assert [row[0] for row in table.rows] == list(conflict.multipliers)
    assert list(conflict.relaxed) == list(conflict.multipliers)[:8]
    assert table.rows[0][2] is not None and [row[2] for row in table.rows[8:]] == [None]
