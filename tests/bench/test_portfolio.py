import numpy as np
import pandas
import pytest
from bench.portfolio_arrivals import decided_by_bid_prices
from bench.portfolio_offers import LENT, LENT_EACH, LOSS, OFFERS, Book, judged, limits
from bench.portfolio_peers import (
    by_cutoff,
    by_descent,
    by_lent,
    by_scarcest,
    filled,
    solved_in_parts,
)
from bench.portfolio_realised import Loans, compare
from bench.portfolio_session import watched

from bench import portfolio
from penstock.errors import UsageError
from penstock.portfolio import feasibility
from penstock.portfolio.choice import MILLION, Offers
from penstock.portfolio.feasibility import seems_possible
from penstock.portfolio.passes import Applicants, InMemory
from penstock.portfolio.searching import Search

METHODS = (by_cutoff, by_scarcest, by_lent, lambda book: by_descent(book, 5))


def drawn(applicants, seed):
    """A book with measures in the order of `measures_of`: approvals, capital, loss, lent."""
    random = np.random.default_rng(seed)
    n = applicants * OFFERS
    lent = random.uniform(1_000, 10_000, n)
    loss = lent * random.uniform(0.001, 0.05, n)
    profit = lent * random.uniform(-0.01, 0.1, n)
    amounts = np.rint(np.array([profit, np.ones(n), lent * 0.03, loss, lent]) * MILLION)
    cells = np.repeat(random.integers(0, 10, applicants), OFFERS).astype(np.int32)
    offers = Offers(np.arange(0, n + 1, OFFERS), cells, amounts)
    keys = np.array([f"A{number}" for number in range(applicants)], object)
    purposes = tuple(f"p{number}" for number in range(10))
    return Book(Applicants(keys, offers), purposes, tuple(limits(applicants)))


def test_what_is_filled_exceeds_no_cap_and_gives_an_applicant_one_offer():
    book = drawn(200, 1)
    order = np.random.default_rng(2).permutation(len(book.offers.cells))
    rows = filled(book, order)
    assert len(set(rows // OFFERS)) == len(rows)
    amounts = dict(
        zip(book.problem().measures, book.offers.amounts[1:, rows] / MILLION, strict=True)
    )
    assert amounts[LENT].sum() <= LENT_EACH * 200
    assert amounts[LOSS].sum() <= 0.05 * LENT_EACH * 200
    of_first = amounts[LENT][book.offers.cells[rows] == 0].sum()
    assert 0 < of_first <= 0.095 * LENT_EACH * 200


def test_no_method_exceeds_the_linear_program_whose_value_is_our_bound():
    book = drawn(150, 3)
    problem = book.problem()
    solution = Search(problem, InMemory(book.everyone, problem.n_cells), 1e-3).solve()
    relaxed = solved_in_parts(book)
    assert solved_in_parts(book, "highs-ipm") == pytest.approx(relaxed, rel=1e-8)
    assert float(solution.bound_of_prices) == pytest.approx(relaxed, rel=1e-6)
    for method in METHODS:
        profit, _ = judged(book, method(book))
        assert 0 < profit <= solution.bound


def test_applicants_decided_one_at_a_time_stop_at_the_caps():
    book, before = drawn(200, 4), drawn(100, 5)
    first, other = decided_by_bid_prices(book, before, [1, 2])
    assert 0 < first.profit != other.profit > 0
    for arrived in (first, other):
        # Prices for half as much money, of another book: what they want is stopped at the caps.
        assert arrived.stopped > 0
        assert arrived.broken <= 10  # shares, of which so few applicants say little


def test_a_plan_fills_the_limits_where_a_ranking_by_rate_of_profit_does_not():
    # Of 200 in all 100 may be lent: the best rate, 60, leaves no room for another 60 or 50.
    rows = pandas.DataFrame(
        {
            "loan_id": ["a", "b", "c", "d"],
            "funded_usd": [60.0, 50.0, 50.0, 40.0],
            "pd": [0.1, 0.1, 0.1, 0.5],
            "lgd": [0.5] * 4,
            "is_bad": [0, 0, 1, 1],
            "expected_profit_usd": [12.0, 9.0, 9.0, -1.0],
            "realised_profit_usd": [12.0, 10.0, -20.0, -30.0],
        }
    )
    figures, note = compare("book", Loans.of(rows))
    found = {figure.name: figure.value for figure in figures}
    assert (found["book_expected_plan"], found["book_expected_ranking"]) == (18.0, 12.0)
    assert (found["book_realised_plan"], found["book_realised_ranking"]) == (-10.0, 12.0)
    assert (found["book_realised_gain"], found["book_lost_gain"]) == (-22.0, -20.0)
    assert found["book_broken_plan"] == found["book_broken_ranking"] == 0
    assert "3 loans are in one of them alone" in note


def test_passes_are_noted_of_all_offers_and_not_of_a_sample(monkeypatch):
    monkeypatch.setattr(feasibility, "SAMPLE", 60)
    book = drawn(150, 3)
    problem, noted = book.problem(), []
    passes = watched(InMemory, noted)(book.everyone, problem.n_cells)
    assert seems_possible(problem, passes, 1e-3)
    assert noted == []
    search = Search(problem, passes, 1e-3)
    search.find_prices()
    assert [sets for sets, *_ in noted] == [each.sets for each in search.told] != []


def test_a_size_that_there_is_not_is_refused_with_those_that_there_are(monkeypatch):
    monkeypatch.setenv("PENSTOCK_BENCH_SIZES", "1e5,man")
    with pytest.raises(UsageError, match=r"has 'man'; there are 1e4, .* Did you mean 'many'"):
        portfolio.measure()
