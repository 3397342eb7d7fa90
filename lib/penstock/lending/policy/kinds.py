"""Kinds of values made to fit: what two expressions are compared or reckoned with as.

- integer with integer: an integer, checked for overflow;
- decimal with decimal or integer: an exact decimal, as long as 38 digits hold whatever comes out;
- with a double, in a division, and beyond 38 digits: a double.
"""

from penstock.errors import ConfigError
from penstock.lending.policy.expressions import (
    DOUBLE,
    INTEGER,
    MOST_DIGITS,
    WHOLE_DIGITS,
    Arithmetic,
    Comparison,
    Constant,
    Converted,
    Expression,
    Finite,
    Kind,
    Relation,
    Sign,
    decimal_kind,
)


def compared(relation: Relation, left: Expression, right: Expression) -> Expression:
    """Compare two expressions as values of one kind.

    Raises:
        ConfigError: They are of kinds that cannot be compared.
    """
    kinds = left.kind, right.kind
    if all(kind.is_number for kind in kinds):
        kind = _common(left, right)
        return Comparison(relation, finite(as_kind(left, kind)), finite(as_kind(right, kind)))
    if kinds[0] != kinds[1]:
        raise ConfigError(f"{kinds[0]} {relation} {kinds[1]}: compare values of one kind.")
    if relation not in ("=", "!=") and kinds[0].name != "date":
        raise ConfigError(f"{kinds[0]} {relation} {kinds[1]}: these can be = or != only.")
    return Comparison(relation, left, right)


def reckoned(sign: Sign, left: Expression, right: Expression) -> Expression:
    """Add, subtract, multiply or divide two numbers.

    Raises:
        ConfigError: One is no number.
    """
    for side in (left, right):
        if not side.kind.is_number:
            raise ConfigError(f"'{sign}' reckons with numbers, not with type {side.kind}.")
    if sign == "/":
        # Through an infinite divisor a quotient would look finite again.
        return Arithmetic(sign, as_kind(left, DOUBLE), finite(as_kind(right, DOUBLE)), DOUBLE)
    kinds = left.kind, right.kind
    if {kind.name for kind in kinds} == {"integer"}:
        return Arithmetic(sign, left, right, INTEGER)
    if "double" not in (kinds[0].name, kinds[1].name):
        own = [_as_decimal(side) for side in (left, right)]
        if (kind := _result(sign, *own)) is not None:
            if sign != "*":  # on one scale
                own = [decimal_kind(k.precision - k.scale + kind.scale, kind.scale) for k in own]
            return Arithmetic(sign, as_kind(left, own[0]), as_kind(right, own[1]), kind)
    return Arithmetic(sign, as_kind(left, DOUBLE), as_kind(right, DOUBLE), DOUBLE)


def as_kind(expression: Expression, kind: Kind) -> Expression:
    """Return a number as one of a wider kind; a constant is converted here and now."""
    own = expression.kind
    if own == kind:
        return expression
    if not isinstance(expression, Constant):
        return Converted(expression, kind)
    if kind == DOUBLE:
        return Constant(expression.value / 10**own.scale, kind)  # of two whole numbers: exact
    return Constant(expression.value * 10 ** (kind.scale - own.scale), kind)


def finite(expression: Expression) -> Expression:
    """Return a number that is missing where it is not finite: only doubles made here need it."""
    may_overflow = isinstance(expression, Arithmetic) and expression.kind == DOUBLE
    return Finite(expression) if may_overflow else expression


def _common(left: Expression, right: Expression) -> Kind:
    names = {left.kind.name, right.kind.name}
    if names <= {"integer"}:
        return INTEGER
    if "double" in names:
        return DOUBLE
    exact = [_as_decimal(side) for side in (left, right)]
    scale = max(kind.scale for kind in exact)
    precision = max(kind.precision - kind.scale for kind in exact) + scale
    return decimal_kind(precision, scale) if precision <= MOST_DIGITS else DOUBLE


def _as_decimal(number: Expression) -> Kind:
    kind = number.kind
    if kind.name == "decimal":
        return kind
    digits = len(str(abs(number.value))) if isinstance(number, Constant) else WHOLE_DIGITS
    return decimal_kind(digits, 0)


def _result(sign: Sign, left: Kind, right: Kind) -> Kind | None:
    """Return the kind that holds any result exactly, which is Spark's; None beyond 38 digits."""
    if sign == "*":
        precision, scale = left.precision + right.precision + 1, left.scale + right.scale
    else:
        scale = max(left.scale, right.scale)
        precision = max(left.precision - left.scale, right.precision - right.scale) + scale + 1
    return decimal_kind(precision, scale) if precision <= MOST_DIGITS else None
