"""The planner: types the graph on empty tables and decides what runs, what is skipped, and why.

It reads the last release, the logs of tables and the tracking store; it runs no Spark job and
writes nothing.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from penstock.catalyst.internals import count_jobs
from penstock.engine.analysis import CLOCK, Analysis, plain
from penstock.engine.analyst import Analyst, SourceFault
from penstock.engine.failures import translate
from penstock.engine.fingerprint import MADE_BY, NEVER, cause_of, digest
from penstock.engine.graph import Graph
from penstock.engine.lazy_session import running
from penstock.engine.made import Made, records_of
from penstock.engine.nodes import Node
from penstock.engine.plan import Plan, PlannedNode
from penstock.errors import DataError, PenstockError
from penstock.store.releases import Release
from penstock.store.stores import Stores

UNCHANGED = "nothing has changed"


@dataclass(frozen=True)
class Request:
    """What is to be planned.

    Attributes:
        graph: The slice to plan.
        whole: The graph it was cut from.
        params: Node to bound parameters.
        base: The release that is current.
        pinned: Dataset to the version to read instead of the newest (a replay).
        skips: Whether what has not changed is skipped.
    """

    graph: Graph
    whole: Graph
    params: Mapping[str, Mapping[str, Any]]
    base: Release
    token: str
    pinned: Mapping[str, str]
    skips: bool = True


class Planner:
    """Makes one plan."""

    def __init__(self, request: Request, spark: SparkSession, stores: Stores) -> None:
        self._request, self._spark, self._stores = request, spark, stores
        self._catalog = catalog = stores.catalog
        self._released = records_of(request.base, request.whole.name)
        self._analyst = Analyst(spark, request.whole, request.params, catalog, self._released)
        self._versions: dict[str, str | None] = {}
        self._made: dict[str, str] = {}

    def plan(self) -> Plan:
        """Analyse every node and decide on each.

        Raises:
            PenstockError: What is wrong with sources, functions, models or contracts: one fault as
                it is, several listed in one error.
        """
        clock, jobs = time.monotonic(), count_jobs(running(self._spark))
        faults, broken = self._open_sources()
        planned: dict[str, PlannedNode] = {}
        for node in self._request.graph.order():
            if broken.intersection(node.inputs):
                broken.update(node.outputs)
                continue
            try:
                found = self._analyst.analyse(node)
            except SourceFault as error:
                faults.append(DataError(str(error)))
                broken.update(node.outputs)
            except Exception as error:
                faults.append(_told(error, node))
                broken.update(node.outputs)
            else:
                planned[node.name] = self._planned(node, found)
        if faults:
            raise _together(faults)
        return Plan(
            graph=self._request.graph,
            whole=self._request.whole,
            base=self._request.base,
            sources=self._versions,
            nodes=self._with_lazy_nodes(planned),
            ms=round(1000 * (time.monotonic() - clock)),
            spark_jobs=count_jobs(running(self._spark)) - jobs,
        )

    def _open_sources(self) -> tuple[list[PenstockError], set[str]]:
        faults: list[PenstockError] = []
        broken: set[str] = set()
        for name in self._request.graph.sources:
            try:
                self._versions[name] = self._version(name)
                self._open(name)
            except PenstockError as error:
                faults.append(error)
                broken.add(name)
        return faults, broken

    def _version(self, name: str) -> str | None:
        if name in self._request.pinned:
            pinned = self._request.pinned[name]
            if name in self._catalog.files and self._catalog.file_version(name) != pinned:
                raise DataError(
                    f"'{name}' ({self._catalog.location(name)}) is not the file that run read: "
                    f"{pinned} -> {self._catalog.file_version(name)}. Put that file back, then "
                    "replay."
                )
            return pinned
        if name in self._catalog.files:
            return self._catalog.file_version(name)
        if name in self._request.base.pins:
            return self._request.base.pins[name]
        if name not in self._request.whole.producers and self._catalog.kinds[name] == "delta":
            latest = self._catalog.delta(name).latest_version(self._spark)
            if latest is not None:
                return str(latest)
            raise DataError(
                f"There is no table at {self._catalog.location(name)} for '{name}'. Point "
                f"catalog.{name} at the right one."
            )
        raise DataError(
            f"'{name}' ({self._catalog.location(name)}) has never been released. Run the job that "
            "makes it, or `run`, first."
        )

    def _open(self, name: str) -> None:
        """Learn the columns of a source table."""
        if self._catalog.kinds[name] not in ("delta", "csv", "parquet", "range"):
            return
        version = self._versions[name]
        self._analyst.columns[name] = self._catalog.source_schema(self._spark, name, version)

    def _planned(self, node: Node, found: Analysis) -> PlannedNode:
        parts = self._parts(node, found)
        unknown = [n for n in node.inputs if n in self._versions and self._versions[n] is None]
        never = found.never or (f"the version of {unknown[0]} cannot be told" if unknown else "")
        sources = [text for name, text in parts.items() if name.startswith("source ")]
        if not never and (clock := next(filter(None, map(CLOCK.search, sources)), None)):
            never = f"{clock[0]} in the filter of a source"
        if never:
            parts[NEVER] = self._request.token
        fingerprint = digest(parts)
        record = self._released.get(node.name)
        hit, cause = self._decide(node, fingerprint, parts, found, record)
        # A model fitted again is another version, and its name stands in what it scored.
        fitted_by = f" {hit.run_id if hit else self._request.token}" if node.kind == "fit" else ""
        for name in node.outputs:
            self._made[name] = f"{MADE_BY}{fingerprint[:16]}{fitted_by}"
        return PlannedNode(
            node=node,
            action="skip" if hit else "run",
            cause=f"never skipped: {never}" if never else cause,
            fingerprint=fingerprint,
            parts=parts,
            code=found.code,
            columns=found.columns,
            versions={n: self._versions[n] for n in node.inputs if n in self._versions},
            taken=hit,
            expected=record.expected if record else None,
            costs=record.costs if record else (),
            notes=found.notes,
            edges=found.edges,
            analysis=found.to_json(),
        )

    def _parts(self, node: Node, found: Analysis) -> dict[str, str]:
        contracts, entries = self._request.whole.contracts, self._catalog.entries
        parts = {"kind": node.kind, **found.parts}
        parts |= {f"parameter {k}": plain(v) for k, v in self._request.params[node.name].items()}
        parts |= {f"contract {n}": repr(contracts[n]) for n in node.outputs if n in contracts}
        parts |= {f"columns {name}": ddl for name, ddl in node.reads.items()}
        for name in node.inputs:
            parts[f"input {name}"] = self._made.get(name) or self._outside(name)
            if name in self._versions and name not in self._request.whole.producers:
                parts[f"source {name}"] = self._catalog.identity(name, self._spark)
        for name in node.outputs:
            parts[f"storage {name}"] = repr(entries[name])
        return parts

    def _outside(self, name: str) -> str:
        """Return what tells one state of a dataset that this plan does not make from the next."""
        version = self._versions[name] or "unknown"
        producer = self._request.whole.producers.get(name)
        record = self._released.get(producer.name) if producer else None
        if record and record.outputs.get(name) == version:
            fitted_by = f" {record.run_id}" if producer and producer.kind == "fit" else ""
            return f"{MADE_BY}{record.fingerprint[:16]}{fitted_by}"
        return version

    def _decide(
        self,
        node: Node,
        fingerprint: str,
        parts: Mapping[str, str],
        found: Analysis,
        record: Made | None,
    ) -> tuple[Made | None, str]:
        """Return the record whose outputs can be taken over, if any, and why (not)."""
        if not self._request.skips:
            return None, "skipping is off"
        if not self._stored(node):
            return None, ""
        if record and record.fingerprint == fingerprint:
            if not (missing := self._missing(node, record)):
                return record, UNCHANGED
            return None, f"output missing: {missing}"
        if text := self._stores.find_made(fingerprint):
            earlier = Made.from_json(text)
            if not self._missing(node, earlier):
                taken = replace(earlier, parts=parts, code=found.code, analysis=found.to_json())
                return taken, f"done by run {earlier.run_id}"
        return None, self._why(record, parts, found)

    def _why(self, record: Made | None, parts: Mapping[str, str], found: Analysis) -> str:
        if record is None:
            return "never made"
        return cause_of(record.parts, parts, record.code, found.code) or "its record is incomplete"

    def _stored(self, node: Node) -> list[str]:
        return [name for name in node.outputs if self._catalog.kinds[name] != "memory"]

    def _missing(self, node: Node, record: Made) -> str:
        """Name the first output that a record promises and that is not there any more."""
        for name in {*self._stored(node), *record.outputs}:
            version = record.outputs.get(name)
            commit = f"{record.run_id}/{node.name}"
            if version is None or not self._stores.is_there(name, version, self._spark, commit):
                return f"{name} {version or ''}".strip()
        return ""

    def _with_lazy_nodes(self, planned: Mapping[str, PlannedNode]) -> tuple[PlannedNode, ...]:
        """Let a node that keeps outputs in memory run if a node that runs reads them."""
        decided: dict[str, PlannedNode] = {}
        readers: dict[str, str] = {}
        for node in reversed(self._request.graph.order()):
            own = planned[node.name]
            wanted = [readers[n] for n in node.outputs if n in readers and self._is_lazy(n)]
            if own.action == "skip" and wanted:
                own = replace(own, action="run", cause=f"needed by {wanted[0]}", taken=None)
            elif not self._stored(node):
                own = self._lazy(own, wanted)
            if own.action == "run":
                readers |= dict.fromkeys(node.inputs, node.name)
            decided[node.name] = own
        return tuple(decided[node.name] for node in self._request.graph.order())

    def _lazy(self, own: PlannedNode, wanted: Collection[str]) -> PlannedNode:
        if not wanted and self._request.skips:
            return replace(own, action="skip", cause="nothing that runs needs it")
        record = self._released.get(own.node.name)
        changed = cause_of(record.parts, own.parts, record.code, own.code) if record else ""
        needed = f"needed by {next(iter(wanted))}" if wanted else own.cause
        return replace(own, action="run", cause=changed or needed)

    def _is_lazy(self, name: str) -> bool:
        return self._catalog.kinds[name] == "memory"


def _told(error: Exception, node: Node) -> PenstockError:
    told = translate(error, f"Node '{node.name}'", node)
    if node.kind == "transform" and not isinstance(error, PenstockError | AnalysisException):
        return type(told)(
            f"{told} It was called on empty tables, to learn its columns: a function that looks at "
            "rows is a Solve."
        )
    return told


def _together(faults: list[PenstockError]) -> PenstockError:
    if len(faults) == 1:
        return faults[0]
    listed = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(faults, start=1))
    return type(faults[0])(f"{len(faults)} faults, and nothing was run:\n{listed}")
