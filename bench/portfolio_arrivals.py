"""Applicants who arrive one at a time, decided by the bid prices of another book's plan."""

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from bench.portfolio_offers import PROFIT, Book, judged
from bench.portfolio_session import TOLERANCE
from penstock.portfolio.bid_prices import BidPrices, bid_price_rows
from penstock.portfolio.choice import MILLION, Floats, Ints
from penstock.portfolio.dual import row_usages
from penstock.portfolio.passes import InMemory
from penstock.portfolio.searching import Search

SEED = 42
ATTRIBUTES = ("purpose",)
LEEWAY = 0.25  # of all that moves a share: how far it may be exceeded at the beginning
EXACT_FROM = 0.95  # of arrivals, from where on no share may be exceeded


@dataclass(frozen=True)
class Arrived:
    """What came of deciding one at a time.

    Attributes:
        profit: In millionths.
        broken: Limits that the offers made are beyond at the end.
        stopped: Applicants whose best offer a limit stopped.
        seconds: That the choices took, limits aside.
    """

    profit: Fraction
    broken: int
    stopped: int
    seconds: float


def decided_by_bid_prices(book: Book, before: Book) -> Arrived:
    """Decide applicants in random order by prices of a plan made before, for other applicants.

    Args:
        book: Whose applicants arrive.
        before: Whose plan gives the prices.
    """
    prices = bid_prices(before)
    offers, starts = book.offers, book.offers.starts.tolist()
    rows = _as_rows(book)
    order = np.random.default_rng(SEED).permutation(offers.applicants).tolist()
    started = time.perf_counter()
    places = [prices.choose(rows[starts[n] : starts[n + 1]]) for n in order]
    seconds = time.perf_counter() - started
    wanted = [None if p is None else starts[n] + p for n, p in zip(order, places, strict=True)]
    made = _within_limits(book, wanted)
    profit, broken = judged(book, made)
    asked = sum(row is not None for row in wanted)
    return Arrived(profit, broken, asked - len(made), seconds)


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


def _within_limits(book: Book, wanted: list[int | None]) -> Ints:
    """Return the offers that are made: those that exceed no limit when it is their turn.

    Floors stop nobody. A share, of which nothing can be said before much is lent, may be exceeded
    by an allowance that falls to 0 before the last arrivals.
    """
    problem, offers = book.problem(), book.offers
    rows = np.array([row for row in wanted if row is not None], np.int64)
    used = row_usages(problem, offers, rows)
    is_cap = np.array([row.sense == "at most" for row in problem.rows])
    allowance: Floats = np.where(problem.bounds == 0, LEEWAY * np.abs(used).sum(axis=0), 0.0)
    total, made, arrival = np.zeros(len(problem.rows)), [], 0
    for number, row in enumerate(wanted, start=1):
        if row is None:
            continue
        use, arrival = used[arrival], arrival + 1
        most = problem.bounds + allowance * max(1 - number / (EXACT_FROM * len(wanted)), 0)
        if not (is_cap & (use > 0) & (total + use > most)).any():
            total += use
            made.append(row)
    return np.array(made, np.int64)
