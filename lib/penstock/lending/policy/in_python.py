"""Expressions of a policy in plain Python: one application at a time, no Spark.

A missing value is None, a decimal the whole number of its last digits. Doubles follow IEEE 754, as
Spark's do; what is not finite is missing where it is looked at.
"""

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import partial
from typing import Any

from penstock.lending.policy.expressions import (
    INTEGER,
    MOST_DIGITS,
    MOST_WHOLE,
    Arithmetic,
    Both,
    Comparison,
    Constant,
    Converted,
    Either,
    Expression,
    Fact,
    Finite,
    IsMissing,
    Kind,
    OneOf,
    Opposite,
)

Facts = Mapping[str, Any]
Evaluation = Callable[[Facts], Any]

_EXACT = Context(prec=2 * MOST_DIGITS)
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip


def fact_of(value: Any, kind: Kind) -> Any:
    """Return a value of a table, as Spark hands it to Python, as evaluations take it."""
    if value is None:
        return None
    if kind.name == "decimal":
        return int(Decimal(value).scaleb(kind.scale, _EXACT))
    return finite(float(value)) if kind.name == "double" else value


def finite(number: float | None) -> float | None:
    """Return a number, or None where it is NaN or infinite."""
    return number if number is not None and math.isfinite(number) else None


def evaluation(expression: Expression) -> Evaluation:
    """Return a function of the facts of one application: name to value as `fact_of` has it."""
    made: Evaluation
    match expression:
        case Constant(value=value):
            made = partial(_constant, value)
        case Fact(name=name):
            made = operator.itemgetter(name)
        case Converted(of=of, kind=kind):
            made = _unless_missing(_conversion(of.kind, kind), of)
        case Arithmetic(sign=sign, left=left, right=right, kind=kind):
            made = _unless_missing(_calculation(sign, kind), left, right)
        case Finite(of=of):
            made = _unless_missing(finite, of)
        case Comparison(relation=relation, left=left, right=right):
            made = _unless_missing(_RELATIONS[relation], left, right)
        case OneOf(of=of, texts=texts):
            made = _unless_missing(frozenset(texts).__contains__, of)
        case Opposite(of=of):
            made = _unless_missing(operator.not_, of)
        case IsMissing(of=of):
            made = partial(_is_missing, evaluation(of))
        case Both(left=left, right=right):
            made = partial(_joined, evaluation(left), evaluation(right), False)
        case Either(left=left, right=right):
            made = partial(_joined, evaluation(left), evaluation(right), True)
        case _:
            raise TypeError(f"{type(expression).__name__} is no expression of a policy.")
    return made


def _constant(value: Any, facts: Facts) -> Any:
    return value


def _is_missing(inner: Evaluation, facts: Facts) -> bool:
    return inner(facts) is None


def _unless_missing(function: Callable[..., Any], *parts: Expression) -> Evaluation:
    if len(parts) == 1:
        only = evaluation(parts[0])

        def of_one(facts: Facts) -> Any:
            value = only(facts)
            return None if value is None else function(value)

        return of_one
    first, second = (evaluation(part) for part in parts)

    def of_two(facts: Facts) -> Any:
        left, right = first(facts), second(facts)
        return None if left is None or right is None else function(left, right)

    return of_two


def _joined(first: Evaluation, second: Evaluation, settling: bool, facts: Facts) -> Any:
    """Join two conditions, of which one that is `settling` decides whatever the other is."""
    left, right = first(facts), second(facts)
    if left is settling or right is settling:
        return settling
    return None if left is None or right is None else not settling


def _conversion(own: Kind, kind: Kind) -> Callable[[Any], Any]:
    if kind.name == "double":
        power = 10**own.scale
        # A quotient of two whole numbers is the double nearest to it.
        return (lambda whole: whole / power) if own.name == "decimal" else float
    factor = 10 ** (kind.scale - own.scale)
    return lambda whole: whole * factor


def _calculation(sign: str, kind: Kind) -> Callable[[Any, Any], Any]:
    if sign == "/":
        return lambda left, right: None if right == 0 else left / right
    function = _SIGNS[sign]
    if kind != INTEGER:
        return function

    def in_64_bits(left: int, right: int) -> int | None:
        result: int = function(left, right)
        return result if -MOST_WHOLE - 1 <= result <= MOST_WHOLE else None

    return in_64_bits
