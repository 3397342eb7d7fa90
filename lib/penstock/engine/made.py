"""What a node made: the record that a later plan holds a node against."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from penstock.store.releases import Release
from penstock.strict_json import json_text

KEPT_COSTS = 5
COSTS = ("ms", "cpu_ms", "shuffle_bytes", "spill_bytes")


@dataclass(frozen=True)
class Made:
    """One node's record in a release.

    Attributes:
        run_id: The run that made the outputs.
        fingerprint: Digest of `parts`.
        parts: What the outputs depend on, by name.
        code: Function to hash of its source, for telling why a plan changed.
        analysis: What `analysis` found, which holds as long as its key does.
        outputs: Dataset to version, with the quarantine tables; a memory dataset has none.
        counts: Rows and metrics as `Stored` has them, by field name.
        cause: Why it was made.
        costs: What the last runs of the node took, newest first; keys as in `COSTS`.
    """

    run_id: str
    fingerprint: str
    parts: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    analysis: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    costs: tuple[Mapping[str, int], ...] = ()

    def to_json(self) -> str:
        """Return the record as one line of JSON."""
        return json_text(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Made":
        """Rebuild a record; keys that this version does not know are left out."""
        document: dict[str, Any] = json.loads(text)
        known = {key: value for key, value in document.items() if key in cls.__dataclass_fields__}
        known["costs"] = tuple(known.get("costs", ()))
        return cls(**known)

    @property
    def expected(self) -> dict[str, int] | None:
        """What the node is expected to take: the median of its last runs; None if never run."""
        if not self.costs:
            return None
        known = {key: [c[key] for c in self.costs if c.get(key) is not None] for key in COSTS}
        return {key: round(median(values)) for key, values in known.items() if values}


def records_of(release: Release, graph: str) -> dict[str, Made]:
    """Return the records of a graph's nodes in a release, by node."""
    mine = f"{graph}."
    return {
        key.removeprefix(mine): Made.from_json(text)
        for key, text in release.made.items()
        if key.startswith(mine)
    }
