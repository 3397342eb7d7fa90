"""Tail limits against the whole problem of Rockafellar and Uryasev, solved by HiGHS."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from scipy.special import ndtri

from penstock.errors import ConfigError, DataError
from penstock.portfolio import tail_search
from penstock.portfolio.certificate import Certified, certificate
from penstock.portfolio.choice import MILLION, Offers, best_rows, sum_over, worths
from penstock.portfolio.factors import PARTS, Scenarios, draw_scenarios
from penstock.portfolio.feasibility import find_conflict
from penstock.portfolio.limits import compile_rows
from penstock.portfolio.measuring import Measured
from penstock.portfolio.one_factor import bivariate_normal
from penstock.portfolio.passes import Applicants, InMemory
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import Search
from penstock.portfolio.tail_limits import compile_tails, worst_scenarios
from penstock.portfolio.tail_search import solve_within_tails
from tests.portfolio.books import FACTORS

MEASURES = ("at_default", "lent")
SECTORS, BANDS = ("car", "house", "boat", "wedding"), ("0.010000", "0.030000", "0.080000")
LEVEL = 0.95
TAIL = {"name": "bad years", "level": LEVEL}


@dataclass(frozen=True)
class Book:
    """Offers whose cells are sectors and bands of PD, with a budget."""

    offers: Offers
    cells: tuple
    budget: float

    @property
    def passes(self):
        keys = np.array([f"A{n}" for n in range(self.offers.applicants)], object)
        return InMemory(Applicants(keys, self.offers), len(self.cells))

    def problem(self, *tails, limits=()):
        rows = compile_rows([budget(self), *limits], [], self.cells, {}, ("pd_band", "sector"))
        largest = np.abs(self.offers.amounts).max(axis=1)
        made = np.bincount(self.offers.cells, minlength=len(self.cells)).tolist()
        held = compile_tails(tails, FACTORS, ("pd_band", "sector"), self.cells, made)
        return Problem(MEASURES, len(self.cells), rows, largest, tails=held)

    def sums(self, rows):
        return sum_over(self.offers, rows, len(self.cells))

    def free(self):
        """Return the sums over everyone's most profitable offers."""
        values = np.zeros((len(self.cells), 1 + len(MEASURES)))
        values[:, 0] = 1
        return self.sums(best_rows(self.offers, worths(self.offers, values)))


def budget(book):
    return {"name": "lent", "measure": "lent", "at_most": book.budget}


def draw(applicants, seed=0):
    random = np.random.default_rng(seed)
    cells = tuple((band, sector) for band in BANDS for sector in SECTORS)
    sector = random.choice(4, applicants, p=[0.45, 0.3, 0.2, 0.05])
    band = random.choice(3, applicants, p=[0.3, 0.4, 0.3])
    asked, lgd = np.exp(random.normal(9, 0.6, applicants)), random.uniform(0.3, 0.9, applicants)
    columns = []
    for share, step in ((1.0, 0.0), (0.6, 0.01), (0.4, 0.02)):
        lent = asked * share
        margin = (
            random.uniform(0.01, 0.05, applicants) + step + 0.4 * np.array([0.01, 0.03, 0.08])[band]
        )
        columns.append((margin * lent - 20, lgd * lent, lent))
    amounts = np.round(np.stack(columns, axis=2).reshape(3, -1) * MILLION)
    numbers = np.repeat(band * 4 + sector, 3).astype(np.int32)
    offers = Offers(np.arange(applicants + 1) * 3, numbers, amounts)
    return Book(offers, cells, round(0.8 * amounts[2, ::3].sum() / MILLION, 2))


BOOK = draw(300)


def losses(book, amounts):
    """Return the loss of each scenario in dollars, by the model as the docstrings tell it."""
    scenarios = draw_scenarios([(sector, band) for band, sector in book.cells], FACTORS)
    return amounts @ (scenarios.pds / PARTS)


def mean_of_worst(lost):
    return np.sort(lost)[-round(len(lost) * (1 - LEVEL)) :].mean()


def tail_of(book, sums):
    return mean_of_worst(losses(book, np.array(sums.whole()[:, 1] / MILLION, float)))


def bounded(book, share):
    """Return a tail limit at a share of what the most profitable offers would need."""
    return TAIL | {"at_most": round(share * tail_of(book, book.free()), 2)}


