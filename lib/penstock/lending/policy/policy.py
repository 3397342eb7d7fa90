"""A policy as a value: its columns, its decision tables and their rules, in the order they decide.

How it is read from YAML and what is refused is in `reading.py`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from penstock.lending.policy.expressions import DOUBLE, Expression, Kind, decimal_kind

Outcome = Literal["approve", "refer", "decline"]
OUTCOMES: tuple[Outcome, ...] = ("approve", "refer", "decline")

# In the order they decide. A table of values gives each application one: name of the fact that
# later tables may read, and its kind.
TABLES = ("eligibility", "affordability", "cut_off", "limit", "price", "refer_band")
VALUES: dict[str, tuple[str, Kind]] = {
    "limit": ("limit_usd", decimal_kind(12, 2)),
    "price": ("interest_rate", DOUBLE),
}
# What a decision adds to an application, and so no column of one may be called.
DECISION = ("decision", "rules_hit", "rules_untold", "reasons", "limit_usd", "interest_rate")
HITS = {False: ("first", "unique", "collect"), True: ("first", "unique", "least")}

PD = "pd"
NOT_SCORED = "cannot be scored: pd is missing"


@dataclass(frozen=True)
class Rule:
    """One rule of a table.

    Attributes:
        when: Condition.
        outcome: What it decides; None in a table of values.
        value: What it gives; None in a table of outcomes.
        reason: For the applicant, or for the person an application is referred to.
        place: File and line.
    """

    name: str
    when: Expression
    outcome: Outcome | None
    value: Expression | None
    reason: str
    place: str = field(compare=False)

    @property
    def untold(self) -> str:
        """The reason of an application for which the rule cannot be told."""
        expressions = [self.when, *([self.value] if self.value else [])]
        facts = [*dict.fromkeys(fact for e in expressions for fact in e.facts)]
        what = facts[0] if len(facts) == 1 else f"one of {', '.join(facts) or 'its numbers'}"
        return f"'{self.name}' cannot be told: {what} is missing"


@dataclass(frozen=True)
class DecisionTable:
    """Rules and what becomes of several that hit.

    Attributes:
        hit: "first": the first rule that hits decides. "unique": one at most may hit. "collect":
            all that hit count, the strictest decides. "least": the least value of all that hit.
    """

    name: str
    hit: str
    rules: tuple[Rule, ...]

    @property
    def gives_value(self) -> bool:
        """Whether it gives a value in place of an outcome."""
        return self.name in VALUES

    @property
    def conflict(self) -> str:
        """The reason of an application for which rules of a "unique" table contradict."""
        return f"{self.name}: rules that exclude each other hit together"

    @property
    def no_value(self) -> str:
        """The reason of an application that a table gives no value."""
        facts = dict.fromkeys(f for rule in self.rules if rule.value for f in rule.value.facts)
        made_from = f" (made from {', '.join(facts)})" if facts else ""
        return f"{self.name}: no rule gives a value that may be offered{made_from}"


@dataclass(frozen=True)
class Policy:
    """One version of a policy.

    Attributes:
        effective_from: First day it is in force.
        effective_until: Last day, if one is set; else it is in force until the next version.
        legal_cap: Highest yearly interest rate, as a fraction; None where no law sets one.
        cut_off: Highest PD that is lent to, which rules read by this name; None where it sets none.
        columns: The columns it reads, with their kinds.
        places: Column, or constant that is set, to file and line.
        tables: In the order of `TABLES`.
    """

    name: str
    version: str
    effective_from: dt.date
    effective_until: dt.date | None
    legal_cap: float | None
    cut_off: float | None
    columns: Mapping[str, Kind]
    places: Mapping[str, str] = field(compare=False)
    tables: tuple[DecisionTable, ...]

    @property
    def rules(self) -> Iterator[tuple[DecisionTable, Rule]]:
        """Each rule with its table, in the order they decide."""
        return ((table, rule) for table in self.tables for rule in table.rules)

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"
