"""What is known of a node before it runs, as a value that a record can keep."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql.types import StructType

from penstock.engine.contract import Contract
from penstock.engine.lineage import Columns
from penstock.engine.made import Made
from penstock.source.closure import SourceCode

# What makes a rule of a contract, or the filter of a source, depend on the moment.
CLOCK = re.compile(
    r"\b(current_(date|time|timestamp)|localtimestamp)\b|\b(now|curdate|randn?|random|uuid)\("
    r"|\bunix_timestamp\(\s*\)",
    re.IGNORECASE,
)
OWN_PARTS = ("plan", "code", "library")


@dataclass(frozen=True)
class Analysis:
    """What is known of a node before it runs.

    Attributes:
        parts: What its outputs depend on beyond inputs and parameters, for the fingerprint.
        code: Function to hash of its source.
        columns: Output table to its columns; None where only running can tell.
        never: Why its outputs are not the same twice, so that it is never skipped; else empty.
        notes: Sentences for the plan.
        edges: Column lineage: (output, column) to the (input, column) pairs it is made from.
    """

    parts: dict[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    columns: dict[str, StructType | None] = field(default_factory=dict)
    never: str = ""
    notes: tuple[str, ...] = ()
    edges: Columns = field(default_factory=dict)
    key: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what a record keeps of it beside parts and code."""
        return {
            "key": self.key,
            "columns": {n: s and s.jsonValue() for n, s in self.columns.items()},
            "never": self.never,
            "notes": list(self.notes),
            "edges": [[*column, sorted(made_from)] for column, made_from in self.edges.items()],
        }

    @classmethod
    def of(cls, made: Made) -> "Analysis":
        """Return what was found when a record was made."""
        kept = made.analysis
        return cls(
            parts={n: text for n, text in made.parts.items() if n.split(" ")[0] in OWN_PARTS},
            code=made.code,
            columns={n: StructType.fromJson(s) if s else None for n, s in kept["columns"].items()},
            never=kept["never"],
            notes=tuple(kept["notes"]),
            edges={
                (dataset, column): frozenset((d, c) for d, c in made_from)
                for dataset, column, made_from in kept["edges"]
            },
            key=kept["key"],
        )


def source_parts(source: SourceCode, *, code: bool = True) -> dict[str, str]:
    """Return the parts that say which libraries a function uses, and what its source is."""
    used = {f"library {name}": version for name, version in source.libraries.items()}
    return used | ({f"code {n}": text for n, text in source.functions.items()} if code else {})


def why_never(reasons: Sequence[str]) -> str:
    """Return why a node is never skipped; what source and plan both show, as the source has it."""
    told = dict.fromkeys(reasons)
    # The plan's "now()" is the source's "F.now() (results.py, line 12)".
    named = [r for r in told if not any(f".{r} " in f".{other}" for other in told)]
    return "; ".join(named)


def clocks_in(contracts: Mapping[str, Contract]) -> list[str]:
    """Return what makes the rules of contracts depend on the moment, each with its dataset."""
    conditions = [(n, sql) for n, c in contracts.items() for sql in c.conditions.values()]
    found = [(name, CLOCK.search(sql)) for name, sql in conditions]
    return [f"{clock[0]} in a rule of {name}" for name, clock in found if clock]


def plain(value: object) -> str:
    """Return a parameter's value as text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True, default=str)
