"""The efficient frontier: the profit that a limit allows as it is moved, all other limits kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated

import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.annotations import Positive
from penstock.errors import ConfigError, did_you_mean
from penstock.portfolio.choice import MILLION, Floats, Sums
from penstock.portfolio.dual import newton
from penstock.portfolio.limits import exact
from penstock.portfolio.passes import Passes, sum_best
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import SAMPLE, scales_of
from penstock.portfolio.solution import Solution

FRONTIER_COLUMNS = """
    limit STRING COMMENT 'that is moved, all others kept; key, with bound',
    bound DOUBLE COMMENT 'of it, in its unit; of a limit per a measure the ratio',
    most_profit DOUBLE COMMENT 'that no plan exceeds; null: no plan can keep the limits',
    plan_profit DOUBLE COMMENT 'of the plan by prices, maybe a little beyond limits; null: none',
    price DOUBLE COMMENT 'profit for one more unit of the measure, of at least for one less; null:
        none'"""
_PASSES = 2


class Frontier(TypedDict):
    """Which limit is moved, and the multiples of its bound."""

    limit: str
    multiples: Annotated[list[Positive], MinLen(1)]


@dataclass(frozen=True)
class Point:
    """One point of the frontier.

    Attributes:
        bound: Of the moved limit, in its unit (of a limit "at least" too; per a measure the ratio).
        most: Profit that no plan exceeds there.
        at_prices: Profit of the plan that the prices make, which may be a little beyond limits.
        price: Profit for one more unit of the measure; of a limit "at least" for one less. All
            three are None where no plan can keep the limits.
    """

    bound: float
    most: float | None
    at_prices: float | None
    price: float | None


@dataclass(frozen=True)
class _At:
    """Prices, what they make units worth in the problem that they were tried in, and the sums."""

    prices: Floats
    values: Floats
    sums: Sums


def check_frontiers(frontiers: Sequence[Frontier], bounds: Mapping[str, float]) -> None:
    """Refuse a frontier of a limit that there is not, that cannot be moved, or that comes twice.

    Args:
        bounds: Name of each limit to its bound.

    Raises:
        ConfigError: Naming the limit, the value and the cure.
    """
    seen = set()
    for name, multiples in ((each["limit"], each["multiples"]) for each in frontiers):
        if name not in bounds:
            raise ConfigError(
                f"`frontiers` speaks of '{name}', and no limit is called so."
                f"{did_you_mean(name, bounds)}"
            )
        if name in seen:
            raise ConfigError(f"`frontiers` has '{name}' twice: put all its multiples into one.")
        seen.add(name)
        if not bounds[name]:
            raise ConfigError(
                f"`frontiers` moves '{name}' by multiples of its bound, which is 0: it would not "
                "move. Leave it out, or give it another bound."
            )
        for multiple in multiples:
            if multiples.count(multiple) > 1:
                raise ConfigError(f"`frontiers` has the multiple {multiple:g} of '{name}' twice.")


def frontier(
    problem: Problem,
    passes: Passes,
    row: int,
    multiples: Sequence[float],
    solution: Solution,
) -> list[Point]:
    """Return the frontier along one limit; all points share passes.

    Args:
        row: The limit that is moved; of a tail limit any of its cuts.
        multiples: Of its bound.
        solution: Whose prices the search begins at.
    """
    moved = [_moved(problem, row, multiple) for multiple in multiples]
    begin = _At(solution.prices, problem.values(solution.prices), solution.sums)
    return _points(moved, passes, row, begin)


def _points(moved: Sequence[Problem], passes: Passes, row: int, begin: _At) -> list[Point]:
    sample = passes.subsample(SAMPLE).offers
    share = sample.applicants / passes.applicants
    scales = scales_of(moved[0], begin.sums)
    at = [begin] * len(moved)
    best: list[tuple[Fraction, _At] | None] = [None] * len(moved)
    for _ in range(_PASSES):
        tried = []
        for problem, near in zip(moved, at, strict=True):
            # A ratio that moves changes what prices make units worth: both sums are at the same.
            of_sample = problem.usages(sum_best(sample, near.values, problem.n_cells))
            bounds = share * (problem.bounds - problem.usages(near.sums)) + of_sample
            tried.append(newton(problem, sample, bounds, scales, near.prices))
        values = [problem.values(each) for problem, each in zip(moved, tried, strict=True)]
        passed = map(_At, tried, values, passes.sums(values))
        for place, (problem, found) in enumerate(zip(moved, passed, strict=True)):
            dual = problem.dual_value(found.prices, found.sums, passes.applicants)
            known = best[place]
            if known is None or dual < known[0]:
                best[place] = (dual, found)
        at = [kept[1] for kept in best if kept is not None]
    return [
        _point(problem, row, *kept)
        if kept[0] >= _least_worth(problem, passes.applicants)
        else Point(_bound(problem, row), None, None, None)
        for problem, kept in zip(moved, best, strict=True)
        if kept is not None
    ]


def _least_worth(problem: Problem, applicants: int) -> float:
    """Return what no plan is worth less than, penalties off: a bound below it leaves no plan."""
    sizes = np.einsum("kcm,m->kc", np.abs(problem.weights), problem.largest)
    beyond = applicants * sizes.max(axis=1, initial=0.0) + np.abs(problem.bounds)
    is_soft = np.isfinite(problem.highest)
    penalties = float((problem.highest[is_soft] * beyond[is_soft]).sum())
    return -applicants * float(problem.largest[0]) - penalties


def _moved(problem: Problem, at: int, multiple: float) -> Problem:
    name = problem.rows[at].limit  # a tail limit is as many rows as it has cuts
    rows = tuple(row.moved(exact(multiple)) if row.limit == name else row for row in problem.rows)
    return replace(problem, rows=rows)


def _point(problem: Problem, row: int, dual: Fraction, found: _At) -> Point:
    profit = float(np.sum(found.sums.whole()[:, 0])) / MILLION
    of_limit = [each.limit == problem.rows[row].limit for each in problem.rows]
    price = float(found.prices[of_limit].sum())
    return Point(_bound(problem, row), float(dual / MILLION), profit, price)


def _bound(problem: Problem, at: int) -> float:
    return float(problem.rows[at].limited_to)
