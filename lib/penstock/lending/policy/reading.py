"""A policy read from its YAML: every key, type and rule checked, with file, line and cure."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from penstock.documents import Document, Step
from penstock.errors import ConfigError, did_you_mean
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
    HITS,
    OUTCOMES,
    PD,
    TABLES,
    VALUES,
    DecisionTable,
    Policy,
    Rule,
)

_KEYS = {
    "policy": str, "version": str, "effective_from": dt.date, "columns": dict, "tables": dict,
    "effective_until": dt.date, "legal_cap": float, "cut_off": float,
}  # fmt: skip
_OPTIONAL = ("effective_until", "legal_cap", "cut_off")
_CONSTANTS = ("legal_cap", "cut_off")
_TOLD = {
    str: "a text, in quotes if it looks like a number", dt.date: "a day, as 2025-07-01",
    dict: "a map of keys to values", list: "a list", float: "a number",
}  # fmt: skip
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
        self._document = document
        self._lines_of_rules: dict[str, str] = {}
        self._words: set[str] = set()  # of conditions and values

    def _refuse(self, steps: tuple[Step, ...], message: str) -> NoReturn:
        raise ConfigError(f"{self._document.place(*steps)}: {message}")

    def policy(self) -> Policy:
        top = self._map(self._document.value, (), _KEYS, optional=_OPTIONAL)
        said = {
            key: self._typed(top[key], (key,), kind) for key, kind in _KEYS.items() if key in top
        }
        for key in _CONSTANTS:
            if key in said and not 0 <= said[key] <= 1:
                self._refuse((key,), f"{key} is {said[key]}; it is a fraction from 0 to 1.")
        columns = self._columns(said["columns"])
        names: dict[str, Expression] = {name: Fact(name, kind) for name, kind in columns.items()}
        for key in filter(said.__contains__, _CONSTANTS):
            names[key] = read_expression(repr(said[key]), {})
        tables = self._tables(said["tables"], names, said.get("legal_cap"))
        if "cut_off" in said and "cut_off" not in self._words:
            self._refuse(
                ("cut_off",), "no rule reads cut_off. Write 'pd > cut_off', or take it out."
            )
        for name in filter(lambda name: name not in (PD, *self._words), columns):
            self._refuse(("columns", name), f"no rule reads the column '{name}'. Take it out.")
        until = said.get("effective_until")
        if until is not None and until < said["effective_from"]:
            self._refuse(("effective_until",), f"{until} lies before effective_from. Swap them.")
        return Policy(
            name=said["policy"],
            version=said["version"],
            effective_from=said["effective_from"],
            effective_until=until,
            legal_cap=said.get("legal_cap"),
            columns=columns,
            places={name: self._document.place("columns", name) for name in columns},
            tables=tables,
        )

    def _columns(self, columns: Mapping[str, Any]) -> dict[str, Kind]:
        reserved = (*WORDS, *_CONSTANTS, *(fact for fact, _ in VALUES.values()))
        kinds = {}
        for name, told in columns.items():
            steps = ("columns", name)
            if not _NAME.fullmatch(name) or name in reserved:
                self._refuse(steps, f"'{name}' cannot be the name of a column in a policy.")
            kinds[name] = self._kind(told, steps)
        if kinds.get(PD) != DOUBLE:
            self._refuse(
                ("columns",), f"'{PD}: double' is missing: what is not scored is referred."
            )
        return kinds

    def _kind(self, told: Any, steps: tuple[Step, ...]) -> Kind:
        if told in _KINDS:
            return _KINDS[told]
        found = _DECIMAL.fullmatch(told) if isinstance(told, str) else None
        if found and 1 <= int(found[1]) <= MOST_DIGITS and int(found[2]) <= int(found[1]):
            return decimal_kind(int(found[1]), int(found[2]))
        known = [*_KINDS, "decimal(14,2)"]
        self._refuse(
            steps,
            f"{told!r} is no type; types are {', '.join(known)}.{did_you_mean(str(told), known)}",
        )

    def _tables(
        self, tables: Mapping[str, Any], names: dict[str, Expression], cap: float | None
    ) -> tuple[DecisionTable, ...]:
        self._map(tables, ("tables",), TABLES, optional=TABLES)
        if not tables:
            self._refuse(("tables",), f"there is no table; tables are {', '.join(TABLES)}.")
        if "price" in tables and cap is None:
            self._refuse(("tables", "price"), "a price needs legal_cap, the highest rate by law.")
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
        steps: tuple[Step, ...] = ("tables", name)
        keys = self._map(told, steps, ("hit", "rules"))
        gives_value = name in VALUES
        hits = HITS[gives_value]
        if keys["hit"] not in hits:
            self._refuse(
                (*steps, "hit"),
                f"hit is {keys['hit']!r}; of table {name} it is one of {', '.join(hits)}."
                f"{did_you_mean(str(keys['hit']), hits)}",
            )
        rules = self._typed(keys["rules"], (*steps, "rules"), list)
        if not rules:
            self._refuse((*steps, "rules"), f"table {name} has no rule. Add one, or take it out.")
        return DecisionTable(
            name,
            keys["hit"],
            tuple(
                self._rule(rule, (*steps, "rules", place), name, names)
                for place, rule in enumerate(rules)
            ),
        )

    def _rule(
        self, told: Any, steps: tuple[Step, ...], table: str, names: Mapping[str, Expression]
    ) -> Rule:
        gives_value = table in VALUES
        decides = "value" if gives_value else "outcome"
        optional = ("when",) if gives_value else ()
        keys = self._map(told, steps, ("name", "when", decides, "reason"), optional=optional)
        name = self._typed(keys["name"], (*steps, "name"), str)
        reason = self._typed(keys["reason"], (*steps, "reason"), str).strip()
        place = self._document.place(*steps)
        for what, text in (("name", name), ("reason", reason)):
            if not text.strip():
                self._refuse((*steps, what), f"the {what} of a rule is empty.")
        if name in self._lines_of_rules:
            self._refuse(
                (*steps, "name"),
                f"rule '{name}' stands twice, see {self._lines_of_rules[name]}. Rename one: a "
                "decision tells rules by their names.",
            )
        self._lines_of_rules[name] = place
        when = self._expression(keys.get("when", True), (*steps, "when"), names)
        if when.kind != BOOLEAN:
            self._refuse(
                (*steps, "when"), f"a condition is true or false, this is of type {when.kind}."
            )
        self._check_pd(when, (*steps, "when"))
        outcome, value = None, None
        if gives_value:
            value = self._value(keys["value"], (*steps, "value"), table, names)
        elif keys["outcome"] in OUTCOMES:
            outcome = keys["outcome"]
        else:
            self._refuse(
                (*steps, "outcome"),
                f"the outcome {keys['outcome']!r} is none of {', '.join(OUTCOMES)}."
                f"{did_you_mean(str(keys['outcome']), OUTCOMES)}",
            )
        return Rule(name, when, outcome, value, reason, place)

    def _value(
        self, told: Any, steps: tuple[Step, ...], table: str, names: Mapping[str, Expression]
    ) -> Expression:
        value = self._expression(told, steps, names)
        kind = value.kind
        if not kind.is_number:
            self._refuse(steps, f"the value of a {table} is a number, this is of type {kind}.")
        if table == "limit" and kind == DOUBLE:
            self._refuse(
                steps,
                "a limit is money, exact to the cent, and this is a double. Use decimal columns, "
                "and multiply instead of dividing.",
            )
        if table == "price":
            value = finite(as_kind(value, DOUBLE))
        return value

    def _expression(
        self, told: Any, steps: tuple[Step, ...], names: Mapping[str, Expression]
    ) -> Expression:
        if isinstance(told, bool):
            told = str(told).lower()
        if not isinstance(told, str | int | float):
            self._refuse(steps, f"{told!r} is no condition or value. Write it as one text.")
        self._words.update(re.findall(r"\w+", str(told)))
        try:
            return read_expression(str(told), names)
        except ConfigError as error:
            self._refuse(steps, f"{steps[-1]}: {error}")

    def _check_pd(self, when: Expression, steps: tuple[Step, ...]) -> None:
        for part in when.walk():
            sides = part.parts if isinstance(part, Comparison) else ()
            constants = [side.value for side in sides if isinstance(side, Constant)]
            if Fact(PD, DOUBLE) in sides and constants and not 0 <= constants[0] <= 1:
                self._refuse(
                    steps,
                    f"pd is a probability from 0 to 1, never {constants[0]}. Write a fraction.",
                )

    def _map(
        self,
        told: Any,
        steps: tuple[Step, ...],
        known: Collection[str],
        *,
        optional: Collection[str] = (),
    ) -> Mapping[str, Any]:
        """Return a map after a look at its keys."""
        where = steps[-1] if steps else "a policy"
        if not isinstance(told, dict):
            self._refuse(steps, f"{where} is {told!r}; it must be {_TOLD[dict]}.")
        for key in told:
            if key not in known:
                self._refuse(
                    (*steps, key),
                    f"unknown key '{key}'; known are {', '.join(known)}.{did_you_mean(key, known)}",
                )
        missing = [key for key in known if key not in told and key not in optional]
        if missing:
            self._refuse(steps, f"{', '.join(missing)} missing here. Add it.")
        return told

    def _typed(self, value: Any, steps: tuple[Step, ...], kind: Any) -> Any:
        made = _READ.get(kind, lambda told: told)(value)
        if not isinstance(made, kind) or isinstance(value, bool):
            self._refuse(steps, f"{steps[-1]} is {value!r}; it must be {_TOLD[kind]}.")
        return made


def _day(told: Any) -> Any:
    try:
        return dt.date.fromisoformat(told)
    except (TypeError, ValueError):
        return told


_READ: dict[Any, Callable[[Any], Any]] = {
    dt.date: _day,
    float: lambda told: float(told) if type(told) is int else told,
}
