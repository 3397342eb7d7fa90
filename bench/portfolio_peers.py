"""Choosing among offers beside other methods, on the same offers in the same run, and bid prices.

Others are a linear program by HiGHS, a cut-off, a ranking and plain dual descent. What they leave
undone, to keep limits in whole offers, one rule does for all of them: see `filled`.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy import sparse

from bench.portfolio_arrivals import Arrived, decided_by_bid_prices
from bench.portfolio_offers import LENT, LENT_EACH, LOSS, OFFERS, Book, judged, read_book
from bench.portfolio_session import TOLERANCE, drawn
from bench.result import Figure, Result
from penstock.portfolio.choice import MILLION, NOBODY, Ints, choose, sum_over, worths
from penstock.portfolio.dual import row_usages
from penstock.portfolio.limits import Limit
from penstock.portfolio.passes import InMemory, sum_best
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import Search
from penstock.portfolio.solution import Solution

APPLICANTS = 100_000
MOST_GAP = 2e-5  # certified, at this size
MOST_LP_GAP = 1e-6  # of our bound to the linear program's
LEAST_SHARE = 0.99  # of the batch's profit, by bid prices
LP_METHODS = {"highs": "as SciPy chooses", "highs-ipm": "by its interior point"}


@dataclass(frozen=True)
class Found:
    """What a method came to.

    Attributes:
        profit: Of its plan, in millionths.
        broken: Limits that its plan is beyond.
        seconds: That it took.
    """

    profit: Fraction
    broken: int
    seconds: float


def measure() -> Result:
    """Choose among the same offers by each method, then one at a time by bid prices.

    The bid prices are those of another book of as many applicants.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        here, before = (read_book(path) for path in drawn(Path(folder), APPLICANTS, 2))
    problem = here.problem()
    started = time.perf_counter()
    solution = Search(problem, InMemory(here.everyone, problem.n_cells), TOLERANCE).solve()
    seconds = time.perf_counter() - started
    assert solution.plan is not None
    others: dict[str, Callable[[], Ints]] = {
        "cutoff": lambda: by_cutoff(here),
        "greedy": lambda: by_scarcest(here),
        "ratio": lambda: by_lent(here),
        "descent": lambda: by_descent(here, sum(each.sets for each in solution.passes)),
    }
    found = {"ours": Found(solution.plan.value, 0, seconds)}
    found |= {name: _judged(here, method) for name, method in others.items()}
    solved = {method: _timed_in_parts(here, method) for method in LP_METHODS}
    arrived = decided_by_bid_prices(here, before)
    figures = (
        *_figures(solution, found),
        *_beside_linear_program(float(solution.bound), seconds, solved),
        *_by_bid_prices(arrived, solution.plan.value),
    )
    faster = min(solved, key=lambda method: solved[method][1])
    return Result(figures, _notes(here, solution, faster, max(each.stopped for each in arrived)))


def _beside_linear_program(
    bound: float, seconds: float, solved: dict[str, tuple[float, float]]
) -> list[Figure]:
    """Return figures of our bound and time beside those of each of `LP_METHODS`, by the faster."""
    relaxed, lp_seconds = min(solved.values(), key=lambda each: each[1])
    return [
        Figure(
            "bound_above_lp",
            bound / relaxed - 1,
            "our bound / the value of the whole linear program by HiGHS - 1",
            MOST_LP_GAP,
        ),
        *(
            Figure(
                f"seconds_lp_{method.replace('-', '_')}",
                solved[method][1],
                f"the linear program by HiGHS, {told}, without whole offers",
            )
            for method, told in LP_METHODS.items()
        ),
        Figure(
            "time_vs_lp",
            seconds / lp_seconds,
            "our time, whole offers included / HiGHS, the faster",
            1,
        ),
    ]


