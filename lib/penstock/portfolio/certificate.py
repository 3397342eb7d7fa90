"""The certificate: how good a plan is, proven, and what it uses of each limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Literal

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.portfolio.choice import MILLION, Sums
from penstock.portfolio.feasibility import Conflict
from penstock.portfolio.frontier import Point
from penstock.portfolio.limits import Limit, exact, unit_of
from penstock.portfolio.measuring import Measured
from penstock.portfolio.problem import Problem
from penstock.portfolio.solution import Solution, gap_between
from penstock.portfolio.tail_report import tail_table

Status = Literal["optimal_within_tolerance", "gap_not_reached", "infeasible_proven", "empty"]
_WHAT_IF = (Fraction(9, 10), Fraction(11, 10))
_FEWEST = 2  # points that make a curve


@dataclass(frozen=True)
class Certified:
    """A plan, or why there is none, with the limits that it is held against.

    Attributes:
        problem: With one row for each tail limit.
        left: What the limits of a conflict leave at most, by SQL; None without one.
    """

    limits: Sequence[Limit]
    problem: Problem
    measured: Measured
    applicants: int
    approved: int
    solution: Solution
    conflict: Conflict | None
    left: float | None = None

    def status(self, tolerance: float) -> Status:
        """Return how the search ended."""
        if self.conflict:
            return "infeasible_proven"
        if not self.measured.made:
            return "empty"
        gap = self.solution.gap
        return "gap_not_reached" if gap is None or gap > tolerance else "optimal_within_tolerance"

    @property
    def broken_limits(self) -> int | None:
        """Return how many hard limits the plan exceeds, in exact arithmetic; None without one."""
        if self.sums is None:
            return None
        tails = self.problem.tails
        names = {tail.name for tail in tails}
        used = zip(self.problem.rows, self.problem.exact_usages(self.sums), strict=True)
        return sum(self.problem.tail_excess(tail, self.sums) > 0 for tail in tails) + sum(
            row.limit not in names and row.penalty is None and amount > row.bound * MILLION
            for row, amount in used
        )

    @property
    def sums(self) -> Sums | None:
        """Return the sums over the plan; None without one."""
        return self.solution.plan.sums if self.solution.plan else None

    def price_rows(self) -> list[tuple[str, str, float, float | None, float]]:
        """Return the rows of `PRICE_COLUMNS`."""
        told: list[tuple[str, str, float, float | None, float]] = []
        limits = {limit["name"]: limit for limit in self.limits}
        for row, price in zip(self.problem.rows, self.solution.prices, strict=True):
            limit = limits.get(row.limit)
            used = self._used(limit) if limit else self._used_of_tail(row.limit)
            told.append((row.limit, row.sense, float(row.limited_to), used, float(price)))
        return told

    def _used_of_tail(self, name: str) -> float | None:
        for tail in self.problem.tails:
            if tail.name == name and self.sums is not None:
                lost = self.problem.of_measure(tail.measure, self.sums)
                return float(tail.worst(lost).mean / MILLION)
        return None

    def _used(self, limit: Limit) -> float | None:
        if self.sums is None:
            return None
        at = [row.limit for row in self.problem.rows].index(limit["name"])
        row = self.problem.rows[at]
        excess = self.problem.exact_usages(self.sums)[at]
        if "per" not in limit:
            return abs(float(excess / MILLION))
        per = Fraction(sum(self.sums.whole()[:, 1 + self.problem.measures.index(limit["per"])]))
        if not per:
            return None
        sign = 1 if row.sense == "at most" else -1
        return float(exact(_bound(limit)) + sign * excess / per)


def certificate(
    certified: Certified, tolerance: float, points: Mapping[str, Sequence[Point]]
) -> Evidence:
    """Return the certificate as metrics, tables and figures."""
    solution = certified.solution
    plan = solution.plan
    bound = float(solution.bound / MILLION)
    of_prices, of_whole_offers = solution.gap_parts
    metrics: dict[str, float | None] = {
        "applicants": float(certified.applicants),
        "offers": float(certified.measured.made),
        "approved": float(certified.approved),
        "profit": None if plan is None else float(plan.value / MILLION),
        "profit_of_offers": None if plan is None else _profit_of(plan.sums),
        "profit_bound": bound,
        "profit_bound_of_prices": float(solution.bound_of_prices / MILLION),
        "gap": solution.gap,
        "gap_of_prices": of_prices,
        "gap_of_whole_offers": of_whole_offers,
        "broken_limits": _number(certified.broken_limits),
        "passes": float(sum(each.sets > 0 for each in solution.passes)),
        "tolerance": tolerance,
    }
    if certified.conflict:
        metrics["limits_leave"] = certified.left
    status = certified.status(tolerance)
    tables = {
        "status": Table("Status", ("status",), ((status,),)),
        "limits": _limits_table(certified),
        "passes": _passes_table(solution),
        "what_if": _what_if_table(certified),
    }
    if certified.problem.tails and certified.sums is not None:
        tables["tail_limits"] = tail_table(certified.problem, certified.sums)
    if certified.conflict:
        tables["conflict"] = _conflict_table(certified.conflict)
    figures = {"limits": _limits_figure(certified), "passes": _passes_figure(solution)} | {
        f"frontier {name}": _frontier_figure(name, along) for name, along in points.items()
    }
    return Evidence(metrics, tables, {name: each for name, each in figures.items() if each})


def _limits_table(certified: Certified) -> Table:
    rows = []
    # Of a ratio the bound is in its own unit, the price for a unit of the measure.
    units = {
        limit["name"]: (unit_of(limit["measure"], limit.get("per")), unit_of(limit["measure"]))
        for limit in certified.limits
    }
    units |= {tail.name: (unit_of(tail.measure),) * 2 for tail in certified.problem.tails}
    for name, sense, bound, used, price in certified.price_rows():
        share = used / bound if used is not None and bound else None
        # What is no limit is a parity, of approval rates.
        unit, priced_unit = units.get(name, ("share", "share"))
        rows.append((name, sense, bound, unit, used, share, price, priced_unit))
    columns = (
        "limit", "sense", "bound", "unit", "used by the plan", "share used", "price", "price per",
    )  # fmt: skip
    return Table("Limits, their use and their price", columns, tuple(rows))


def _passes_table(solution: Solution) -> Table:
    rows = []
    passes = count(1)
    for each in solution.passes:
        step = f"pass {next(passes)}" if each.sets else "whole offers"
        bound = float(each.bound / MILLION)
        value = None if each.value is None else float(each.value / MILLION)
        gap = None if each.value is None else gap_between(each.value, each.bound)
        rows.append((step, each.sets, bound, value, gap, each.beyond))
    columns = (
        "step", "prices tried", "profit bound", "best plan", "gap", "limits broken at the prices",
    )  # fmt: skip
    return Table("The search, step by step", columns, tuple(rows))


def _what_if_table(certified: Certified) -> Table:
    """What no plan exceeds were a limit moved: g(l) + l (b' - b), without another pass."""
    rows = []
    dual = certified.solution.bound_of_prices / MILLION
    priced = zip(certified.problem.rows, certified.solution.prices, strict=True)
    for row, price in priced:
        if row.bound:
            moved = [float(dual + Fraction(float(price)) * row.bound * (m - 1)) for m in _WHAT_IF]
            rows.append((row.limit, *moved))
    told = (f"profit bound at {float(multiple):g} x" for multiple in _WHAT_IF)
    return Table("What if a limit were moved", ("limit", *told), tuple(rows))


def _conflict_table(conflict: Conflict) -> Table:
    rows = tuple(
        (name, multiplier, conflict.relaxed.get(name))
        for name, multiplier in conflict.multipliers.items()
    )
    columns = ("limit", "multiplier", "bound that it alone would need")
    sought = len(conflict.relaxed)
    only = "" if sought == len(rows) else f"; bounds are sought of the first {sought} alone"
    return Table(f"Limits that no plan can meet together{only}", columns, rows)


def _limits_figure(certified: Certified) -> Figure | None:
    used = [
        (f"{name}, price {price:.3g}" if price else name, 100 * use / bound)
        for name, _, bound, use, price in certified.price_rows()
        if use is not None and bound
    ]
    if not used:
        return None
    names, shares = zip(*used, strict=True)
    return Figure(
        "Use and price of limits",
        "limit",
        "% of the limit",
        (Series("used", names, shares, "bars"),),
        "A cap is full at 100 %; a floor is met from 100 % on. A price is the profit for one more "
        "unit of what is limited; who has none has room left.",
    )


def _passes_figure(solution: Solution) -> Figure | None:
    """How far each pass's bound lies above the last one."""
    last = float(solution.bound)
    above = [float(each.bound) / last - 1 for each in solution.passes] if last > 0 else []
    told = [(n, 100 * share) for n, share in enumerate(above, start=1) if share > 0]
    if len(told) < _FEWEST:
        return None
    numbers, shares = zip(*told, strict=True)
    return Figure(
        "The bound, step by step",
        "step of the search",
        "% above the last bound",
        (Series("bound", tuple(map(float, numbers)), shares),),
    )


def _frontier_figure(name: str, along: Sequence[Point]) -> Figure | None:
    most = {p.bound: p.most for p in along if p.most is not None}
    at_prices = {p.bound: p.at_prices for p in along if p.at_prices is not None}
    if not most:
        return None
    return Figure(
        f"Frontier of {name}",
        name,
        "profit",
        (
            Series("no plan exceeds", tuple(most), tuple(most.values())),
            Series("plan by prices", tuple(at_prices), tuple(at_prices.values()), "points"),
        ),
        "The slope is the price of the limit.",
    )


def _profit_of(sums: Sums) -> float:
    return float(Fraction(int(sum(sums.whole()[:, 0])), MILLION))


def _number(counted: int | None) -> float | None:
    return None if counted is None else float(counted)


def _bound(limit: Limit) -> float:
    return float(limit["at_most"] if "at_most" in limit else limit["at_least"])