def in_parts(book, at_most):
    """Return the greatest profit in parts: max p x, t + mean excess over t / (1 - level) <= b."""
    offers, n = book.offers, FACTORS["scenarios"]
    n_offers, n_cells = len(offers.cells), len(book.cells)
    pds = losses(book, np.eye(n_cells))  # cells x scenarios
    usd = offers.amounts / MILLION
    owners = np.repeat(np.arange(offers.applicants), 3)
    places = np.arange(n_offers)
    of_cells = sparse.csr_array((usd[1], (offers.cells, places)), shape=(n_cells, n_offers))
    # Columns: offers, loss at default of cells, t, excess of each scenario.
    rows = sparse.block_array(
        [
            [sparse.csr_array((np.ones(n_offers), (owners, places))), None, None, None],
            [sparse.csr_array(usd[2][None]), None, None, None],
            [None, sparse.csr_array(pds.T), -np.ones((n, 1)), -sparse.eye_array(n)],
            [None, None, np.ones((1, 1)), np.full((1, n), 1 / (n * (1 - LEVEL)))],
        ]
    )
    limits = np.r_[np.ones(offers.applicants), book.budget, np.zeros(n), at_most]
    equal = sparse.block_array(
        [[of_cells, -sparse.eye_array(n_cells), sparse.csr_array((n_cells, 1 + n))]]
    )
    cost = np.r_[-usd[0], np.zeros(n_cells + 1 + n)]
    bounds = [(0, 1)] * n_offers + [(None, None)] * (n_cells + 1) + [(0, None)] * n
    solved = linprog(cost, rows, limits, equal, np.zeros(n_cells), bounds, method="highs")
    assert solved.status == 0
    return -solved.fun


def solve(book, *tails, tolerance=1e-6, limits=()):
    problem, passes = book.problem(*tails, limits=limits), book.passes

    def search(cut, start):
        return Search(cut, passes, tolerance).solve(start), None

    return solve_within_tails(problem, passes, tolerance, search)


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_the_bound_is_the_optimum_of_the_whole_problem_and_the_plan_keeps_the_limit(share):
    tail = bounded(BOOK, share)
    found = solve(BOOK, tail)
    solution = found.solution
    optimum = in_parts(BOOK, tail["at_most"])
    assert float(solution.bound_of_prices) / MILLION == pytest.approx(optimum, rel=1e-6)
    assert float(solution.bound_of_prices) / MILLION >= optimum * (1 - 1e-9)
    assert solution.prices[1:].sum() > 0  # it binds
    assert tail_of(BOOK, solution.plan.sums) <= tail["at_most"]
    assert float(solution.plan.value) / MILLION >= 0.995 * optimum


def test_the_price_is_what_one_more_dollar_of_the_limit_earns():
    tail = bounded(BOOK, 0.5)
    problem, solution = solve(BOOK, tail).merged()
    assert [row.limit for row in problem.rows] == ["lent", "bad years"]
    wider = in_parts(BOOK, tail["at_most"] * 1.001) - in_parts(BOOK, tail["at_most"] * 0.999)
    assert solution.prices[1] == pytest.approx(wider / (tail["at_most"] * 0.002), rel=0.05)
    measured = Measured(900, 900, BOOK.cells, (), ())
    certified = Certified([budget(BOOK)], problem, measured, 300, 0, solution, None)
    rows = certificate(certified, 1e-6, {}).tables["what_if"].rows
    for multiple, most in zip((0.9, 1.1), rows[1][1:], strict=True):
        assert in_parts(BOOK, multiple * tail["at_most"]) <= most * (1 + 1e-9)
        assert most <= 1.01 * in_parts(BOOK, multiple * tail["at_most"])


def test_a_limit_that_does_not_bind_changes_nothing():
    free, loose = solve(BOOK), solve(BOOK, bounded(BOOK, 1.01))
    apart = loose.solution.bound_of_prices - free.solution.bound_of_prices
    assert abs(apart) <= 1  # millionth: a search ends where the dual gains less than 1e-12 of it
    assert loose.solution.plan.value == free.solution.plan.value
    assert loose.solution.plan.moved == free.solution.plan.moved
    # That leaves prices free by its root: a row more, if without a price, turns the steps to them.
    *prices, of_tail = loose.solution.prices
    assert prices == pytest.approx(free.solution.prices, rel=1e-6) and of_tail == 0


