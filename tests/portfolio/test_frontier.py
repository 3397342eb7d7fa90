"""Frontiers of the node: along a limit, and along a ratio."""

import numpy as np
import pytest
from pyspark.sql import functions as F

from tests.portfolio.books import optimise
from tests.portfolio.node_book import LIMITS, LOSS, MULTIPLES, OF_RATIO, USUAL


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
