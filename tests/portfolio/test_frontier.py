"""Frontiers: of the node, along a limit and along a ratio; of a book, held against an LP."""

from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import functions as F

from penstock.portfolio import frontier as frontiers
from penstock.portfolio.frontier import frontier
from penstock.portfolio.searching import Search
from tests.portfolio.books import draw_book, optimise
from tests.portfolio.node_book import LIMITS, LOSS, MULTIPLES, OF_RATIO, USUAL
from tests.portfolio.oracles import in_parts


def points(found, limit):
    return found[2].where(F.col("limit") == limit).collect()


def test_the_frontier_rises_and_bends_down(found):
    along = sorted((row.bound, row.most_profit, row.price) for row in points(found, "lent"))
    assert along[0] == (0.4 * 900_000, None, None)
    bounds, most, prices = map(np.array, zip(*along[1:], strict=True))
    assert bounds == pytest.approx([900_000 * multiple for multiple in MULTIPLES[1:]])
    slopes, size = np.diff(most) / np.diff(bounds), most.max()
    assert (np.diff(most) >= 0).all()
    assert (np.diff(slopes) * np.diff(bounds)[1:] <= 1e-9 * size).all()
    # Each price is a slope of the frontier there: between those before and behind.
    assert (prices[1:-1] <= slopes[:-1] * (1 + 1e-6)).all()
    assert (prices[1:-1] >= slopes[1:] * (1 - 1e-6)).all()
    at_one = dict(zip(MULTIPLES[1:], most, strict=True))[1.0]
    assert at_one <= found[-1].metrics["profit_bound_of_prices"] * (1 + 1e-9)


def test_the_frontier_of_a_ratio_moves_the_ratio(offers, found):
    along = sorted((row.bound, row.most_profit, row.plan_profit) for row in points(found, LOSS))
    bounds, most, by_prices = map(list, zip(*along, strict=True))
    assert bounds == pytest.approx([0.035 * multiple for multiple in OF_RATIO])
    assert most[0] is by_prices[0] is None
    assert most[1] < most[2] < most[3]
    tighter = [
        limit | {"at_most": bounds[1]} if limit["name"] == LOSS else limit for limit in LIMITS
    ]
    own = optimise(offers, **USUAL | {"limits": tighter})[-1].metrics
    assert own["profit"] <= most[1] <= own["profit_bound_of_prices"] * (1 + 1e-3)


@pytest.fixture(scope="module")
def solved():
    """Return a book and what is found of it."""
    book = draw_book(500, segments=3)
    return book, Search(book.problem, book.passes, 2e-2).solve()


@pytest.mark.parametrize("sample", [frontiers.SAMPLE, 300])
@pytest.mark.parametrize(
    ("name", "multiples"),
    [("lent", [0.8, 1.05]), ("many", [0.8, 1.05]), (LOSS, [0.7, 1.1]), ("segment 0", [1.05, 1.2])],
)
def test_no_point_is_below_the_optimum_in_parts_or_far_above_it(
    monkeypatch, solved, name, multiples, sample
):
    monkeypatch.setattr(frontiers, "SAMPLE", sample)
    book, found = solved
    at = [limit["name"] for limit in book.limits].index(name)
    points = frontier(book.problem, book.passes, at, multiples, found)
    for multiple, point in zip(multiples, points, strict=True):
        limits = list(book.limits)
        [sense] = limits[at].keys() & {"at_most", "at_least"}
        limits[at] = {**limits[at], sense: multiple * limits[at][sense]}
        most = in_parts(replace(book, limits=tuple(limits)))
        assert most * (1 - 1e-9) <= point.most <= most * (1 + 3e-3), multiple