@pytest.mark.parametrize(("share", "broken"), [(0.5, 1), (1.01, 0)])
def test_a_tail_limit_that_a_plan_exceeds_is_counted(share, broken):
    free, measured = solve(BOOK).solution, Measured(900, 900, BOOK.cells, (), ())
    problem = BOOK.problem(bounded(BOOK, share))
    certified = Certified([budget(BOOK)], problem, measured, 300, 0, free, None)
    assert certified.broken_limits == broken


def test_a_cut_never_says_more_than_the_limit_does():
    problem = BOOK.problem(bounded(BOOK, 0.5))
    [tail] = problem.tails
    random = np.random.default_rng(2)
    plans = [random.gamma(0.5, 1e10, len(BOOK.cells)).astype(np.int64).tolist() for _ in range(12)]
    cuts = [tail.cut(plan).weights["at_default"] for plan in plans]
    for at, plan in enumerate(plans):
        means = [sum(w * amount for w, amount in zip(cut, plan, strict=True)) for cut in cuts]
        assert tail.worst(plan).mean == means[at] == max(means)


@pytest.mark.parametrize("most_cuts", [1, 2])
def test_too_few_cuts_leave_a_bound_that_holds_and_a_plan_within_the_limit(monkeypatch, most_cuts):
    monkeypatch.setattr(tail_search, "_MOST_CUTS", most_cuts)
    tail = bounded(BOOK, 0.4)
    solution = solve(BOOK, tail).solution
    assert float(solution.bound_of_prices) / MILLION >= in_parts(BOOK, tail["at_most"]) * (1 - 1e-9)
    assert solution.plan is None or tail_of(BOOK, solution.plan.sums) <= tail["at_most"]


def test_cuts_of_a_sample_serve_all_and_are_added_to_where_they_do_not(monkeypatch):
    book = draw(2_000, seed=4)
    tail = bounded(book, 0.5)
    whole = in_parts(book, tail["at_most"])
    monkeypatch.setattr(tail_search, "SMALL", 400)
    monkeypatch.setattr(tail_search, "_SAMPLE", 100)
    found = solve(book, tail, tolerance=1e-4)
    bound = float(found.solution.bound_of_prices) / MILLION
    assert whole * (1 - 1e-9) <= bound <= whole * (1 + 1e-5)
    assert found.solution.gap <= 1e-3
    assert tail_of(book, found.solution.plan.sums) <= tail["at_most"]
    passes = found.solution.passes
    assert [p.bound for p in passes] == sorted((p.bound for p in passes), reverse=True)


def test_a_conflict_with_a_tail_limit_is_proven_by_the_scenarios_that_its_cuts_count():
    tail = bounded(BOOK, 0.3)
    floor = {"name": "floor", "measure": "lent", "at_least": round(0.9 * BOOK.budget, 2)}
    problem, passes = BOOK.problem(tail, limits=[floor]), BOOK.passes
    found = solve_within_tails(
        problem,
        passes,
        1e-3,
        lambda cut, start: (Search(cut, passes, 1e-3).nobody(), find_conflict(cut, passes, 1e-3)),
    )
    conflict = found.conflict
    assert conflict.multipliers.keys() == {"floor", "bad years"}
    of_cuts = sum(cut.multiplier for cut in conflict.cuts)
    assert of_cuts == pytest.approx(conflict.multipliers["bad years"])
    _, at_default, lent = BOOK.offers.amounts / MILLION
    pds = losses(BOOK, np.eye(len(BOOK.cells)))  # cells x scenarios
    used = -conflict.multipliers["floor"] * lent
    for cut in conflict.cuts:
        assert len(set(cut.scenarios)) == round(FACTORS["scenarios"] * (1 - LEVEL))
        mean = pds[:, cut.scenarios].mean(axis=1)
        used += cut.multiplier * mean[BOOK.offers.cells] * at_default
    bounds = of_cuts * tail["at_most"] - conflict.multipliers["floor"] * floor["at_least"]
    assert bounds - np.minimum(used.reshape(-1, 3).min(axis=1), 0).sum() < -1e-6


