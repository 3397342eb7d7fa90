"""The contract of a dataset: which columns its rows have, and what must hold for each row.

A value; `checking` holds tables against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from penstock.clocks import KnownAt, clock_fault
from penstock.errors import GraphError, did_you_mean

Level = Literal["warn", "drop", "quarantine", "fail"]
LEVELS: tuple[Level, ...] = get_args(Level)  # the strictest last
KEY_IS_KNOWN, KEY_IS_UNIQUE = "key_is_known", "key_is_unique"


@dataclass(frozen=True)
class Check:
    """A rule for each row, and what becomes of a row that breaks it.

    Attributes:
        sql: Condition on the function's columns. False or null breaks the rule.
        level: "warn" counts the row and keeps it; "drop" counts it and leaves it out; "quarantine"
            puts it aside with the names of the rules it broke; "fail" fails the node. Empty: the
            contract's default.
        cure: What to do about a row that fails the node, as a sentence.
    """

    sql: str
    level: Level | Literal[""] = ""
    cure: str = field(default="", repr=False)  # changes no row: no fingerprint


@dataclass(frozen=True)
class Contract:
    """What a dataset promises to its readers.

    A row goes where the strictest of the rules it breaks sends it, and counts for every one of
    them: rows in = rows out + quarantined + dropped, always.

    Attributes:
        columns: DDL of the stored columns, in order, with comments for unit and meaning. Columns
            a function returns beyond these serve the checks and the quarantine, and are not stored
            unless the contract is open.
        key: Columns that identify a row: never null (`key_is_known`), never twice
            (`key_is_unique`). These two rules have the default level.
        checks: Rule name to its check. A bare SQL condition has the default level: "quarantine" if
            the contract names a quarantine, else "fail".
        quarantine: Delta dataset that takes the rows that break a rule, with the names of the
            rules.
        is_open: Whether columns beyond these are stored as well: a raw table keeps what it has.
        min_rows: Fewest good rows that make sense; fewer fail the node.
        few_rows_cure: What to do then, as a sentence; empty: look at what the node reads.
        may_put_all_aside: Whether every row that came in may end in quarantine, because somebody
            is told of each; else that fails the node: what was read is another table, or is read
            in another way than it is written.
        known_at: Moment ("decision", "post") to the columns that are not known before, and so can
            be no features of a model used earlier; a name may end in `*`.
    """

    columns: str
    key: tuple[str, ...] = ()
    checks: Mapping[str, str | Check] = field(default_factory=dict)
    quarantine: str = ""
    is_open: bool = False
    min_rows: int = 0
    few_rows_cure: str = field(default="", repr=False)  # like known_at
    may_put_all_aside: bool = False
    known_at: KnownAt = field(default_factory=dict, repr=False)  # changes no row: no fingerprint

    def __post_init__(self) -> None:
        """Refuse a check that could not be carried out, and clocks that cannot be meant.

        Raises:
            GraphError: The rule and the cure.
        """
        for rule in self.checks:
            if fault := self._fault(rule):
                raise GraphError(f"Rule '{rule}' of a contract {fault}")
        if fault := clock_fault(self.known_at):
            raise GraphError(f"known_at of a contract {fault}")

    @property
    def conditions(self) -> dict[str, str]:
        """The rules of `checks`, each with its SQL condition."""
        return {rule: check.sql for rule, check in self._checks().items()}

    @property
    def levels(self) -> dict[str, Level]:
        """Every rule a row can break, those of `checks` before those of the key, with its level."""
        default: Level = "quarantine" if self.quarantine else "fail"
        of_key = dict.fromkeys((KEY_IS_KNOWN, KEY_IS_UNIQUE) if self.key else (), default)
        return {rule: check.level or default for rule, check in self._checks().items()} | of_key

    def _checks(self) -> dict[str, Check]:
        return {r: Check(c) if isinstance(c, str) else c for r, c in self.checks.items()}

    def _fault(self, rule: str) -> str:
        level = self.levels[rule]
        if self.key and rule in (KEY_IS_KNOWN, KEY_IS_UNIQUE):
            return "bears the name of a rule that key= brings with it. Give it another name."
        if level not in LEVELS:
            hint = did_you_mean(level, LEVELS)
            return f"has the level '{level}'.{hint} Levels are {', '.join(LEVELS)}."
        if level == "quarantine" and not self.quarantine:
            return "has the level 'quarantine'. Name a dataset in quarantine=, or take another."
        if not self.conditions[rule].strip():
            return "has no SQL condition. Write what must hold, e.g. 'amount > 0', or take it out."
        return ""
