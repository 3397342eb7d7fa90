"""A plan: what each node would do and why, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.sql.types import StructType

from penstock.engine.fingerprint import NEVER
from penstock.engine.graph import Graph
from penstock.engine.lineage import Columns
from penstock.engine.made import COSTS, Made
from penstock.engine.nodes import Node
from penstock.store.releases import Release


@dataclass(frozen=True)
class PlannedNode:
    """One node of a plan.

    Attributes:
        cause: Why it runs, or why it is skipped.
        parts: What its fingerprint is made of.
        code: Function to hash of its source.
        columns: Output table to columns; None where only running can tell.
        versions: Input from outside the plan to the version it is read at; None where unknown.
        taken: The record whose outputs are taken over when the node is skipped.
        expected: What it is expected to take; None if it never ran.
        costs: What its last runs took.
        edges: Column lineage.
        analysis: What was found about it, for its record.
    """

    node: Node
    action: Literal["run", "skip"]
    cause: str
    fingerprint: str
    parts: Mapping[str, str]
    code: Mapping[str, str]
    columns: Mapping[str, StructType | None]
    versions: Mapping[str, str | None]
    taken: Made | None
    expected: Mapping[str, int] | None
    costs: tuple[Mapping[str, int], ...]
    notes: tuple[str, ...]
    edges: Columns
    analysis: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the node as plain values."""
        return {
            "name": self.node.name,
            "kind": self.node.kind,
            "inputs": list(self.node.inputs),
            "outputs": list(self.node.outputs),
            "tags": list(self.node.tags),
            "action": self.action,
            "cause": self.cause,
            "fingerprint": self.fingerprint,
            "parts": {name: text for name, text in self.parts.items() if name != NEVER},
            "is_repeatable": NEVER not in self.parts,
            "columns": {
                name: [[f.name, f.dataType.simpleString()] for f in schema.fields]
                for name, schema in self.columns.items()
                if schema is not None
            },
            "versions": dict(self.versions),
            "expected": dict(self.expected) if self.expected else None,
            "notes": list(self.notes),
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

    @property
    def to_run(self) -> Graph:
        """The nodes that run."""
        return self.graph.only([p.node.name for p in self.nodes if p.action == "run"])

    @property
    def edges(self) -> Columns:
        """Column lineage of all nodes."""
        return {output: made_from for p in self.nodes for output, made_from in p.edges.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values, without what only the catalog knows."""
        planned = {p.node.name for p in self.nodes}
        known = [p.expected for p in self.nodes if p.action == "run" and p.expected]
        total = {key: sum(expected.get(key, 0) for expected in known) for key in COSTS}
        return {
            "graph": self.whole.name,
            "release": self.base.release_id,
            "nodes": [planned.to_json() for planned in self.nodes],
            "left_out": [
                {"name": n.name, "kind": n.kind, "inputs": n.inputs, "outputs": n.outputs}
                for n in self.whole.nodes
                if n.name not in planned
            ],
            "expected": total if known else None,
            "planned_ms": self.ms,
            "spark_jobs": self.spark_jobs,
        }
