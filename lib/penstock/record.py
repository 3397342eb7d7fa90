"""What a run leaves in writing: one record for each node and one for the run.

Values only; `runner` fills them, a `Progress` shows them as they come, the report page draws them,
`runs/<run_id>/run.json` keeps them.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

NodeStatus = Literal["done", "skipped", "failed", "not run"]
RunStatus = Literal["running", "ok", "failed", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What storing a node's outputs left behind.

    Attributes:
        rows_in: Rows held against a contract that can quarantine or drop some; None if there was
            none. `rows_in` = rows out + `quarantined` + `dropped`.
        rows_out: Output dataset to rows written; a lazy (memory) output has None.
        quarantined: Rows sent to quarantine.
        dropped: Rows left out.
        warned: Rows written although they broke a rule.
        broken_rules: Contract rule to number of rows that broke it, of whatever level.
        versions: Output dataset to the version written (Delta version, model version, run id).
        metrics: Numbers a Measure or Gate node reported.
        notes: Sentences for the report page.
    """

    rows_in: int | None = None
    rows_out: dict[str, int | None] = field(default_factory=dict)
    quarantined: int = 0
    dropped: int = 0
    warned: int = 0
    broken_rules: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


COUNTS = (
    "rows_in", "rows_out", "quarantined", "dropped", "warned", "broken_rules", "metrics",
)  # fmt: skip


@dataclass(frozen=True)
class NodeRecord(Stored):
    """How one node went.

    Attributes:
        status: "skipped" if an earlier run's outputs were taken over; "not run" if it hung behind a
            failure (then `reason` names it).
        reason: Why it failed, was skipped or was not run; empty when done.
        started_at: UTC, ISO 8601; None if it never started.
        ms: Wall time in milliseconds.
        cause: Why it ran, or why it was skipped.
        cpu_ms: CPU time of its Spark tasks, in milliseconds; 0 where Spark does not tell.
        shuffle_bytes: Bytes its tasks wrote to and read from shuffles.
        spill_bytes: Bytes its tasks moved out of memory for want of it.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    status: NodeStatus
    reason: str = ""
    started_at: str | None = None
    ms: int = 0
    cause: str = ""
    cpu_ms: int = 0
    shuffle_bytes: int = 0
    spill_bytes: int = 0


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset as the run saw it: where it lies and which version was read or written."""

    name: str
    kind: str
    location: str
    version: str | None
    role: Literal["source", "output", "released"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a run was asked to do, by which code.

    Attributes:
        env: Name of the environment.
        as_of: The day the run stands for.
        command: The command line that starts the same run again; it goes on where this one stopped.
        config: The resolved configuration as plain values, secrets as references.
        versions: Package or program to its version.
        git_dirty: Whether the tree differed from the commit.
    """

    run_id: str
    env: str
    as_of: str
    command: str
    config: Mapping[str, Any]
    versions: Mapping[str, str]
    git_commit: str
    git_dirty: bool


@dataclass(frozen=True, kw_only=True)
class RunRecord(Asked):
    """How one run went.

    Attributes:
        release: Number of the release this run published; None if it published nothing.
        evidence: Report dataset to `Evidence.to_json()`.
        lineage: `Lineage.to_json()`: what each column is made from.
        links: Label to URL (the MLflow run) for the page.
    """

    graph: str
    status: RunStatus
    started_at: str
    ended_at: str | None
    release: int | None
    spark_jobs: int
    nodes: tuple[NodeRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    evidence: dict[str, dict[str, Any]]
    links: dict[str, str]
    lineage: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain values, for `json_text`; what it holds is not copied."""
        nodes, datasets = ([*map(vars, records)] for records in (self.nodes, self.datasets))
        return {**vars(self), "nodes": nodes, "datasets": datasets}


class Progress(Protocol):
    """Where a run reports its progress."""

    def run_started(self, nodes: Sequence[tuple[str, str]]) -> None:
        """Say which nodes will run: pairs of name and kind."""

    def node_started(self, name: str) -> None:
        """Say that a node has begun."""

    def node_finished(self, record: NodeRecord) -> None:
        """Say how a node went; also for one that was skipped or not run."""

    def run_finished(self, status: str) -> None:
        """Say that nothing more will come; a second call does nothing."""


def now() -> str:
    """Return the moment, UTC, ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
