"""What an offer of a plan is charged for: the use of limits that have a price."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.portfolio.audit import use_of
from penstock.portfolio.choice import Floats
from penstock.portfolio.limits import APPROVALS, Cell, Limit, Row
from penstock.portfolio.problem import Problem
from penstock.portfolio.tail_audit import loss_at
from penstock.portfolio.tail_limits import Tail

_CHARGES = "ARRAY<STRUCT<limit: STRING, used: DOUBLE, price: DOUBLE, cost: DOUBLE>>"


def charges_of(
    limits: Sequence[Limit],
    attributes: Sequence[str],
    cells: Sequence[Cell],
    problem: Problem,
    prices: Floats,
) -> Column:
    """Return what an offer uses of each limit, and each enforced parity, that has a price.

    Args:
        attributes: Of cells.
        problem: With one row for each tail limit.
        prices: Of the rows of the problem.

    Returns:
        An array of structs: limit, used (in the limit's unit), price and cost: price x used, below
        0 where the offer helps to meet a floor.
    """
    by_name = {limit["name"]: limit for limit in limits}
    charges = []
    for row, price in zip(problem.rows, map(float, prices), strict=True):
        if not price:
            continue
        if row.attribute is not None:
            used = _use_of_parity(row, row.attribute, attributes, cells)
        elif row.limit in by_name:
            used = use_of(by_name[row.limit])
        else:
            [tail] = [tail for tail in problem.tails if tail.name == row.limit]
            used = _use_of_tail(row, tail)
        sign = 1 if row.sense == "at most" else -1
        charges.append(
            F.struct(
                F.lit(row.limit).alias("limit"),
                used.alias("used"),
                F.lit(price).alias("price"),
                (sign * price * used).alias("cost"),
            )
        )
    return F.array(*charges) if charges else F.array().cast(_CHARGES)


def _use_of_parity(
    row: Row, attribute: str, attributes: Sequence[str], cells: Sequence[Cell]
) -> Column:
    """Return what an offer adds to the rate of the one group, or takes as one of the other."""
    at = attributes.index(attribute)
    of_groups = {cell[at]: float(w) for cell, w in zip(cells, row.weights[APPROVALS], strict=True)}
    used = F.lit(0.0)
    for group, weight in of_groups.items():
        if weight:
            is_in = F.col(attribute).cast("string").eqNullSafe(F.lit(group))
            used = F.when(is_in, weight).otherwise(used)
    return used


def _use_of_tail(row: Row, tail: Tail) -> Column:
    """Return what an offer loses in the scenarios that the row is of."""
    pds = {
        tail.scenarios.groups[place]: float(weight)
        for place, weight in zip(tail.groups, row.weights[tail.measure], strict=True)
        if place >= 0
    }
    return loss_at(pds, tail.factors)
