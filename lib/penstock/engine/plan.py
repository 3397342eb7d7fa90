"""A plan: what is asked for, and what each node would do and why, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from penstock.engine.analysis import Analysis
from penstock.engine.fingerprint import NEVER, cause_of
from penstock.engine.graph import Graph
from penstock.engine.lineage import Columns
from penstock.engine.made import COSTS, Made
from penstock.engine.nodes import Node
from penstock.store.releases import Release


@dataclass(frozen=True)
class Request:
    """What is to be planned.

    Attributes:
        graph: The slice to plan.
        whole: The graph it was cut from.
        params: Node to bound parameters.
        base: The release that is current.
        pinned: Dataset to the version to read instead of the newest (a replay).
        settings: Those settings of Spark that can change rows.
        skips: Whether what has not changed is skipped.
    """

    graph: Graph
    whole: Graph
    params: Mapping[str, Mapping[str, Any]]
    base: Release
    token: str
    pinned: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    skips: bool = True


@dataclass(frozen=True)
class PlannedNode:
    """One node of a plan.

    Attributes:
        cause: Why it runs, or why it is skipped.
        parts: What its fingerprint is made of.
        found: What is known of it before it runs.
        versions: Input from outside the plan to the version it is read at; None where unknown.
        before: Its record in the release; None if there is none.
        taken: The record whose outputs are taken over when the node is skipped.
    """

    node: Node
    action: Literal["run", "skip"]
    cause: str
    fingerprint: str
    parts: Mapping[str, str]
    found: Analysis
    versions: Mapping[str, str | None]
    before: Made | None
    taken: Made | None = None

    @property
    def change(self) -> str:
        """What differs from its record in the release; empty if nothing does, or there is none."""
        if self.before is None:
            return ""
        return cause_of(self.before.parts, self.parts, self.before.code, self.found.code)

    @property
    def kept(self) -> dict[str, Any]:
        """What its record keeps of the plan."""
        analysis = self.found.to_json()
        return {"parts": self.parts, "code": self.found.code, "analysis": analysis}

    @property
    def expected(self) -> Mapping[str, int] | None:
        """What it is expected to take; None if it never ran, or a fit not with these parameters."""
        if self.before is None or (self.node.kind == "fit" and self._has_other_parameters):
            return None
        return self.before.expected

    @property
    def _has_other_parameters(self) -> bool:
        # One more fold or trial is one more fit: what the last ones took tells nothing of it.
        assert self.before is not None
        now, then = (
            {name: text for name, text in parts.items() if name.startswith("parameter ")}
            for parts in (self.parts, self.before.parts)
        )
        return now != then

    def to_json(self) -> dict[str, Any]:
        """Return the node as plain values."""
        return {
            **self.node.to_json(),
            "action": self.action,
            "cause": self.cause,
            "fingerprint": self.fingerprint,
            "parts": {name: text for name, text in self.parts.items() if name != NEVER},
            "is_repeatable": NEVER not in self.parts,
            "columns": {
                name: [[f.name, f.dataType.simpleString()] for f in schema.fields]
                for name, schema in self.found.columns.items()
                if schema is not None
            },
            "versions": dict(self.versions),
            "expected": self.expected,
            "notes": list(self.found.notes),
        }


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        graph: The slice that was planned.
        whole: The graph it was cut from.
        base: The release it starts from.
        sources: Dataset that is read from outside the slice to the version that is read.
        nodes: In running order.
        ms: What planning took.
        spark_jobs: Jobs it ran: none, unless a source is remote or a function runs jobs itself.
    """

    graph: Graph
    whole: Graph
    base: Release
    sources: Mapping[str, str | None]
    nodes: tuple[PlannedNode, ...]
    ms: int
    spark_jobs: int

    def __getitem__(self, name: str) -> PlannedNode:
        return next(planned for planned in self.nodes if planned.node.name == name)

    @cached_property
    def to_run(self) -> Graph:
        """The nodes that run."""
        return self.graph.only([p.node.name for p in self.nodes if p.action == "run"])

    @property
    def edges(self) -> Columns:
        """Column lineage of all nodes."""
        return {made: sources for p in self.nodes for made, sources in p.found.edges.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values, without what only the catalog knows."""
        planned = {p.node.name for p in self.nodes}
        known = [p.expected for p in self.nodes if p.action == "run" and p.expected]
        total = {key: sum(expected.get(key, 0) for expected in known) for key in COSTS}
        return {
            "graph": self.whole.name,
            "release": self.base.release_id,
            "nodes": [planned.to_json() for planned in self.nodes],
            "left_out": [n.to_json() for n in self.whole.nodes if n.name not in planned],
            "expected": total if known else None,
            "planned_ms": self.ms,
            "spark_jobs": self.spark_jobs,
        }
