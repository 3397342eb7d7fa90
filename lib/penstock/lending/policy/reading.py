"""A policy read from its YAML: every key, type and rule checked, with file, line and cure."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from penstock.documents import Document
from penstock.errors import ConfigError, did_you_mean
from penstock.keys import Steps
from penstock.lending.policy.expressions import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    MOST_DIGITS,
    TEXT,
    Comparison,
    Constant,
    Expression,
    Fact,
    Kind,
    decimal_kind,
)
from penstock.lending.policy.grammar import WORDS, read_expression
from penstock.lending.policy.judging import judge_table
from penstock.lending.policy.kinds import as_kind, finite
from penstock.lending.policy.policy import (
    DECISION,
    HITS,
    OUTCOMES,
    PD,
    TABLES,
    VALUES,
    DecisionTable,
    Policy,
    Rule,
)
from penstock.lending.policy.shape import Shape

_KEYS = {
    "policy": str, "version": str, "effective_from": dt.date, "columns": dict, "tables": dict,
    "effective_until": dt.date, "legal_cap": float, "cut_off": float,
}  # fmt: skip
_OPTIONAL = ("effective_until", "legal_cap", "cut_off")
_CONSTANTS = ("legal_cap", "cut_off")
_KINDS = {str(kind): kind for kind in (INTEGER, DOUBLE, TEXT, BOOLEAN, DATE)}
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read_policy(document: Document) -> Policy:
    """Read one version of a policy.

    Raises:
        ConfigError: A key, type, column, rule or number that is wrong, with file, line and cure.
    """
    return _Reader(document).policy()


class _Reader:
    """Reads one document."""

    def __init__(self, document: Document) -> None:
        self._document, self._shape = document, Shape(document)
        self._lines_of_rules: dict[str, str] = {}
        self._words: set[str] = set()  # of conditions and values

    def policy(self) -> Policy:
        top = self._shape.keys(self._document.value, (), _KEYS, optional=_OPTIONAL)
        said = {
            key: self._shape.typed(top[key], (key,), kind)
            for key, kind in _KEYS.items()
            if key in top
        }
        for key in ("policy", "version"):
            said[key] = self._shape.text(top[key], (key,))
        for key in _CONSTANTS:
            if key in said and not 0 <= said[key] <= 1:
                self._shape.refuse((key,), f"{key} is {said[key]}; it is a fraction from 0 to 1.")
        columns = self._columns(said["columns"])
        names: dict[str, Expression] = {name: Fact(name, kind) for name, kind in columns.items()}
        for key in filter(said.__contains__, _CONSTANTS):
            names[key] = read_expression(repr(said[key]), {})
        tables = self._tables(said["tables"], names, said.get("legal_cap"))
        if "cut_off" in said and "cut_off" not in self._words:
            self._shape.refuse(
                ("cut_off",), "no rule reads cut_off. Write 'pd > cut_off', or take it out."
            )
        for name in filter(lambda name: name not in (PD, *self._words), columns):
            self._shape.refuse(
                ("columns", name), f"no rule reads the column '{name}'. Take it out."
            )
        until = said.get("effective_until")
        if until is not None and until < said["effective_from"]:
            self._shape.refuse(
                ("effective_until",), f"{until} lies before effective_from. Swap them."
            )
        return Policy(
            name=said["policy"],
            version=said["version"],
            effective_from=said["effective_from"],
            effective_until=until,
            legal_cap=said.get("legal_cap"),
            cut_off=said.get("cut_off"),
            columns=columns,
            places={name: self._shape.place("columns", name) for name in columns}
            | {name: self._shape.place(name) for name in _CONSTANTS if name in said},
            tables=tables,
        )

    def _columns(self, columns: Mapping[str, Any]) -> dict[str, Kind]:
        reserved = (*WORDS, *_CONSTANTS, *DECISION)
        kinds = {}
        for name, told in columns.items():
            steps = ("columns", name)
            if not _NAME.fullmatch(name) or name in reserved:
                self._shape.refuse(steps, f"'{name}' cannot be the name of a column in a policy.")
            kinds[name] = self._kind(told, steps)
        if kinds.get(PD) != DOUBLE:
            self._shape.refuse(
                ("columns",), f"'{PD}: double' is missing: what is not scored is referred."
            )
        return kinds

    def _kind(self, told: Any, steps: Steps) -> Kind:
        if isinstance(told, str) and told in _KINDS:
            return _KINDS[told]
        found = _DECIMAL.fullmatch(told) if isinstance(told, str) else None
        if found and 1 <= int(found[1]) <= MOST_DIGITS and int(found[2]) <= int(found[1]):
            return decimal_kind(int(found[1]), int(found[2]))
        known = [*_KINDS, "decimal(14,2)"]
        self._shape.refuse(
            steps,
            f"{told!r} is no type; types are {', '.join(known)}.{did_you_mean(str(told), known)}",
        )

    def _tables(
        self, tables: Mapping[str, Any], names: dict[str, Expression], cap: float | None
    ) -> tuple[DecisionTable, ...]:
        self._shape.keys(tables, ("tables",), TABLES, optional=TABLES)
        if not tables:
            self._shape.refuse(("tables",), f"there is no table; tables are {', '.join(TABLES)}.")
        if "price" in tables and cap is None:
            self._shape.refuse(
                ("tables", "price"), "a price needs legal_cap, the highest rate by law."
            )
        made = []
        for name in filter(tables.__contains__, TABLES):
            table = self._table(name, tables[name], names)
            for place, fault in judge_table(table, cap):
                raise ConfigError(f"{place}: {fault}")
            made.append(table)
            if name in VALUES:
                fact, kind = VALUES[name]
                names = names | {fact: Fact(fact, kind)}
        return tuple(made)

    def _table(self, name: str, told: Any, names: Mapping[str, Expression]) -> DecisionTable:
        steps: Steps = ("tables", name)
        keys = self._shape.keys(told, steps, ("hit", "rules"))
        hit = self._shape.one_of(
            keys["hit"], (*steps, "hit"), HITS[name in VALUES], f"in table {name}"
        )
        rules = self._shape.typed(keys["rules"], (*steps, "rules"), list)
        if not rules:
            self._shape.refuse(
                (*steps, "rules"), f"table {name} has no rule. Add one, or take it out."
            )
        return DecisionTable(
            name,
            hit,
            tuple(
                self._rule(rule, (*steps, "rules", place), name, names)
                for place, rule in enumerate(rules)
            ),
        )

    def _rule(self, told: Any, steps: Steps, table: str, names: Mapping[str, Expression]) -> Rule:
        gives_value = table in VALUES
        decides = "value" if gives_value else "outcome"
        optional = ("when",) if gives_value else ()
        keys = self._shape.keys(told, steps, ("name", "when", decides, "reason"), optional=optional)
        name = self._shape.text(keys["name"], (*steps, "name"))
        reason = self._shape.text(keys["reason"], (*steps, "reason"))
        place = self._shape.place(*steps)
        if name in self._lines_of_rules:
            self._shape.refuse(
                (*steps, "name"),
                f"rule '{name}' stands twice, see {self._lines_of_rules[name]}. Rename one: a "
                "decision tells rules by their names.",
            )
        self._lines_of_rules[name] = place
        when = self._expression(keys.get("when", True), (*steps, "when"), names)
        if when.kind != BOOLEAN:
            self._shape.refuse(
                (*steps, "when"), f"a condition is true or false, this is of type {when.kind}."
            )
        self._check_pd(when, (*steps, "when"))
        outcome, value = None, None
        if gives_value:
            value = self._value(keys["value"], (*steps, "value"), table, names)
        else:
            self._shape.one_of(keys["outcome"], (*steps, "outcome"), OUTCOMES, "of a rule")
            outcome = keys["outcome"]
        return Rule(name, when, outcome, value, reason, place)

    def _value(
        self, told: Any, steps: Steps, table: str, names: Mapping[str, Expression]
    ) -> Expression:
        value = self._expression(told, steps, names)
        kind = value.kind
        if not kind.is_number:
            self._shape.refuse(
                steps, f"the value of a {table} is a number, this is of type {kind}."
            )
        if table == "limit" and kind == DOUBLE:
            self._shape.refuse(
                steps,
                "a limit is money, exact to the cent, and this is a double. Use decimal columns, "
                "and multiply instead of dividing.",
            )
        if table == "price":
            value = finite(as_kind(value, DOUBLE))
        return value

    def _expression(self, told: Any, steps: Steps, names: Mapping[str, Expression]) -> Expression:
        if isinstance(told, bool):
            told = str(told).lower()
        if not isinstance(told, str | int | float):
            self._shape.refuse(steps, f"{told!r} is no condition or value. Write it as one text.")
        self._words.update(re.findall(r"\w+", str(told)))
        try:
            return read_expression(str(told), names)
        except ConfigError as error:
            self._shape.refuse(steps, f"{steps[-1]}: {error}")

    def _check_pd(self, when: Expression, steps: Steps) -> None:
        for part in when.walk():
            sides = part.parts if isinstance(part, Comparison) else ()
            constants = [side.value for side in sides if isinstance(side, Constant)]
            if Fact(PD, DOUBLE) in sides and constants and not 0 <= constants[0] <= 1:
                self._shape.refuse(
                    steps,
                    f"pd is a probability from 0 to 1, never {constants[0]}. Write a fraction.",
                )
