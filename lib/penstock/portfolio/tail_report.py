"""What the certificate tells of tail limits: the worst scenarios of the plan, by sector."""

from collections.abc import Sequence

from penstock.evidence import Table
from penstock.portfolio.choice import MILLION, Sums
from penstock.portfolio.problem import Problem
from penstock.portfolio.tail_limits import Tail


def tail_table(problem: Problem, sums: Sums) -> Table:
    """Return what each sector loses in the worst scenarios of each tail limit; they add up to it.

    Args:
        sums: Of a plan.
    """
    rows = []
    for tail in problem.tails:
        lost = problem.of_measure(tail.measure, sums)
        for sector, (at_default, in_worst) in _by_sector(tail, lost).items():
            rows.append((tail.name, tail.limit["level"], sector, at_default, in_worst))
    columns = (
        "limit",
        "level",
        "sector",
        "lost if all default",
        "mean loss of the worst scenarios",
    )
    return Table("The worst scenarios of the plan", columns, tuple(rows))


def _by_sector(tail: Tail, lost: Sequence[int]) -> dict[str, tuple[float, float]]:
    pds = tail.worst(lost).pds
    found: dict[str, tuple[float, float]] = {}
    for group, amount in zip(tail.groups, lost, strict=True):
        if group >= 0 and amount:
            sector, _ = tail.scenarios.groups[group]
            at_default, in_worst = found.get(sector, (0.0, 0.0))
            usd = amount / MILLION
            found[sector] = (at_default + usd, in_worst + usd * float(pds[group]))
    return dict(sorted(found.items()))
