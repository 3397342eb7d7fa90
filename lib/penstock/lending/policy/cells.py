"""Rules held against each other before any application is: those that never hit, those that clash.

Only where a condition may change its truth are values tried: at each constant that a column is
compared with, right below and right above it, and missing. Such values stand for all others. What
is no comparison of a column with constants counts as a condition of its own, free to be anything:
so whatever is refused here could never be right; what depends on arithmetic is left to the data.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

from penstock.lending.policy.expressions import (
    BOOLEAN,
    Both,
    Comparison,
    Constant,
    Converted,
    Either,
    Expression,
    Fact,
    IsMissing,
    Kind,
    OneOf,
    Opposite,
)
from penstock.lending.policy.in_python import Evaluation, evaluation
from penstock.lending.policy.policy import PD

MOST_TRIALS = 50_000
_OTHER_TEXT = "\0"  # stands for all that no rule names


class Cells:
    """The conditions of one table, over the values that can make a difference to them."""

    def __init__(self, conditions: Sequence[Expression]) -> None:
        self._opaque: dict[Expression, str] = {}
        whole = [self._abstract(condition) for condition in conditions]
        self._facts = [frozenset(condition.facts) for condition in whole]
        self._truths: list[Evaluation] = [evaluation(condition) for condition in whole]
        self._kinds = {p.name: p.kind for c in whole for p in c.walk() if isinstance(p, Fact)}
        self._values = _values(whole, self._kinds)

    def can_hit(self, rule: int, before: Sequence[int] = ()) -> bool:
        """Say whether a rule can hit where none of those before it hits or cannot be told.

        Of those before only such as read nothing else count; where there is too much to try, the
        answer is yes.
        """
        own = self._facts[rule]
        earlier = [self._truths[b] for b in before if self._facts[b] <= own]
        if self._trials(own) * (1 + len(earlier)) > MOST_TRIALS:
            return True
        return any(
            self._truths[rule](cell) is True and all(truth(cell) is False for truth in earlier)
            for cell in self._cells(own)
        )

    def common(self, one: int, other: int) -> str | None:
        """Return an example of two rules that surely hit together; None if none was found."""
        facts = self._facts[one] | self._facts[other]
        if facts & set(self._opaque.values()):
            return None
        if self._trials(facts) > MOST_TRIALS:
            return None
        both = self._truths[one], self._truths[other]
        found = (c for c in self._cells(facts) if all(t(c) is True for t in both))
        return next((self._example(cell) for cell in found), None)

    def _example(self, cell: dict[str, Any]) -> str:
        told = [f"{name} = {_shown(value, self._kinds[name])}" for name, value in cell.items()]
        return f"at {', '.join(told)}" if told else "always"

    def _trials(self, facts: frozenset[str]) -> int:
        return math.prod(len(self._values[fact]) for fact in facts)

    def _cells(self, facts: frozenset[str]) -> Iterator[dict[str, Any]]:
        names = sorted(facts)
        for values in product(*(self._values[name] for name in names)):
            yield dict(zip(names, values, strict=True))

    def _abstract(self, expression: Expression) -> Expression:
        """Return a condition with each part that is no comparison with constants as a fact."""
        match expression:
            case Both(left=left, right=right) | Either(left=left, right=right):
                return replace(expression, left=self._abstract(left), right=self._abstract(right))
            case Opposite(of=of):
                return replace(expression, of=self._abstract(of))
            case Constant() | Fact():
                return expression
            case Comparison(left=left, right=right) if any(
                isinstance(side, Constant) and (_is_fact(other) or isinstance(other, Constant))
                for side, other in ((left, right), (right, left))
            ):
                return expression
            case OneOf(of=Fact()) | IsMissing(of=Fact()):
                return expression
        return Fact(self._opaque.setdefault(expression, f"({len(self._opaque)})"), BOOLEAN)


def _is_fact(side: Expression) -> bool:
    return isinstance(side.of if isinstance(side, Converted) else side, Fact)


def _shown(value: Any, kind: Kind) -> str:
    if value is None:
        return "missing"
    if kind.name == "decimal":
        return f"{Decimal(value).scaleb(-kind.scale):f}"
    return "any other text" if value == _OTHER_TEXT else str(value)


def _values(conditions: Sequence[Expression], kinds: dict[str, Kind]) -> dict[str, list[Any]]:
    """Return for each fact the values that can make a difference, missing first."""
    found: dict[str, set[Any]] = {}
    for part in (part for condition in conditions for part in condition.walk()):
        match part:
            case Fact(name=name, kind=kind):
                found.setdefault(name, set()).update({True, False} if kind == BOOLEAN else ())
            case OneOf(of=Fact(name=name), texts=texts):
                found.setdefault(name, set()).update(texts)
            case Comparison(left=Constant() as constant, right=side):
                _add(found, side, constant)
            case Comparison(left=side, right=Constant() as constant):
                _add(found, side, constant)
    if PD in found:
        found[PD] = {value for value in found[PD] if 0 <= value <= 1}
    return {name: [None, *_with_other(values, kinds[name])] for name, values in found.items()}


def _with_other(values: set[Any], kind: Kind) -> set[Any]:
    if kind.name == "text":
        return values | {_OTHER_TEXT}
    return values or {dt.date.min if kind.name == "date" else 0}


def _add(found: dict[str, set[Any]], side: Expression, constant: Constant) -> None:
    fact = side.of if isinstance(side, Converted) else side
    if isinstance(fact, Fact):
        values = _around(constant, fact.kind)
        found.setdefault(fact.name, set()).update(values)


def _around(constant: Constant, kind: Kind) -> list[Any]:
    """Return the values of a fact's kind at, right below and right above a constant."""
    value = constant.value
    match kind.name:
        case "double":
            # The nearest doubles of a constant that was compared as something else.
            near = value / 10**constant.kind.scale
            return [math.nextafter(near, -math.inf), near, math.nextafter(near, math.inf)]
        case "integer" | "decimal" if constant.kind.name == "double":
            near = math.floor(value * 10**kind.scale)
            return [near - 1, near, near + 1, near + 2]
        case "integer" | "decimal":
            near = value * 10**kind.scale // 10**constant.kind.scale
            return [near - 1, near, near + 1, near + 2]
        case "date":
            near = value.toordinal()
            days = (near - 1, near, near + 1)
            return [dt.date.fromordinal(day) for day in days if 1 <= day <= dt.date.max.toordinal()]
    return [value]
