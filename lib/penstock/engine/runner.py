"""The runner: takes a checked graph through Spark and publishes the release."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import SparkSession

from penstock.engine.execution import execute
from penstock.engine.failures import translate
from penstock.engine.graph import Graph, Node
from penstock.engine.journal import Journal, Order, now
from penstock.engine.progress import Progress
from penstock.engine.record import NodeRecord, RunRecord, RunStatus
from penstock.engine.release import Release, Releases
from penstock.engine.resume import code_of, take_over
from penstock.engine.scheduler import run_graph
from penstock.engine.spark_internals import name_jobs, stop_jobs
from penstock.engine.workbench import Workbench
from penstock.errors import Interrupted, NodeFailed, PenstockError
from penstock.store.catalog import Catalog
from penstock.store.models import ModelVersion, Registry
from penstock.store.tracking import Tracking


class Runner:
    """One run of one order.

    Attributes:
        journal: What is written down of it.
    """

    def __init__(
        self,
        order: Order,
        spark: SparkSession,
        catalog: Catalog,
        tracking: Tracking,
        progress: Progress,
    ) -> None:
        self._order, self._spark, self._catalog, self._progress = order, spark, catalog, progress
        self._releases = Releases(spark, catalog.delta("releases"))
        self._base = self._releases.current()
        self._errors: dict[str, PenstockError] = {}
        self._bench = Workbench(
            spark=spark,
            graph=order.whole,
            params=order.params,
            catalog=catalog,
            registry=Registry(tracking.client, catalog.model_scratch),
            run_id=order.run_id,
            released=self._base.pins,
        )
        self.journal = Journal(order, self._bench, tracking)

    def run(self) -> tuple[RunRecord, PenstockError | None]:
        """Run the order, publish if every node is done, and return the record and the first error.

        Ctrl-C cancels Spark's jobs and ends the run as `Interrupted`.

        Raises:
            DataError: A source is missing or lacks columns; nothing has run.
        """
        rest = self._take_over()
        self._check_sources(rest)
        self.journal.open()
        error: PenstockError | None = None
        release: int | None = None
        status: RunStatus = "failed"
        try:
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
        except KeyboardInterrupt:
            status, error = "interrupted", Interrupted("Stopped by Ctrl-C.")
            stop_jobs(self._spark)
        finally:
            record = self.journal.close(status, release)
            self._progress.run_finished(status)
        return record, error

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
            self.journal.records[record.name] = record
            self._bench.made.update(record.versions)
        return rest

    def _check_sources(self, rest: Graph) -> None:
        """Open what the run reads from outside, so that a wrong file is found before any write."""
        for name in rest.sources:
            self._bench.value(name)

    def _work(self, node: Node) -> NodeRecord:
        """Do one node on this thread and return its record; never raises."""
        self._progress.node_started(node.name)
        clock = time.monotonic()
        record = NodeRecord(
            node.name, node.kind, node.inputs, node.outputs, "done",
            started_at=now(), code=code_of(node),
        )  # fmt: skip
        try:
            self.journal.begin(node)
            name_jobs(self._spark, node.name)
            record = replace(record, **vars(execute(node, self._bench)))
        except Exception as error:
            record = self._failed(node, record, error)
        record = replace(record, ms=round(1000 * (time.monotonic() - clock)))
        return self._finish(node, record)

    def _not_run(self, node: Node, failed: Node) -> NodeRecord:
        record = NodeRecord(
            node.name, node.kind, node.inputs, node.outputs, "not run",
            reason=f"behind '{failed.name}', which failed",
        )  # fmt: skip
        return self._finish(node, record)

    def _finish(self, node: Node, record: NodeRecord) -> NodeRecord:
        """Write the record down; a node that was done and cannot be written down has failed."""
        try:
            self.journal.add(node, record)
        except Exception as error:
            if record.status == "done":
                record = self._failed(node, record, error)
            self.journal.records[node.name] = record
        # After Ctrl-C the threads still at work come to their ends; nobody listens any more.
        if not self.journal.is_closed:
            self._progress.node_finished(record)
        return record

    def _failed(self, node: Node, record: NodeRecord, error: Exception) -> NodeRecord:
        told = translate(error, f"Node '{node.name}'", node)
        told.__cause__ = error
        self._errors.setdefault(node.name, told)
        return replace(record, status="failed", reason=str(told))

    def _first_error(self) -> PenstockError | None:
        failed = [r.name for r in self.journal.records.values() if r.status == "failed"]
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
        except Exception as error:
            return translate(error, "The release"), None
        try:
            follow_aliases(release.pins, self._catalog, self._bench.registry)
        except Exception as error:
            told = NodeFailed(
                f"Release {release.release_id} is published, but MLflow's aliases could not follow "
                f"({error}). The next run moves them; until then trust `releases`."
            )
            return told, release.release_id
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


def follow_aliases(pins: Mapping[str, str], catalog: Catalog, registry: Registry) -> None:
    """Point MLflow's aliases where the release says.

    The release is the truth and the aliases its mirror: a run that died between the two is made
    good by the next one.
    """
    for name, version in pins.items():
        if catalog.kinds.get(name) == "alias":
            registry.move_alias(ModelVersion(catalog.model_name(name), version), name)