def _by_bid_prices(arrived: list[Arrived], profit: Fraction) -> list[Figure]:
    """Return figures of random orders of arrival, beside the profit of the batch."""
    return [
        Figure(
            "lost_by_bid_prices",
            1 - float(min(each.profit for each in arrived) / profit),
            "share of the batch's profit, decided one at a time, prices of another book, the worst "
            f"of {len(arrived)} random orders",
            round(1 - LEAST_SHARE, 6),
        ),
        Figure(
            "broken_by_bid_prices",
            max(each.broken for each in arrived),
            "limits, of 15, at the end, the most of these orders",
            0,
        ),
        Figure(
            "decision_us",
            1e6 * max(each.seconds for each in arrived) / APPLICANTS,
            "microseconds for each applicant, six offers, limits looked after",
        ),
    ]


def _timed_in_parts(book: Book, method: str) -> tuple[float, float]:
    """Return the value of the linear program, in millionths, and the seconds it takes."""
    started = time.perf_counter()
    return solved_in_parts(book, method), time.perf_counter() - started


def solved_in_parts(book: Book, method: str = "highs") -> float:
    """Return the value of the linear program, in millionths, by SciPy's HiGHS."""
    from scipy.optimize import linprog  # noqa: PLC0415

    problem, offers = book.problem(), book.offers
    n = len(offers.cells)
    used = row_usages(problem, offers, np.arange(n)).T
    units = np.abs(used).max(axis=1)
    owners = np.repeat(np.arange(offers.applicants), np.diff(offers.starts))
    one_each = sparse.csr_array((np.ones(n), (owners, np.arange(n))))
    matrix = sparse.vstack([sparse.csr_array(used / units[:, None]), one_each])
    most = np.concatenate([problem.bounds / units, np.ones(offers.applicants)])
    solved = linprog(-offers.amounts[0] / MILLION, matrix, most, bounds=(0, 1), method=method)
    return -float(solved.fun) * MILLION


def by_cutoff(book: Book) -> Ints:
    """Approve by the expected loss of what is lent, the best offer each, until limits are full."""
    offers = book.offers
    best = choose(offers, offers.amounts[0]).rows
    best = best[best != NOBODY]
    measures = book.problem().measures
    loss, lent = (offers.amounts[1 + measures.index(name)][best] for name in (LOSS, LENT))
    return filled(book, best[np.argsort(loss / lent, kind="stable")])


def by_lent(book: Book) -> Ints:
    """Rank all offers by profit for a dollar lent."""
    offers = book.offers
    lent = offers.amounts[1 + book.problem().measures.index(LENT)]
    rows = np.flatnonzero(offers.amounts[0] > 0)
    return filled(book, rows[np.argsort(-offers.amounts[0][rows] / lent[rows], kind="stable")])


def by_scarcest(book: Book) -> Ints:
    """Rank all offers by profit for a unit of the limit that the best ones exceed the most."""
    problem, offers = _in_money(book), book.offers
    best = choose(offers, offers.amounts[0]).rows
    used = problem.usages(sum_over(offers, best[best != NOBODY], problem.n_cells))
    scarcest = int(np.argmax(np.where(problem.bounds > 0, used / problem.bounds, 0)))
    rows = np.flatnonzero(offers.amounts[0] > 0)
    # Of a limit on some offers alone the others use nothing: they come first.
    use = np.maximum(row_usages(problem, offers, rows)[:, scarcest], 1.0)
    return filled(book, rows[np.argsort(-offers.amounts[0][rows] / use, kind="stable")])


def by_descent(book: Book, passes: int) -> Ints:
    """Descend along the dual's slopes, by steps of 1 / sqrt(n); fill from the best prices.

    Source: Held, Wolfe and Crowder, Validation of subgradient optimization (1974).
    """
    problem, offers = book.problem(), book.offers
    free = sum_best(offers, problem.values(np.zeros(len(problem.rows))), problem.n_cells)
    sizes = np.einsum("kcm,cm->k", np.abs(problem.weights), free.whole().astype(float))
    unit = float(sum(free.whole()[:, 0])) / sizes  # prices near which a row's use costs the profit
    prices, best, least = np.zeros(len(problem.rows)), np.zeros(len(problem.rows)), None
    for number in range(passes):
        sums = sum_best(offers, problem.values(prices), problem.n_cells)
        value = problem.dual_value(prices, sums, offers.applicants)
        if least is None or value < least:
            least, best = value, prices
        slopes = (problem.usages(sums) - problem.bounds) / sizes
        step = unit * slopes / max(float(np.abs(slopes).max()), 1e-12) / np.sqrt(number + 1)
        prices = np.maximum(prices + step, 0)
    worth = worths(offers, problem.values(best))
    firsts = worth.reshape(offers.applicants, OFFERS).argmax(axis=1) + offers.starts[:-1]
    firsts = firsts[offers.amounts[0][firsts] > 0]
    return filled(book, firsts[np.argsort(-worth[firsts], kind="stable")])


