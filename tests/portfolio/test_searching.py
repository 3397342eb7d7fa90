"""How prices are found: from a sample, from earlier prices, step by step, on any machine."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from penstock.portfolio import searching
from penstock.portfolio.certificate import Certified, certificate
from penstock.portfolio.choice import MILLION
from penstock.portfolio.frontier import frontier
from penstock.portfolio.measuring import Measured
from penstock.portfolio.passes import InMemory
from penstock.portfolio.searching import Search
from tests.portfolio.books import draw_book
from tests.portfolio.oracles import in_parts
from tests.processes import PROJECT


class Noted(InMemory):
    """Passes that keep the worths they were made at."""

    @classmethod
    def over(cls, book):
        return cls(book.passes.everyone, len(book.cells))

    def __init__(self, everyone, n_cells):
        super().__init__(everyone, n_cells)
        self.made = []

    def sums(self, values):
        self.made.append(values)
        return super().sums(values)


def test_prices_of_a_sample_are_corrected_to_those_of_all(monkeypatch):
    monkeypatch.setattr(searching, "SAMPLE", 300)
    monkeypatch.setattr(searching, "SMALL", 100)  # the core is not everyone
    monkeypatch.setattr(searching, "_CORES", (600, 1_200, 1_800))
    book = draw_book(2_000)
    found = Search(book.problem, book.passes, 1e-7).solve()
    best = in_parts(book)
    above = [float(each.bound) / MILLION / best - 1 for each in found.passes]
    assert above[1] > 1e-3  # the sample alone is far off
    assert -1e-9 < above[-1] <= 1e-6


def test_from_earlier_prices_fewer_passes_are_made(monkeypatch):
    monkeypatch.setattr(searching, "SAMPLE", 300)
    book = draw_book(2_000)
    wider = tuple(x | {"at_most": 1.02 * x["at_most"]} for x in book.limits if "at_most" in x)
    before = replace(book, limits=(*wider, book.limits[3]))
    assert book.limits[3]["name"] == "many"
    book = replace(book, limits=(*(x for x in book.limits if "at_most" in x), book.limits[3]))
    start = Search(before.problem, before.passes, 1e-2).solve().prices
    cold, warm = Noted.over(book), Noted.over(book)
    searches = [Search(book.problem, passes, 1e-4) for passes in (cold, warm)]
    searches[0].find_prices()
    searches[1].find_prices(start)
    assert (warm.made[1][0] == book.problem.values(start)).all()
    assert len(warm.made) < len(cold.made)
    assert searches[1].bound <= searches[0].bound * (1 + 1e-3)


@pytest.mark.parametrize("sample", [searching.SAMPLE, 300])
def test_prices_that_are_worse_than_none_are_not_begun_at(monkeypatch, sample):
    monkeypatch.setattr(searching, "SAMPLE", sample)
    book = draw_book(1_000)
    cold, warm = (Search(book.problem, book.passes, 1e-5) for _ in range(2))
    cold.find_prices()
    warm.find_prices(1e9 * cold.prices)  # as of a plan in thousandths of a millionth
    assert float(warm.bound) / MILLION == pytest.approx(in_parts(book), rel=1e-4)


def test_each_pass_is_logged_and_bounds_never_rise(caplog):
    caplog.set_level("INFO", "penstock.portfolio.searching")
    book = draw_book(300, segments=2)
    found = Search(book.problem, book.passes, 1e-3).solve()
    assert len(caplog.messages) == len(found.passes)
    numbered = [text.partition(":")[0] for text in caplog.messages if text.startswith("pass")]
    passes = sum(each.sets > 0 for each in found.passes)
    assert numbered == [f"pass {n}" for n in range(1, passes + 1)]
    # Nothing holds offers back: lent, capital, loss and its rate are too large, nothing too small.
    assert "4 limits broken at the prices" in caplog.messages[0]
    bounds = [each.bound for each in found.passes]
    assert bounds == sorted(bounds, reverse=True)
    assert caplog.messages[-1].endswith(f"gap {found.gap:.2g}")


def test_a_thousand_limits_more_on_the_same_segments_give_a_pass_nothing_more_to_do():
    book = draw_book(200, segments=10)
    shares = [limit for limit in book.limits if "where" in limit]
    more = ({**x, "name": f"{x['name']} {n}"} for n in range(100) for x in shares)
    many = replace(book, limits=(*book.limits, *more))
    assert len(many.problem.rows) == len(book.problem.rows) + 1_000
    made = []
    for each in (book, many):
        passes = Noted.over(each)
        prices = np.full(len(each.problem.rows), 1e-3)
        Search(each.problem, passes, 1e-3).try_prices([prices])
        made += passes.made
    # A pass is handed what a unit of profit and of each measure is worth, by segment.
    [[few_values], [many_values]] = made
    assert few_values.shape == many_values.shape == (10, 5)
    assert (few_values != many_values).any()


def test_points_of_a_frontier_share_passes():
    book = draw_book(300)
    found = Search(book.problem, book.passes, 1e-3).solve()
    passes = Noted.over(book)
    multiples = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5]
    points = frontier(book.problem, passes, 0, multiples, found)
    assert len(points) == len(multiples)
    assert [len(values) for values in passes.made] == [6, 6]


@pytest.mark.parametrize("penalty", [None, 1e6])
def test_where_no_plan_can_keep_the_limits_a_point_says_so_and_a_soft_limit_never_does(penalty):
    book = draw_book(300).of("lent", "many")
    if penalty:
        book = replace(book, limits=(book.limits[0] | {"penalty": penalty}, book.limits[1]))
    found = Search(book.problem, book.passes, 1e-3).solve()
    few, usual = frontier(book.problem, book.passes, 0, [0.05, 1.0], found)
    assert usual.most is not None and (few.most is None) == (penalty is None)
    assert (few.price is None) == (few.at_prices is None) == (few.most is None)


def test_what_if_is_never_below_what_is_found_when_the_limit_is_moved():
    book = draw_book(400, segments=2)
    found = Search(book.problem, book.passes, 1e-3).solve()
    measured = Measured(2_400, 2_400, book.cells, (), ())
    told = certificate(
        Certified(book.limits, book.problem, measured, 400, 0, found, None), 1e-3, {}
    )
    rows = {name: moved for name, *moved in told.tables["what_if"].rows}
    # Of a ratio it is the weights that move: prices of before say nothing without a pass.
    assert list(rows) == ["lent", "capital", "loss", "many"]
    for name, moved in rows.items():
        for multiple, most in zip((0.9, 1.1), moved, strict=True):
            limits = tuple(
                {**limit, sense: multiple * limit[sense]} if limit["name"] == name else limit
                for limit in book.limits
                for sense in limit.keys() & {"at_most", "at_least"}
            )
            assert in_parts(replace(book, limits=limits)) <= most * (1 + 1e-9), name


SOLVE = """
import hashlib
from penstock.portfolio import feasibility
from penstock.portfolio.searching import Search
from tests.portfolio.books import draw_book
from tests.portfolio.test_feasibility import conflicting
book = draw_book(1_000, segments=3)
found = Search(book.problem, book.passes, 2e-2).solve()
assert found.plan.moved
against = conflicting(0.7, 0.5)
search, _ = feasibility._least_excess(against.problem, against.passes, 2e-2)
told = (found.prices.tobytes(), found.plan, found.relaxed, search.prices.tobytes(), search.bound)
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


def test_one_core_and_two_find_the_same_plan_and_the_same_conflict_bit_for_bit():
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:  # noqa: PLR2004
        pytest.skip("needs two cores, and a system that binds processes to them")
    told = []
    for cores in (1, 2):
        threads = {f"{name}_NUM_THREADS": str(cores) for name in ("OPENBLAS", "OMP", "MKL")}
        bound = f"import os; os.sched_setaffinity(0, range({cores}))\n{SOLVE}"
        process = subprocess.run(
            [sys.executable, "-c", bound],
            cwd=PROJECT,
            env={**os.environ, **threads, "PYTHONPATH": f"{PROJECT / 'lib'}:{PROJECT}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        told.append(process.stdout)
    assert told[0] == told[1]
