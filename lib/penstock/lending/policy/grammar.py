"""The language of conditions and values, read into typed trees.

condition  = and-part {"or" and-part}
and-part   = not-part {"and" not-part}
not-part   = "not" not-part | comparison
comparison = sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum
                 | "is" ["not"] "missing"
                 | ["not"] "in" "[" constant {"," constant} "]"
                 | ["not"] "between" sum "and" sum]
sum        = product {("+" | "-") product}
product    = factor {("*" | "/") factor}
factor     = "-" factor | number | 'text' | "text" | date | "true" | "false" | name
             | "(" condition ")"
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import cast

from penstock.errors import ConfigError, did_you_mean
from penstock.lending.policy.expressions import (
    BOOLEAN,
    DATE,
    INTEGER,
    MOST_DIGITS,
    MOST_WHOLE,
    TEXT,
    Both,
    Constant,
    Either,
    Expression,
    IsMissing,
    OneOf,
    Opposite,
    Relation,
    Sign,
    decimal_kind,
)
from penstock.lending.policy.kinds import compared, finite, reckoned

WORDS = ("and", "or", "not", "is", "missing", "in", "between", "true", "false")
MOST_TOKENS = 400
MOST_NESTED = 50

_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<other>==|<>|&&|\|\|)|(?P<sign><=|>=|!=|[-+*/=<>(),\[\]])|(?P<unknown>\S)",
    re.ASCII,
)
_END = ("end", "")
# What people write who come from another language.
_CURES = {
    "==": "Equality is one '='.", "&": "Write 'and'.", "|": "Write 'or'.", "!": "Write 'not'.",
    "<>": "Write '!='.", "null": "Write 'is missing'.", "none": "Write 'is missing'.",
    "%": "Write a fraction, as 0.36.",
}  # fmt: skip


def read_expression(text: str, names: Mapping[str, Expression]) -> Expression:
    """Read a condition or value.

    Args:
        names: What a name stands for: a column or a constant of the policy.

    Raises:
        ConfigError: What is wrong, and where in the text; the caller says in which file.
    """
    reader = _Reader(text, names)
    found = reader.condition()
    reader.expect_end()
    return found


class _Reader:
    """Takes one token after the other."""

    def __init__(self, text: str, names: Mapping[str, Expression]) -> None:
        self._text, self._names, self._nested = text, names, 0
        self._tokens = [(str(t.lastgroup), t[0]) for t in _TOKEN.finditer(text)] + [_END]
        if len(self._tokens) > MOST_TOKENS:
            raise ConfigError(f"It has more than {MOST_TOKENS} words and signs. Make rules of it.")
        self._at = 0

    @property
    def _token(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *tokens: str) -> str:
        """Take the next token if it is one of these, else none: ""."""
        kind, token = self._token
        if token in tokens and kind in ("sign", "name"):
            self._at += 1
            return token
        return ""

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._fault(f"expected '{token}'")

    def expect_end(self) -> None:
        """Refuse what is left."""
        if self._token != _END:
            raise self._fault("expected the end, or one of: and, or, + - * /, a comparison")

    def _fault(self, expected: str) -> ConfigError:
        found = "".join(token for _, token in self._tokens[self._at : self._at + 2])
        cure = next((c for sign, c in _CURES.items() if found.lower().startswith(sign)), "")
        before = " ".join(token for _, token in self._tokens[max(0, self._at - 4) : self._at])
        place = f" after '{before}'" if before else " at the beginning"
        shown = f"'{self._token[1]}'" if self._token != _END else "the end"
        return ConfigError(f"{expected}{place}, found {shown}. {cure}".rstrip())

    def condition(self) -> Expression:
        """Read what is joined by "or"."""
        self._nested += 1
        if self._nested > MOST_NESTED:
            raise ConfigError(f"It is nested more than {MOST_NESTED} deep. Make rules of it.")
        found = self._joined("or", Either, lambda: self._joined("and", Both, self._negated))
        self._nested -= 1
        return found

    def _joined(
        self,
        word: str,
        made: Callable[[Expression, Expression], Expression],
        part: Callable[[], Expression],
    ) -> Expression:
        found = part()
        while self._take(word):
            found = made(_condition(found, word), _condition(part(), word))
        return found

    def _negated(self) -> Expression:
        negations = 0
        while self._take("not"):
            negations += 1
        found = self._comparison()
        for _ in range(negations):
            found = Opposite(_condition(found, "not"))
        return found

    def _comparison(self) -> Expression:
        left = self._sum()
        if relation := self._take("=", "!=", "<", "<=", ">", ">="):
            found = compared(cast(Relation, relation), left, self._sum())
            if self._take("=", "!=", "<", "<=", ">", ">="):
                raise self._fault("one comparison at a time, joined by 'and': unexpected text")
            return found
        if self._take("is"):
            is_negated = self._take("not")
            self._expect("missing")
            found = IsMissing(finite(left))
        else:
            is_negated = self._take("not")
            if self._take("in"):
                found = self._one_of(left)
            elif self._take("between"):
                low = self._sum()
                self._expect("and")
                found = Both(compared(">=", left, low), compared("<=", left, self._sum()))
            elif is_negated:
                raise self._fault("expected 'in' or 'between'")
            else:
                return left
        return Opposite(found) if is_negated else found

    def _one_of(self, left: Expression) -> Expression:
        self._expect("[")
        items = [self._constant()]
        while self._take(","):
            items.append(self._constant())
        self._expect("]")
        if left.kind == TEXT and {item.kind for item in items} == {TEXT}:
            return OneOf(left, tuple(dict.fromkeys(item.value for item in items)))
        return reduce(Either, [compared("=", left, item) for item in items])

    def _constant(self) -> Constant:
        found = self._factor()
        if not isinstance(found, Constant):
            raise self._fault("a list holds constants only: not a column")
        return found

    def _sum(self) -> Expression:
        found = self._product()
        while sign := self._take("+", "-"):
            found = reckoned(cast(Sign, sign), found, self._product())
        return found

    def _product(self) -> Expression:
        found = self._factor()
        while sign := self._take("*", "/"):
            found = reckoned(cast(Sign, sign), found, self._factor())
        return found

    def _factor(self) -> Expression:
        signs = 0
        while self._take("-"):
            signs += 1
        found = self._atom()
        for _ in range(signs):
            if isinstance(found, Constant) and found.kind.is_number:
                found = Constant(-found.value, found.kind)
            else:
                found = reckoned("-", Constant(0, INTEGER), found)
        return found

    def _atom(self) -> Expression:
        kind, token = self._token
        if self._take("("):
            inside = self.condition()
            self._expect(")")
            return inside
        if kind in ("sign", "other", "unknown", "end") or token in WORDS[:-2]:
            raise self._fault("expected a value")
        self._at += 1
        match kind:
            case "number":
                return _number(token)
            case "date":
                return _date(token)
            case "text":
                return Constant(token[1:-1], TEXT)
        if token in ("true", "false"):
            return Constant(token == "true", BOOLEAN)
        if token not in self._names:
            cure = _CURES.get(token.lower()) or did_you_mean(token, self._names).strip()
            raise ConfigError(
                f"'{token}' is no column or constant of the policy. "
                f"{cure or 'List it under columns, or put a text in quotes.'}"
            )
        return self._names[token]


def _condition(found: Expression, word: str) -> Expression:
    if found.kind != BOOLEAN:
        raise ConfigError(f"'{word}' joins conditions, not values of type {found.kind}.")
    return found


def _number(token: str) -> Constant:
    _, digits, exponent = Decimal(token).as_tuple()
    assert isinstance(exponent, int)
    if max(len(digits) + max(exponent, 0), -exponent) > MOST_DIGITS:
        raise ConfigError(f"{token} has more than {MOST_DIGITS} digits. Round it.")
    whole, scale = int("".join(map(str, digits))) * 10 ** max(exponent, 0), max(-exponent, 0)
    if scale == 0 and whole <= MOST_WHOLE:
        return Constant(whole, INTEGER)
    return Constant(whole, decimal_kind(max(len(str(whole)), scale), scale))


def _date(token: str) -> Constant:
    try:
        return Constant(dt.date.fromisoformat(token), DATE)
    except ValueError as error:
        raise ConfigError(f"{token} is no day of the calendar ({error}).") from error