def test_two_tails_and_a_segment_hold_together():
    one, other = bounded(BOOK, 0.5), {"name": "years", "level": 0.8, "at_most": 0.0}
    free = np.array(BOOK.free().whole()[:, 1] / MILLION, float)
    lost = np.sort(losses(BOOK, free))
    other["at_most"] = round(0.45 * lost[-200:].mean(), 2)
    share = {
        "name": "cars", "measure": "lent", "where": {"sector": ["car"]}, "per": "lent",
        "at_most": 0.4,
    }  # fmt: skip
    found = solve(BOOK, one, other, tolerance=1e-3, limits=[share])
    lost = np.sort(losses(BOOK, np.array(found.solution.plan.sums.whole()[:, 1] / MILLION, float)))
    assert lost[-50:].mean() <= one["at_most"] and lost[-200:].mean() <= other["at_most"]
    problem, solution = found.merged()
    assert [row.limit for row in problem.rows] == ["lent", "cars", "bad years", "years"]
    assert solution.gap < 1e-2


def test_the_worst_scenarios_are_the_worst_and_of_the_last_a_part_counts():
    scenarios = Scenarios((("a", "1"), ("b", "1")), np.array([[1, 5, 3, 5, 2], [9, 1, 1, 1, 1]]))
    worst = worst_scenarios(scenarios, 0.7, [2, 1])  # losses 11, 11, 7, 11, 5
    assert worst.mean == Fraction(11, PARTS)
    # One and a half of those that tie, in their order.
    assert worst.pds == (Fraction(7, 3 * PARTS), Fraction(19, 3 * PARTS))
    assert worst_scenarios(scenarios, 0.7, [0, 0]).mean == 0
    every = worst_scenarios(scenarios, 0.51, [2, 0])  # 2.45 of 10, 10, 6, 4, 2
    assert every.mean == Fraction(2 * 1000 + 6 * 45, 245 * PARTS)


def test_scenarios_are_those_of_the_model_and_of_a_sector_alone():
    factors = FACTORS | {"scenarios": 400_000, "asset_correlations": {"a": 0.2, "*": 0.1}}
    groups = [("a", "0.050000"), ("b", "0.050000"), ("b", "0.000000"), ("b", "1.000000")]
    pds = draw_scenarios(groups, factors).pds / PARTS
    assert pds[:2].mean(axis=1) == pytest.approx(0.05, rel=5e-3)
    assert (pds[2] == 0).all() and (pds[3] == 1).all()
    # E[p^2] of a sector, and E[p q] of two, are two loans defaulting together.
    g, c = ndtri(0.05), FACTORS["sector_correlation"]
    for product, correlation in ((pds[0] ** 2, 0.2), (pds[0] * pds[1], c * np.sqrt(0.2 * 0.1))):
        together = bivariate_normal(np.array([g]), g, np.array([correlation]))[0]
        assert product.mean() == pytest.approx(together, rel=2e-2)
    alone = draw_scenarios(groups[1:2], factors).pds
    assert (alone == draw_scenarios(groups, factors).pds[1]).all()


@pytest.mark.parametrize(
    ("groups", "changed", "error", "told"),
    [
        ([("b", "0.1")], {"asset_correlations": {"a": 0.1}}, DataError, "sector 'b', for which"),
        ([("b", "x")], {}, DataError, "band of PD is 'x'"),
        ([("b", "1.5")], {}, DataError, "band of PD is '1.5'"),
        ([("b", "0.1")] * 60_000, {}, ConfigError, "Draw fewer, or take coarser bands"),
    ],
)
def test_groups_that_no_scenario_can_be_drawn_for_are_refused(groups, changed, error, told):
    with pytest.raises(error, match=told):
        draw_scenarios(groups, FACTORS | changed)


def test_nobody_to_choose_from_keeps_every_limit():
    nobody = replace(BOOK, offers=BOOK.offers.of(np.empty(0, np.int64)))
    problem, passes = BOOK.problem(TAIL | {"at_most": 5.0}), nobody.passes
    found = solve_within_tails(
        problem, passes, 1e-4, lambda cut, start: (Search(cut, passes, 1e-4).solve(start), None)
    )
    assert found.solution.plan.value == found.solution.bound == 0