def filled(book: Book, order: Ints) -> Ints:
    """Take offers in this order, one of an applicant, each unless a limit would be exceeded.

    A share or an average is, for that, as much of the measure as fits the largest amount lent.
    """
    problem, offers = _in_money(book), book.offers
    owners = np.repeat(np.arange(offers.applicants), np.diff(offers.starts))[order]
    used = row_usages(problem, offers, order)
    is_done = np.zeros(offers.applicants, bool)
    left, taken = problem.bounds, []
    for row, owner, use in zip(order.tolist(), owners.tolist(), used, strict=True):
        if not is_done[owner] and (use <= left).all():
            left = left - use
            is_done[owner] = True
            taken.append(row)
    return np.array(taken, np.int64)


def _in_money(book: Book) -> Problem:
    """Return the book's caps, those per another measure as sums."""
    lent = LENT_EACH * book.offers.applicants
    caps: list[Limit] = []
    for limit in book.limits:
        if "at_most" in limit:
            most = limit["at_most"] * (lent if "per" in limit else 1)
            cap: Limit = {"name": limit["name"], "measure": limit["measure"], "at_most": most}
            if "where" in limit:
                cap["where"] = limit["where"]
            caps.append(cap)
    return book.problem(tuple(caps))


def _figures(solution: Solution, found: dict[str, Found]) -> list[Figure]:
    bound = solution.bound
    told = {
        "ours": "our plan",
        "cutoff": "best offers, approved by expected loss / amount up to a cut-off",
        "greedy": "offers ranked by profit for a unit of the scarcest limit",
        "ratio": "offers ranked by profit for a dollar lent",
        "descent": "plain dual descent, as many passes as ours has sets of prices",
    }
    figures = []
    for name, each in found.items():
        figures += [
            Figure(f"profit_{name}", float(each.profit / MILLION), f"USD, {told[name]}"),
            Figure(
                f"gap_{name}",
                float(1 - each.profit / bound),
                "of its profit to our bound",
                MOST_GAP if name == "ours" else None,
            ),
            Figure(f"broken_{name}", each.broken, "limits, of 15", 0 if name == "ours" else None),
            Figure(f"seconds_{name}", each.seconds, "on arrays, in one process"),
        ]
    return figures


def _notes(book: Book, solution: Solution, lp_method: str, stopped: int) -> tuple[str, ...]:
    priced = int((solution.prices > 0).sum())
    return (
        f"{APPLICANTS:,} applicants x {OFFERS} offers, {len(book.limits)} limits, of which "
        f"{priced} have a price; all methods have the same arrays in one process, Spark drew them.",
        "Cut-off, ranking and descent fill limits in their order: an offer that would exceed one "
        "is passed over. For that, a share or an average counts as so much money of the largest "
        "amount lent; whether the plan keeps the limits as they are written is judged after.",
        "The linear program is SciPy's, and shares nothing with ours but the limits as rows. Its "
        "value is what no plan exceeds; it has no whole offers, so no plan. Of its methods, "
        f"{lp_method} is the faster.",
        f"By bid prices at most {stopped:,} of {APPLICANTS:,} applicants had their best offer "
        "stopped by a limit. A share may be exceeded a little on the way, by less and less, and by "
        "nothing at the end.",
    )


def _judged(book: Book, method: Callable[[], Ints]) -> Found:
    started = time.perf_counter()
    rows = method()
    seconds = time.perf_counter() - started
    profit, broken = judged(book, rows)
    return Found(profit, broken, seconds)
