"""The runner: takes a checked graph through Spark, keeps the record, publishes the release."""

import datetime as dt
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import SparkSession

from penstock.engine.execution import execute
from penstock.engine.failures import translate
from penstock.engine.graph import Graph, Node
from penstock.engine.progress import Progress
from penstock.engine.record import DatasetRecord, NodeRecord, RunRecord
from penstock.engine.release import Release, Releases
from penstock.engine.resume import code_of, take_over
from penstock.engine.scheduler import run_graph
from penstock.engine.spark_internals import count_jobs, name_jobs, stop_jobs
from penstock.engine.workbench import Workbench
from penstock.errors import PenstockError
from penstock.evidence import Evidence
from penstock.store.catalog import Catalog
from penstock.store.home import write_json
from penstock.store.models import ModelVersion, Registry
from penstock.store.tracking import Tracking


@dataclass(frozen=True)
class Order:
    """What a command asks for.

    Attributes:
        graph: The slice to run.
        whole: The graph it was cut from.
        env: Name of the environment.
        as_of: The day the run stands for.
        config: The resolved configuration as plain values, for the record.
        params: Node to bound parameters.
        command: The command line that starts this run again.
        git: Commit and whether the tree was dirty.
        resumes: `run.json` of the run to go on from.
    """

    run_id: str
    graph: Graph
    whole: Graph
    env: str
    as_of: str
    config: Mapping[str, Any]
    params: Mapping[str, Mapping[str, Any]]
    command: str
    user: str
    git: tuple[str, bool]
    versions: Mapping[str, str]
    nodes_at_once: int
    resumes: Mapping[str, Any] | None = None


