"""The runner: takes a plan through Spark and publishes the release."""

import datetime as dt
import time
from dataclasses import replace
from threading import Semaphore

from pyspark.sql import SparkSession

from penstock.catalyst.costs import node_cost
from penstock.catalyst.internals import name_jobs, stop_jobs
from penstock.engine.execution import execute
from penstock.engine.failures import translate
from penstock.engine.journal import Journal, Order
from penstock.engine.made import COSTS, KEPT_COSTS, Made
from penstock.engine.nodes import Node
from penstock.engine.plan import Plan
from penstock.engine.scheduler import run_graph
from penstock.engine.workbench import Workbench
from penstock.errors import Conflict, Interrupted, NodeFailed, PenstockError
from penstock.interrupts import heard_once, undisturbed
from penstock.record import COUNTS, NodeRecord, Progress, RunRecord, RunStatus, now
from penstock.store.releases import Release, Releases
from penstock.store.spark_errors import is_transient
from penstock.store.stores import Stores

ATTEMPTS = 3
PAUSE_S = 2.0  # before a second attempt; twice as long before the third


class Runner:
    """One run of one plan.

    Attributes:
        journal: What is written down of it.
    """

    def __init__(
        self,
        order: Order,
        plan: Plan,
        spark: SparkSession,
        stores: Stores,
        progress: Progress,
    ) -> None:
        self._order, self._plan, self._spark = order, plan, spark
        self._stores, self._catalog, self._progress = stores, stores.catalog, progress
        self._errors: list[PenstockError] = []
        self._at_work, self._is_stopped = Semaphore(order.nodes_at_once), False
        self._jobs = f"{order.run_id}/{now()}"  # no other run has jobs of this name
        self._made: dict[str, Made] = {}
        self._bench = Workbench(
            spark=spark,
            graph=plan.whole,
            params=order.params,
            catalog=stores.catalog,
            registry=stores.registry,
            run_id=order.run_id,
            sources=plan.sources,
            fingerprints={planned.node.name: planned.fingerprint for planned in plan.nodes},
        )
        self.journal = Journal(order, plan, self._bench, stores.tracking)

    @undisturbed()
    def run(self) -> tuple[RunRecord, PenstockError | None]:
        """Run the plan, publish if every node is done, and return the record and the first error.

        Ctrl-C is heard while nodes are at work, and once: it cancels Spark's jobs and ends the run
        as `Interrupted`.

        Raises:
            SetupError: The run cannot be written down; no node has begun.
        """
        self._take_over()
        error: PenstockError | None = None
        release: int | None = None
        status: RunStatus = "failed"
        try:
            self.journal.open()
            self._progress.run_started([(n.name, n.kind) for n in self._plan.to_run.order()])
            with heard_once():
                run_graph(
                    self._plan.to_run,
                    self._work,
                    has_failed=lambda record: record.status == "failed",
                    not_run=self._not_run,
                    threads=self._order.nodes_at_once + 1,  # one of them writes down or waits
                )
            error, release = (self._errors[0], None) if self._errors else self._publish()
            status = "failed" if error else "ok"
        except KeyboardInterrupt:
            status, error = "interrupted", Interrupted("Stopped by Ctrl-C.")
            self._is_stopped = True
            stop_jobs(self._spark, [f"{self._jobs}/{n.name}" for n in self._plan.to_run.nodes])
        finally:
            record = self.journal.close(status, release)
            self._progress.run_finished(status)
        return record, error

    def _take_over(self) -> None:
        for planned in self._plan.nodes:
            if planned.action == "skip":
                taken = planned.taken or Made("", planned.fingerprint)
                self._bench.made.update(taken.outputs)
                self.journal.records[planned.node.name] = replace(
                    self._record(planned.node),
                    status="skipped",
                    cause=planned.cause,
                    reason=planned.cause,
                    versions=dict(taken.outputs),
                    **taken.counts,
                )

    def _record(self, node: Node) -> NodeRecord:
        return NodeRecord(node.name, node.kind, node.inputs, node.outputs, "done")

    def _work(self, node: Node) -> NodeRecord:
        """Do one node on this thread and return its record; raises nothing.

        What is written down of it, before and after, is written while others are at work.
        """
        clock, group = time.monotonic(), f"{self._jobs}/{node.name}"
        record = replace(self._record(node), cause=self._plan[node.name].cause)
        try:
            self.journal.begin(node)
            with self._at_work:
                if self._is_stopped:
                    raise Interrupted("It was stopped by Ctrl-C before it began.")
                self._progress.node_started(node.name)
                clock, record = time.monotonic(), replace(record, started_at=now())
                name_jobs(self._spark, node.name, group)
                record = self._attempt(node, record)
                self._refuse_moved_files()
                self._refuse_edited(node)
        except BaseException as error:  # a function that calls sys.exit has failed like any other
            record = self._failed(node, record, error)
        record = replace(record, ms=round(1000 * (time.monotonic() - clock)))
        if (cost := node_cost(self._spark, group)) is not None:
            record = replace(record, **{k: n for k, n in vars(cost).items() if k in COSTS})
        return self._finish(node, record)

    def _attempt(self, node: Node, record: NodeRecord) -> NodeRecord:
        """Execute a node, again if what stopped it was not its own doing."""
        notes: tuple[str, ...] = ()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                done = replace(record, **vars(execute(node, self._bench)))
                return replace(done, notes=(*notes, *done.notes))
            except Exception as error:
                if attempt == ATTEMPTS or self.journal.is_closed or not is_transient(error):
                    raise
                told = str(translate(error, "it"))
                notes += (f"Attempt {attempt} was lost and repeated: {told}",)
                time.sleep(PAUSE_S * attempt)
        raise AssertionError("unreachable")

    def _not_run(self, node: Node, failed: Node) -> NodeRecord:
        reason = f"behind '{failed.name}', which failed"
        return self._finish(node, replace(self._record(node), status="not run", reason=reason))

    def _finish(self, node: Node, record: NodeRecord) -> NodeRecord:
        """Write the record down; a node that was done and cannot be written down has failed."""
        made = self._made_by(node, record) if record.status == "done" else None
        try:
            self.journal.add(node, record, made)
        except Exception as error:
            if record.status == "done":
                record, made = self._failed(node, record, error), None
            self.journal.records[node.name] = record
        if made is not None:
            self._made[node.name] = made
        # After Ctrl-C the threads still at work come to their ends; nobody listens any more.
        if not self.journal.is_closed:
            self._progress.node_finished(record)
        return record

    def _made_by(self, node: Node, record: NodeRecord) -> Made:
        planned = self._plan[node.name]
        costs = planned.before.costs if planned.before and planned.expected else ()
        return Made(
            run_id=self._order.run_id,
            fingerprint=planned.fingerprint,
            **planned.kept,
            outputs=record.versions,
            counts={name: getattr(record, name) for name in COUNTS},
            cause=planned.cause,
            costs=({key: getattr(record, key) for key in COSTS}, *costs)[:KEPT_COSTS],
        )

    def _failed(self, node: Node, record: NodeRecord, error: BaseException) -> NodeRecord:
        told = translate(error, f"Node '{node.name}'", node)
        told.__cause__ = error
        self._errors.append(told)
        return replace(record, status="failed", reason=str(told))

    def _publish(self) -> tuple[PenstockError | None, int | None]:
        """Make everything current by one commit, then let the aliases follow."""
        base, made = self._plan.base, self._bench.made
        changed = {name for name, version in made.items() if base.pins.get(name) != version}
        # A table deleted and made anew has its old number again.
        changed |= {name for record in self._made.values() for name in record.outputs}
        if not changed:
            # A run that died between the release and its aliases is made good all the same.
            return self._follow(base.release_id) if base.release_id else (None, None)
        release = Release(
            release_id=base.release_id + 1,
            run_id=self._order.run_id,
            graph=self._plan.whole.name,
            released_at=dt.datetime.now(dt.UTC),
            released_by=self._order.user,
            git_commit=self._order.git_commit,
            pins=self._pins(changed),
            made=self._records(),
            note="",
        )
        try:
            Releases(self._catalog.delta("releases")).publish(self._spark, release, base)
        except Exception as error:
            return translate(error, "The release"), None
        return self._follow(release.release_id)

    def _follow(self, release_id: int) -> tuple[PenstockError | None, int]:
        try:
            self._stores.follow(self._spark)
        except Exception as error:
            return NodeFailed(
                f"Release {release_id} is published, but MLflow's aliases could not follow "
                f"({error}). The next run moves them; until then trust `releases`."
            ), release_id
        return None, release_id

    def _refuse_moved_files(self) -> None:
        """A file has no versions to pin: if it changed under the run, what was made is mixed."""
        for name in [n for n in self._plan.to_run.sources if n in self._catalog.files]:
            then, now_ = self._plan.sources[name], self._catalog.file_version(name)
            if then != now_:
                raise Conflict(
                    f"'{name}' ({self._catalog.location(name)}) changed while it was read: "
                    f"{then} -> {now_}. Nothing of this run is published. Run again."
                )

    def _refuse_edited(self, node: Node) -> None:
        """Python's workers import files as they are: what ran may not be what was planned."""
        planned = self._plan[node.name]
        is_code = any(name.startswith("code ") for name in planned.parts)
        if node.kind == "transform" and is_code and node.code != planned.found.code:
            raise Conflict("Its code was edited while it ran. Run again.")

    def _pins(self, changed: set[str]) -> dict[str, str]:
        """Lay what this run made over the released versions, without what it has made untrue."""
        made, whole = self._bench.made, self._plan.whole
        # No row broke a rule this time: the rows put aside by an earlier run are no longer current.
        outdated = {c.quarantine for name, c in whole.contracts.items() if name in changed}
        # A report speaks of one version of what it measured, and does not carry over to the next.
        outdated |= {
            output
            for node in whole.behind(changed)
            for output in node.outputs
            if self._catalog.kinds[output] == "report"
        }
        kept = {name: v for name, v in self._plan.base.pins.items() if name not in outdated}
        return {**kept, **made}

    def _records(self) -> dict[str, str]:
        """Return the records of all graphs' nodes as they will be when this run is published."""
        own, before = f"{self._plan.whole.name}.", self._plan.base.made
        known = {own + node.name for node in self._plan.whole.nodes}
        kept = {k: text for k, text in before.items() if k in known or not k.startswith(own)}
        taken = {p.node.name: p.taken for p in self._plan.nodes if p.taken is not None}
        new = {own + name: made.to_json() for name, made in {**taken, **self._made}.items()}
        return {**kept, **new}
