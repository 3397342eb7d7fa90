"""The contract of a dataset: which columns its rows have, and what must hold for each row.

A value; `checking` holds tables against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contract:
    """What a dataset promises to its readers.

    Attributes:
        columns: DDL of the stored columns, in order, with comments for unit and meaning. Columns
            a function returns beyond these serve the checks and the quarantine, and are not stored
            unless the contract is open.
        key: Columns that identify a row: never null, never twice.
        checks: Rule name to SQL condition on the function's columns. False or null breaks the rule.
        quarantine: Delta dataset that takes the rows that break a rule, with the names of the
            rules; empty: one such row fails the node.
        is_open: Whether columns beyond these are stored as well: a raw table keeps what it has.
        min_rows: Fewest good rows that make sense; fewer fail the node.
    """

    columns: str
    key: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    quarantine: str = ""
    is_open: bool = False
    min_rows: int = 0
