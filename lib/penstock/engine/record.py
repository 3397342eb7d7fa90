"""What a run leaves in writing: one record for each node and one for the run.

Values only; `runner` fills them, `progress` shows them as they come, the report page draws them,
`runs/<run_id>/run.json` keeps them.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

NodeStatus = Literal["done", "skipped", "failed", "not run"]
RunStatus = Literal["running", "ok", "failed", "interrupted"]


@dataclass(frozen=True)
class NodeRecord:
    """How one node went.

    Attributes:
        status: "skipped" if an earlier run's outputs were taken over; "not run" if it hung behind a
            failure (then `reason` names it).
        reason: Why it failed, was skipped or was not run; empty when done.
        started_at: UTC, ISO 8601; None if it never started.
        ms: Wall time in milliseconds.
        rows_in: Rows held against a contract that sends bad ones to quarantine; None if its outputs
            have no such contract. `rows_in` = rows out + `quarantined`.
        rows_out: Output dataset to rows written; a lazy (memory) output has None.
        quarantined: Rows sent to quarantine.
        broken_rules: Contract rule to number of rows that broke it.
        versions: Output dataset to the version written (Delta version, model version, run id).
        metrics: Numbers a Measure or Gate node reported.
        notes: Sentences for the report page.
        code: Hash of the module its function lives in; a resumed run holds it against today's.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    status: NodeStatus
    reason: str = ""
    started_at: str | None = None
    ms: int = 0
    rows_in: int | None = None
    rows_out: dict[str, int | None] = field(default_factory=dict)
    quarantined: int = 0
    broken_rules: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset as the run saw it: where it lies and which version was read or written."""

    name: str
    kind: str
    location: str
    version: str | None
    role: Literal["source", "output", "released"]


@dataclass(frozen=True)
class RunRecord:
    """How one run went.

    Attributes:
        command: The command line that starts the same run again.
        resume: The command line that goes on from where this run stopped.
        release: Number of the release this run published; None if it published nothing.
        config: The resolved configuration, secrets as references.
        evidence: Report dataset to `Evidence.to_json()`.
        versions: Package or program to its version.
        links: Label to URL (the MLflow run) for the page.
    """

    run_id: str
    graph: str
    env: str
    as_of: str
    command: str
    resume: str
    status: RunStatus
    started_at: str
    ended_at: str | None
    release: int | None
    spark_jobs: int
    nodes: tuple[NodeRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    config: dict[str, Any]
    evidence: dict[str, dict[str, Any]]
    git_commit: str
    git_dirty: bool
    versions: dict[str, str]
    links: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain values that `json.dumps` takes."""
        return asdict(self)
