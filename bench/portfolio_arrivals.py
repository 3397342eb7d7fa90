"""Applicants who arrive one at a time, decided by the bid prices of another book's plan."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from bench.portfolio_offers import PROFIT, Book, judged
from bench.portfolio_session import TOLERANCE
from penstock.portfolio.bid_prices import BidPriceControl, BidPrices, bid_price_rows
from penstock.portfolio.choice import MILLION
from penstock.portfolio.passes import InMemory
from penstock.portfolio.searching import Search

SEEDS = (42, 43, 44, 45, 46)  # of the orders in which applicants arrive
ATTRIBUTES = ("purpose",)


@dataclass(frozen=True)
class Arrived:
    """What came of deciding one at a time.

    Attributes:
        profit: In millionths.
        broken: Limits that the offers made are beyond at the end.
        stopped: Applicants whose best offer a limit stopped.
        seconds: That the decisions took, limits included.
    """

    profit: Fraction
    broken: int
    stopped: int
    seconds: float


def decided_by_bid_prices(book: Book, before: Book, seeds: Sequence[int] = SEEDS) -> list[Arrived]:
    """Decide applicants in random orders by prices of a plan made before, for other applicants.

    Args:
        book: Whose applicants arrive.
        before: Whose plan gives the prices.
        seeds: Of the orders.
    """
    prices = bid_prices(before)
    starts, rows = book.offers.starts.tolist(), _as_rows(book)
    offers = [rows[begin:end] for begin, end in itertools.pairwise(starts)]
    wanted = [prices.choose(each) for each in offers]
    found = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(offers)).tolist()
        control = BidPriceControl(prices, book.limits, len(offers))
        started = time.perf_counter()
        places = [control.decide(offers[n]) for n in order]
        seconds = time.perf_counter() - started
        decided = list(zip(order, places, strict=True))
        made = np.array([starts[n] + p for n, p in decided if p is not None], np.int64)
        profit, broken = judged(book, made)
        stopped = sum(wanted[n] != place for n, place in decided)
        found.append(Arrived(profit, broken, stopped, seconds))
    return found


def bid_prices(book: Book) -> BidPrices:
    """Return the bid prices of a plan of the book."""
    problem = book.problem()
    solution = Search(problem, InMemory(book.everyone, problem.n_cells), TOLERANCE).solve()
    cells = [(purpose,) for purpose in book.purposes]
    values = problem.values(solution.prices)
    rows = bid_price_rows(ATTRIBUTES, cells, problem.measures, values)
    told = [dict(zip(("cell", "measure", "price"), row, strict=True)) for row in rows]
    return BidPrices.of_rows(PROFIT, ATTRIBUTES, told)


def _as_rows(book: Book) -> list[dict[str, Any]]:
    """Return offers as an application's are: names to values."""
    names = (PROFIT, *book.problem().measures)
    columns = [(amounts / MILLION).tolist() for amounts in book.offers.amounts]
    columns.append([book.purposes[cell] for cell in book.offers.cells.tolist()])
    every = zip(*columns, strict=True)
    return [dict(zip((*names, *ATTRIBUTES), values, strict=True)) for values in every]
