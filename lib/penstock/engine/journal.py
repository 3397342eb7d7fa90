"""The journal of a run: `run.json`, MLflow's run and its children, written as the run goes on."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from penstock.catalyst.internals import count_jobs
from penstock.engine.lineage import Lineage
from penstock.engine.made import COSTS, Made
from penstock.engine.nodes import Node
from penstock.engine.plan import Plan
from penstock.engine.workbench import Workbench
from penstock.errors import first_cause
from penstock.evidence import Evidence
from penstock.record import Asked, DatasetRecord, NodeRecord, RunRecord, RunStatus, now
from penstock.store.home import write_text
from penstock.store.models import NO_MODEL, ModelVersion
from penstock.store.tracking import FINGERPRINT, MADE, Tracking
from penstock.store.writing import written_down
from penstock.strict_json import json_text


@dataclass(frozen=True, kw_only=True)
class Order(Asked):
    """What a command asks of the runner.

    Attributes:
        params: Node to bound parameters.
        nodes_at_once: Independent nodes at work side by side.
    """

    params: Mapping[str, Mapping[str, Any]]
    user: str
    nodes_at_once: int


class Journal:
    """What is written down of one run. Nodes on several threads write to it.

    Attributes:
        records: Node to its record, so far.
        is_closed: Whether the run is over; then nothing more is written.
        troubles: What could not be written when the run was closed, as sentences.
    """

    def __init__(self, order: Order, plan: Plan, bench: Workbench, tracking: Tracking) -> None:
        self._order, self._plan, self._bench, self._tracking = order, plan, bench, tracking
        self._catalog = bench.catalog
        self._jobs_before = count_jobs(bench.spark) - plan.spark_jobs
        self._started_at = now()
        self._lock = threading.Lock()
        self._run = ""
        self.records: dict[str, NodeRecord] = {}
        self.is_closed = False
        self.troubles: list[str] = []

    @written_down("The run")
    def open(self) -> None:
        """Open MLflow's run and write the first `run.json`."""
        self._run = self._tracking.start_run(self._order.run_id, self._tags())
        self._tracking.log_json(self._run, self._plan.to_json(), "plan.json")
        self._keep()

    @written_down()
    def begin(self, node: Node) -> None:
        """Open MLflow's run of a node."""
        kind = {"penstock.kind": node.kind}
        self._bench.tracked[node.name] = self._tracking.start_run(node.name, kind, self._run)

    @written_down()
    def add(self, node: Node, record: NodeRecord, made: Made | None) -> None:
        """Write down how a node went and what it made: a later run of the same work goes on there.

        Args:
            made: None if the node was not done.
        """
        if (tracked := self._bench.tracked.get(node.name)) is not None:
            self._track(node, record, made, tracked)
        if made is not None:
            self._bench.checkpoint(node.name).remove()
        self.records[record.name] = record
        self._keep()

    def close(self, status: RunStatus, release: int | None) -> RunRecord:
        """Write the last `run.json` and close MLflow's run.

        Raises nothing: what is published must not look unpublished for want of a note. What could
        not be written is in `troubles`.
        """
        with self._lock:
            self.is_closed = True
            record = self._record(status, release)
        for write in (self._write, self._close_tracking):
            try:
                write(record)
            except Exception as error:
                self.troubles.append(first_cause(error))
        return record

    def add_texts(self, texts: Mapping[str, str]) -> None:
        """Add texts to MLflow's run as its artefacts: file name to text."""
        for file, text in texts.items():
            self._tracking.log_text(self._run, text, file)

    def _keep(self) -> None:
        with self._lock:
            if not self.is_closed:
                self._write(self._record("running", None))

    def _write(self, record: RunRecord) -> None:
        file = self._catalog.home.run_folder(record.run_id) / "run.json"
        write_text(file, json_text(record.to_json()))

    def _track(self, node: Node, record: NodeRecord, made: Made | None, tracked: str) -> None:
        rows = {f"rows_out.{name}": n for name, n in record.rows_out.items()}
        counted = ("rows_in", "quarantined", "dropped", "warned", *COSTS)
        metrics = {**record.metrics, **rows, **{key: getattr(record, key) for key in counted}}
        # The parts of an equal fingerprint are equal: they need not be kept with it.
        found_by = {
            FINGERPRINT: made.fingerprint,
            MADE: replace(made, parts={}, code={}, analysis={}).to_json(),
        } if made else {}  # fmt: skip
        self._tracking.log(
            tracked, metrics=metrics, params=self._order.params[node.name], tags=found_by
        )
        if made and node.kind == "fit":
            model = self._bench.value(node.outputs[0])
            assert isinstance(model, ModelVersion)
            self._tracking.log_attempts(tracked, model.attempts)
        versions = [(name, self._bench.version(name)) for name in node.inputs]
        read = [(n, self._catalog.location(n), v) for n, v in versions if v and v != NO_MODEL]
        self._tracking.log_inputs(tracked, read)
        self._tracking.end_run(tracked, ok=record.status == "done")

    def _record(self, status: Any, release: int | None) -> RunRecord:
        is_running = status == "running"  # what is long is told once, at the end
        in_order = [n.name for n in self._plan.graph.order() if n.name in self.records]
        return RunRecord(
            **{asked.name: getattr(self._order, asked.name) for asked in fields(Asked)},
            graph=self._plan.whole.name,
            status=status,
            started_at=self._started_at,
            ended_at=None if is_running else now(),
            release=release,
            spark_jobs=count_jobs(self._bench.spark) - self._jobs_before,
            nodes=tuple(self.records[name] for name in in_order),
            datasets=self._datasets(),
            evidence={} if is_running else self._evidence(),
            links={"MLflow run": self._tracking.run_page(self._run)} if self._run else {},
            lineage={} if is_running else Lineage(self._plan.edges).to_json(),
        )

    def _evidence(self) -> dict[str, dict[str, Any]]:
        made, kinds = self._bench.made, self._catalog.kinds
        reports = [n for n in self._plan.graph.datasets if n in made and kinds[n] == "report"]
        values = {name: self._bench.value(name) for name in reports}
        return {n: value.to_json() for n, value in values.items() if isinstance(value, Evidence)}

    def _datasets(self) -> tuple[DatasetRecord, ...]:
        graph, made = self._plan.graph, self._bench.made
        return tuple(
            DatasetRecord(
                name=name,
                kind=self._catalog.kinds[name],
                location=self._catalog.location(name),
                version=made.get(name) if name in graph.producers else self._bench.version(name),
                role="output" if name in graph.producers
                else "released" if name in self._plan.whole.producers else "source",
            )
            for name in graph.datasets
        )  # fmt: skip

    def _tags(self) -> dict[str, str]:
        return {
            "penstock.graph": self._plan.whole.name,
            "penstock.env": self._order.env,
            "penstock.command": self._order.command,
            "mlflow.source.git.commit": self._order.git_commit,
            "penstock.git_dirty": str(self._order.git_dirty).lower(),
            "mlflow.user": self._order.user,
        }

    def _close_tracking(self, record: RunRecord) -> None:
        measured = [node.metrics for node in record.nodes if node.kind == "measure"]
        metrics = {name: value for values in measured for name, value in values.items()}
        params, tags = {"as_of": record.as_of}, {"penstock.release": str(record.release or "none")}
        self._tracking.log(self._run, metrics=metrics, params=params, tags=tags)
        self._tracking.log_json(self._run, record.to_json(), "run.json")
        ended = {"ok": record.status == "ok", "killed": record.status == "interrupted"}
        self._tracking.end_run(self._run, **ended)
        self._tracking.end_open_runs(killed=ended["killed"])
