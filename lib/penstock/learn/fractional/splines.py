"""Restricted cubic splines: curves of a number that are straight beyond their outer knots."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

Number = TypeVar("Number", bound=Any)  # a Column, or a float

Knots = Literal[0, 3, 4, 5]
KNOT_QUANTILES: dict[int, tuple[float, ...]] = {
    0: (),
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
}
"""Number of knots to the quantiles they lie on.

Source:
    Harrell, Regression Modeling Strategies (2015), table 2.3.
"""
_FEWEST_KNOTS = 3


def spline_terms(
    value: Number, knots: Sequence[float], *, above: Callable[[Number], Number]
) -> list[Number]:
    """Return the terms of a number: itself, and one curve for each knot but two.

    With fewer than three knots there is the number alone, a straight line.

    Args:
        value: The number.
        knots: Rising.
        above: Returns what it is given, or 0 below 0.

    Source:
        Harrell, Regression Modeling Strategies (2015), section 2.4.5, in units of the number.
    """
    if len(knots) < _FEWEST_KNOTS:
        return [value]
    *inner, before_last, last = knots
    unit = (last - knots[0]) ** 2
    at_last, at_before = above(value - last) ** 3, above(value - before_last) ** 3
    curves = [
        (
            above(value - knot) ** 3
            - at_before * ((last - knot) / (last - before_last))
            + at_last * ((before_last - knot) / (last - before_last))
        )
        / unit
        for knot in inner
    ]
    return [value, *curves]
