"""Expressions of a policy as Spark columns: no UDF, nothing that stops a job under ANSI."""

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.lending.policy.expressions import (
    INTEGER,
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

_RELATIONS: dict[str, Callable[[Any, Any], Column]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SIGNS: dict[str, Callable[[Any, Any], Column]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": F.try_divide,
}  # fmt: skip
# Null where 64 bits do not hold the result.
_CHECKED: dict[str, Callable[[Any, Any], Column]] = {
    "+": F.try_add, "-": F.try_subtract, "*": F.try_multiply,
}  # fmt: skip


def fact_column(column: Column, kind: Kind) -> Column:
    """Return a column of a table as expressions take it: of the kind, null where not finite."""
    typed = column.cast(_spark_type(kind))
    return finite(typed) if kind.name == "double" else typed


def _spark_type(kind: Kind) -> str:
    """Return Spark's name of a kind."""
    return {"integer": "bigint", "text": "string"}.get(kind.name, str(kind))


def finite(number: Column) -> Column:
    """Return a double, null where it is NaN or infinite."""
    # NaN is above everything to Spark.
    return F.when(F.abs(number) < F.lit(math.inf), number)


def column_of_expression(expression: Expression, facts: Mapping[str, Column]) -> Column:
    """Return the column that an expression computes.

    Args:
        facts: Name to column, as `fact_column` makes it.
    """

    def of(part: Expression) -> Column:
        return column_of_expression(part, facts)

    made: Column
    match expression:
        case Constant(value=value, kind=kind):
            made = _literal(value, kind)
        case Fact(name=name):
            made = facts[name]
        case Converted(of=inner, kind=kind):
            made = of(inner).cast(_spark_type(kind))
        case Arithmetic(sign=sign, left=left, right=right, kind=kind):
            made = (_CHECKED if kind == INTEGER else _SIGNS)[sign](of(left), of(right))
        case Finite(of=inner):
            made = finite(of(inner))
        case Comparison(relation=relation, left=left, right=right):
            made = _RELATIONS[relation](of(left), of(right))
        case OneOf(of=inner, texts=texts):
            made = of(inner).isin(*texts)
        case Opposite(of=inner):
            made = ~of(inner)
        case IsMissing(of=inner):
            made = of(inner).isNull()
        case Both(left=left, right=right):
            made = of(left) & of(right)
        case Either(left=left, right=right):
            made = of(left) | of(right)
        case _:
            raise TypeError(f"{type(expression).__name__} is no expression of a policy.")
    return made


def _literal(value: Any, kind: Kind) -> Column:
    if kind.name == "decimal":
        number = Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -kind.scale))
        return F.lit(f"{number:f}").cast(_spark_type(kind))
    return F.lit(value).cast(_spark_type(kind))