class Runner:
    """One run of one order."""

    def __init__(
        self,
        order: Order,
        spark: SparkSession,
        catalog: Catalog,
        tracking: Tracking,
        progress: Progress,
    ) -> None:
        self._order, self._spark, self._catalog = order, spark, catalog
        self._tracking, self._progress = tracking, progress
        self._started_at = _now()
        self._releases = Releases(spark, catalog.delta("releases"))
        self._base = self._releases.current()
        self._records: dict[str, NodeRecord] = {}
        self._errors: dict[str, PenstockError] = {}
        self._lock = threading.Lock()
        self._run = ""
        self._bench = Workbench(
            spark=spark,
            graph=order.whole,
            params=order.params,
            catalog=catalog,
            registry=Registry(tracking.client, catalog.model_scratch),
            run_id=order.run_id,
            released=self._base.pins,
        )

    def run(self) -> tuple[RunRecord, PenstockError | None]:
        """Run the order, publish if every node is done, and return the record and the first error.

        Raises:
            DataError: A source is missing or lacks columns; nothing has run.
            KeyboardInterrupt: After Spark's jobs are cancelled and the record is written.
        """
        rest = self._take_over()
        self._check_sources(rest)
        self._run = self._tracking.start_run(self._order.run_id, self._tags())
        error: PenstockError | None = None
        release: int | None = None
        status = "interrupted"
        try:
            self._keep("running", None)
            self._progress.run_started([(n.name, n.kind) for n in rest.order()])
            run_graph(
                rest,
                self._work,
                has_failed=lambda record: record.status == "failed",
                not_run=self._not_run,
                threads=self._order.nodes_at_once,
            )
            error = self._first_error()
            if error is None:
                error, release = self._publish()
            status = "failed" if error else "ok"
        finally:
            if status == "interrupted":
                stop_jobs(self._spark)
            record = self._keep(status, release)
            self._progress.run_finished(status)
            self._close_tracking(record)
        return record, error

    def log_page(self, page: str) -> None:
        """Add the report page to the MLflow run."""
        self._tracking.log_text(self._run, page, "index.html")

    def _take_over(self) -> Graph:
        if self._order.resumes is None:
            return self._order.graph
        rest, taken = take_over(
            self._order.graph,
            self._order.resumes,
            self._order.params,
            kinds=self._catalog.kinds,
            version=self._bench.version,
        )
        for record in taken.values():
            self._records[record.name] = record
            self._bench.made.update(record.versions)
        return rest

    def _check_sources(self, rest: Graph) -> None:
        """Open what the run reads from outside, so that a wrong file is found before any write."""
        for name in rest.sources:
            self._bench.value(name)

    def _work(self, node: Node) -> NodeRecord:
        """Do one node on this thread and return its record; never raises."""
        self._progress.node_started(node.name)
        started, clock = _now(), time.monotonic()
        blank = NodeRecord(
            node.name, node.kind, node.inputs, node.outputs, "done",
            started_at=started, code=code_of(node),
        )  # fmt: skip
        tracked = self._tracking.start_run(node.name, {"penstock.kind": node.kind}, self._run)
        self._bench.tracked[node.name] = tracked
        try:
            name_jobs(self._spark, node.name)
            record = replace(blank, **vars(execute(node, self._bench)))
        except Exception as error:
            self._errors[node.name] = translated = translate(error, node)
            translated.__cause__ = error
            record = replace(blank, status="failed", reason=str(translated))
        record = replace(record, ms=round(1000 * (time.monotonic() - clock)))
        self._track(node, record, tracked)
        self._finish(record)
        return record

    def _not_run(self, node: Node, failed: Node) -> NodeRecord:
        record = NodeRecord(
            node.name, node.kind, node.inputs, node.outputs, "not run",
            reason=f"behind '{failed.name}', which failed",
        )  # fmt: skip
        self._finish(record)
        return record

    def _finish(self, record: NodeRecord) -> None:
        with self._lock:
            self._records[record.name] = record
        self._keep("running", None)
        self._progress.node_finished(record)

    def _track(self, node: Node, record: NodeRecord, tracked: str) -> None:
        rows = {f"rows_out.{name}": n for name, n in record.rows_out.items()}
        metrics = {**record.metrics, **rows, "ms": record.ms, "quarantined": record.quarantined}
        parameters = self._order.params[node.name]
        self._tracking.log(tracked, metrics=metrics, params=parameters)
        for name in node.inputs:
            if (version := self._bench.version(name)) is not None:
                location = self._catalog.location(name)
                self._tracking.log_input(tracked, name, location, version)
        self._tracking.end_run(tracked, ok=record.status == "done")

    def _first_error(self) -> PenstockError | None:
        failed = [r.name for r in self._records.values() if r.status == "failed"]
        return self._errors[failed[0]] if failed else None

    def _publish(self) -> tuple[PenstockError | None, int | None]:
        """Make everything current by one commit, then let the aliases follow."""
        release = Release(
            release_id=self._base.release_id + 1,
            run_id=self._order.run_id,
            graph=self._order.graph.name,
            released_at=dt.datetime.now(dt.UTC),
            released_by=self._order.user,
            git_commit=self._order.git[0],
            pins=self._pins(),
        )
        try:
            self._releases.publish(release)
        except PenstockError as error:
            return error, None
        follow_aliases(release.pins, self._catalog, self._bench.registry)
        return None, release.release_id

    def _pins(self) -> dict[str, str]:
        """Lay what this run made over the released versions, without what it has made untrue."""
        made, whole = self._bench.made, self._order.whole
        # No row broke a rule this time: the rows put aside by an earlier run are no longer current.
        outdated = {c.quarantine for name, c in whole.contracts.items() if name in made}
        # A report speaks of one version of what it measured, and does not carry over to the next.
        outdated |= {
            output
            for node in whole.behind(made)
            for output in node.outputs
            if self._catalog.kinds[output] == "report"
        }
        kept = {name: v for name, v in self._base.pins.items() if name not in outdated}
        return {**kept, **made}

    def _keep(self, status: Any, release: int | None) -> RunRecord:
        """Write `run.json` as things stand, so that a killed run can be gone on from."""
        with self._lock:
            record = self._record(status, release)
            write_json(self._catalog.home.run_folder(record.run_id) / "run.json", record.to_json())
        return record

    def _record(self, status: Any, release: int | None) -> RunRecord:
        order = self._order
        in_order = [n.name for n in order.graph.order() if n.name in self._records]
        return RunRecord(
            run_id=order.run_id,
            graph=order.graph.name,
            env=order.env,
            as_of=order.as_of,
            command=order.command,
            resume=f"{order.command} --resume {order.run_id}",
            status=status,
            started_at=self._started_at,
            ended_at=None if status == "running" else _now(),
            release=release,
            spark_jobs=count_jobs(self._spark),
            nodes=tuple(self._records[name] for name in in_order),
            datasets=self._datasets(),
            config=dict(order.config),
            evidence=self._evidence(),
            git_commit=order.git[0],
            git_dirty=order.git[1],
            versions=dict(order.versions),
            links={"MLflow run": self._tracking.run_page(self._run)} if self._run else {},
        )

    def _evidence(self) -> dict[str, dict[str, Any]]:
        reports = [n for n in self._bench.made if self._catalog.kinds[n] == "report"]
        values = {name: self._bench.value(name) for name in reports}
        return {n: value.to_json() for n, value in values.items() if isinstance(value, Evidence)}

    def _datasets(self) -> tuple[DatasetRecord, ...]:
        graph, made = self._order.graph, self._bench.made
        return tuple(
            DatasetRecord(
                name=name,
                kind=self._catalog.kinds[name],
                location=self._catalog.location(name),
                version=made.get(name) if name in graph.producers else self._bench.version(name),
                role="output" if name in graph.producers
                else "released" if name in self._order.whole.producers else "source",
            )
            for name in graph.datasets
        )  # fmt: skip

    def _tags(self) -> dict[str, str]:
        commit, dirty = self._order.git
        return {
            "penstock.graph": self._order.graph.name,
            "penstock.env": self._order.env,
            "penstock.command": self._order.command,
            "mlflow.source.git.commit": commit,
            "penstock.git_dirty": str(dirty).lower(),
            "mlflow.user": self._order.user,
        }

    def _close_tracking(self, record: RunRecord) -> None:
        metrics = {
            k: v for node in record.nodes if node.kind == "measure" for k, v in node.metrics.items()
        }
        self._tracking.log(self._run, metrics=metrics, params={"as_of": record.as_of})
        folder = self._catalog.home.run_folder(record.run_id)
        self._tracking.log_text(self._run, (folder / "run.json").read_text("utf-8"), "run.json")
        self._tracking.tag(self._run, {"penstock.release": str(record.release or "none")})
        self._tracking.end_run(
            self._run, ok=record.status == "ok", killed=record.status == "interrupted"
        )


def follow_aliases(pins: Mapping[str, str], catalog: Catalog, registry: Registry) -> None:
    """Point MLflow's aliases where the release says.

    The release is the truth and the aliases its mirror: a run that died between the two is made
    good by the next one.
    """
    for name, version in pins.items():
        if catalog.kinds.get(name) == "alias":
            registry.move_alias(ModelVersion(catalog.model_name(name), version), name)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
