"""Expressions of a policy as typed trees: what each is made of, and of what kind its value is.

Every kind takes part in three-valued logic: a value may be missing. A number is missing too where
arithmetic has none: division by zero, overflow, NaN and the infinite. What computes a tree is in
`in_spark.py` and `in_python.py`, which have equal results to the last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Sign = Literal["+", "-", "*", "/"]
Relation = Literal["=", "!=", "<", "<=", ">", ">="]

MOST_DIGITS = 38  # of Spark's decimals
MOST_WHOLE = 2**63 - 1
WHOLE_DIGITS = 19


@dataclass(frozen=True)
class Kind:
    """A kind of value: integer (64 bits), decimal(precision,scale), double, text, boolean, date."""

    name: str
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.name == "decimal" else self.name

    @property
    def is_number(self) -> bool:
        """Whether it can be reckoned with."""
        return self.name in ("integer", "decimal", "double")


INTEGER, DOUBLE, TEXT, BOOLEAN, DATE = map(Kind, ("integer", "double", "text", "boolean", "date"))


def decimal_kind(precision: int, scale: int) -> Kind:
    """Return the kind of decimals with `precision` digits, `scale` of them behind the point."""
    return Kind("decimal", precision, scale)


class Expression:
    """A part of a condition or value; the subclasses are all there are.

    Attributes:
        kind: Of its value.
    """

    kind: Kind

    @property
    def parts(self) -> tuple["Expression", ...]:
        """The expressions it is made of."""
        return tuple(value for value in vars(self).values() if isinstance(value, Expression))

    def walk(self) -> Iterator["Expression"]:
        """Yield it and all it is made of."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def facts(self) -> tuple[str, ...]:
        """The names of the columns it reads, in order of appearance."""
        return tuple(dict.fromkeys(e.name for e in self.walk() if isinstance(e, Fact)))


@dataclass(frozen=True)
class Constant(Expression):
    """A value as written; a decimal as the whole number of its last digits: 0.15 is 15."""

    value: Any
    kind: Kind


@dataclass(frozen=True)
class Fact(Expression):
    """A column of the applications, or a result of an earlier table."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Converted(Expression):
    """A number as one of a wider kind: integer to decimal or double, decimal to either."""

    of: Expression
    kind: Kind


@dataclass(frozen=True)
class Arithmetic(Expression):
    """Two numbers of the kinds that `kinds.py` has made fit."""

    sign: Sign
    left: Expression
    right: Expression
    kind: Kind


@dataclass(frozen=True)
class Finite(Expression):
    """A double, missing where it is NaN or infinite."""

    of: Expression
    kind: Kind = DOUBLE


@dataclass(frozen=True)
class Comparison(Expression):
    """Two values of one kind held against each other; missing where one of them is."""

    relation: Relation
    left: Expression
    right: Expression
    kind: Kind = BOOLEAN


@dataclass(frozen=True)
class OneOf(Expression):
    """Whether a text is one of several; missing where the text is."""

    of: Expression
    texts: tuple[str, ...]
    kind: Kind = BOOLEAN


@dataclass(frozen=True)
class IsMissing(Expression):
    """Whether a value is missing: true or false, never missing itself."""

    of: Expression
    kind: Kind = BOOLEAN


@dataclass(frozen=True)
class Opposite(Expression):
    """Not: missing stays missing."""

    of: Expression
    kind: Kind = BOOLEAN


@dataclass(frozen=True)
class Both(Expression):
    """And: false if one is false, else missing if one is missing."""

    left: Expression
    right: Expression
    kind: Kind = BOOLEAN


@dataclass(frozen=True)
class Either(Expression):
    """Or: true if one is true, else missing if one is missing."""

    left: Expression
    right: Expression
    kind: Kind = BOOLEAN
