"""Deciding one at a time: prices that are missing, and limits that are kept."""

import itertools

import numpy as np
import pytest

from penstock.errors import ConfigError, DataError
from penstock.portfolio.bid_prices import BidPriceControl, BidPrices, bid_price_rows
from penstock.portfolio.choice import MILLION, sum_over
from penstock.portfolio.searching import Search
from tests.portfolio.books import MEASURES, draw_book

PRICES = BidPrices("profit", ("region",), {("north",): {"lent": 0.05}, (None,): {"lent": 0.0}})


def offer(profit, lent, region="north", loss=0.0):
    return {"profit": profit, "lent": lent, "region": region, "loss": loss}


def test_an_offer_of_a_cell_without_prices_is_refused_with_the_cure():
    with pytest.raises(DataError, match=r"no bid prices for region east.* refer the application"):
        PRICES.choose([offer(1.0, 1.0, "east")])


def test_prices_by_other_attributes_than_asked_for_are_refused():
    rows = [{"cell": {"region": "north", "term": "36"}, "measure": "lent", "price": 0.05}]
    with pytest.raises(DataError, match="are by region, term, and are to be read by region"):
        BidPrices.of_rows("profit", ["region"], rows)
    with pytest.raises(DataError, match="are by region, term, and are to be read by nothing"):
        BidPrices.of_rows("profit", [], rows)


def test_a_plan_without_limits_prices_nothing():
    assert BidPrices.of_rows("profit", [], []).choose([offer(-1.0, 5.0), offer(2.0, 5.0)]) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (offer(9.0, -50.0), "The lent of an offer is -50: it must be 0 or more"),
        (offer(9.0, float("nan")), "The lent of an offer is nan"),
        (offer(9.0, None), "The lent of an offer is None"),
        (offer(float("inf"), 1.0), "The profit of an offer is inf"),
    ],
)
def test_amounts_that_are_none_are_refused_and_nothing_is_counted(wrong, told):
    control = BidPriceControl(PRICES, [{"name": "lent", "measure": "lent", "at_most": 9.0}], 3)
    with pytest.raises(DataError, match=told):
        control.decide([offer(5.0, 9.0), wrong])
    assert control.decided == 0
    assert control.decide([offer(5.0, 9.0)]) == 0  # what a negative amount would have given back
    assert control.decide([offer(5.0, 9.0)]) is None


def test_what_a_limit_on_the_profit_itself_says_of_losing_offers_is_no_error():
    prices = BidPrices("profit", (), {(): {"profit": -0.5}})  # of a floor under profits
    assert prices.worth({"profit": -4.0}) == -6.0


def test_applications_that_nobody_expects_are_refused():
    with pytest.raises(ConfigError, match="expected is 0"):
        BidPriceControl(PRICES, [], 0)


def test_the_best_offer_that_a_cap_leaves_room_for_is_made():
    cap = {"name": "lent", "measure": "lent", "at_most": 200.0}
    control = BidPriceControl(PRICES, [cap], 3)
    large, small = offer(20.0, 150.000001), offer(9.0, 50.0)
    assert control.decide([small, large]) == 1
    assert control.decide([large, small]) is None  # the last millionth is not there
    assert control.decide([offer(None, 1.0), offer(2.0, 40.0), offer(1.0, 49.999999)]) is None
    assert control.decide([offer(2.5, 49.999999, None)]) == 0
    assert control.decide([offer(9.0, 0.000001)]) is None


def test_floors_and_soft_limits_stop_nobody_and_where_speaks_of_some_offers_alone():
    limits = [
        {"name": "many", "measure": "approvals", "at_least": 5.0},
        {"name": "soft", "measure": "lent", "at_most": 1.0, "penalty": 0.1},
        {"name": "north", "measure": "approvals", "where": {"region": ["north"]}, "at_most": 1.0},
    ]
    control = BidPriceControl(PRICES, limits, 3)
    made = [control.decide([offer(20.0, 100.0, region)]) for region in ("north", "north", None)]
    assert made == [0, None, 0]


@pytest.fixture(scope="module")
def of_batch():
    """Return a book, its offers as an application has them, and the prices of its plan."""
    shares = (f"segment {number}" for number in range(3))
    book = draw_book(3_000, segments=3, seed=1).of("lent", "capital", *shares)
    search = Search(book.problem, book.passes, 1e-3)
    search.find_prices()
    values = book.problem.values(search.prices)
    rows = bid_price_rows(("segment",), book.cells, MEASURES, values)
    named = (dict(zip(("cell", "measure", "price"), row, strict=True)) for row in rows)
    prices = BidPrices.of_rows("profit", ("segment",), named)
    columns = [*(book.offers.amounts / MILLION).tolist(), book.offers.cells.astype(str).tolist()]
    names = ("profit", *MEASURES, "segment")
    rows = [dict(zip(names, each, strict=True)) for each in zip(*columns, strict=True)]
    offers = [rows[a:b] for a, b in itertools.pairwise(book.offers.starts.tolist())]
    return book, offers, prices, search.bound


@pytest.mark.parametrize("seed", range(3))
def test_caps_and_shares_are_kept_in_any_order_at_little_loss(of_batch, seed):
    book, offers, prices, most = of_batch
    control = BidPriceControl(prices, book.limits, len(offers))
    order = np.random.default_rng(seed).permutation(len(offers)).tolist()
    decided = [(n, control.decide(offers[n])) for n in order]
    made = np.array([6 * n + place for n, place in decided if place is not None])
    sums = sum_over(book.offers, made, len(book.cells))
    for row, used in zip(book.problem.rows, book.problem.exact_usages(sums), strict=True):
        assert used <= row.bound * MILLION, row.limit
    assert 0.95 <= float(sums.whole()[:, 0].sum() / most) <= 1
