"""The planner: types the graph on empty tables and decides what runs, what is skipped, and why.

It reads the last release, the logs of tables and the tracking store; it runs no Spark job and
writes nothing.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib import metadata

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from penstock.catalyst.internals import count_jobs
from penstock.engine.analysis import CLOCK, Analysis, plain
from penstock.engine.analyst import Analyst, SourceFault
from penstock.engine.failures import translate
from penstock.engine.fingerprint import MADE_BY, NEVER, digest
from penstock.engine.leak_guard import leak_faults
from penstock.engine.made import Made, records_of
from penstock.engine.nodes import MODELS, TABLES, Node
from penstock.engine.plan import Plan, PlannedNode, Request
from penstock.errors import DataError, PenstockError, together
from penstock.store.models import NO_MODEL
from penstock.store.stores import Stores


class Planner:
    """Makes one plan."""

    def __init__(self, request: Request, spark: SparkSession, stores: Stores) -> None:
        self._request, self._spark, self._stores = request, spark, stores
        self._catalog = catalog = stores.catalog
        self._released = records_of(request.base, request.whole.name)
        self._analyst = Analyst(request, spark, catalog, self._released)
        self._own_aliases = catalog.moved_beside(request.whole.sources, request.whole.producers)
        self._versions: dict[str, str | None] = {}
        self._made: dict[str, str] = {}

    def plan(self) -> Plan:
        """Analyse every node and decide on each.

        Raises:
            PenstockError: What is wrong with sources, functions, models or contracts: one fault as
                it is, several listed in one error.
        """
        clock, jobs = time.monotonic(), count_jobs(self._spark)
        faults, broken = self._open_sources()
        planned: dict[str, PlannedNode] = {}
        for node in self._request.graph.order():
            if broken.isdisjoint(node.inputs):
                try:
                    found = self._analyst.analyse(node)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    faults.append(_told(error, node))
                else:
                    planned[node.name] = self._planned(node, found)
                    continue
            broken.update(node.outputs)
        faults += leak_faults(
            planned.values(),
            self._request.whole,
            self._catalog,
            self._released,
            {name: s.names for name, s in self._analyst.columns.items() if s is not None},
        )
        if faults:
            raise together([*{str(fault): fault for fault in faults}.values()])
        return Plan(
            graph=self._request.graph,
            whole=self._request.whole,
            base=self._request.base,
            sources=self._versions,
            nodes=self._with_lazy_nodes(planned),
            ms=round(1000 * (time.monotonic() - clock)),
            spark_jobs=count_jobs(self._spark) - jobs,
        )

    def _open_sources(self) -> tuple[list[PenstockError], set[str]]:
        faults: list[PenstockError] = []
        broken: set[str] = set()
        for name in self._request.graph.sources:
            try:
                self._versions[name] = version = self._version(name)
                if self._catalog.kinds[name] in TABLES:
                    schema = self._catalog.source_schema(self._spark, name, version)
                    self._analyst.columns[name] = schema
                elif version and self._catalog.kinds[name] in MODELS:
                    self._stores.check_model(name, version)
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
        readers = {node.kind for node in self._request.graph.nodes if name in node.inputs}
        if name in self._request.base.pins:
            giver = self._request.whole.producers.get(name)
            # What this job moves on, or begins with, is to be what the reports speak of.
            if giver and giver.kind == "deploy" and readers & {"deploy", "fit"}:
                self._stores.check_not_outrun(name, giver.inputs[0], self._request.base.pins)
            return self._request.base.pins[name]
        if name not in self._request.whole.producers and self._catalog.kinds[name] in MODELS:
            version = self._stores.model_version(name, self._request.base.pins, self._own_aliases)
            # Nothing but a fit or a measure can do without.
            if version != NO_MODEL or readers <= {"fit", "measure"}:
                return version
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

    def _planned(self, node: Node, found: Analysis) -> PlannedNode:
        parts = self._as_before(node, self._parts(node, found))
        unknown = [n for n in node.inputs if n in self._versions and self._versions[n] is None]
        never = found.never or (f"the version of {unknown[0]} cannot be told" if unknown else "")
        sources = [text for name, text in parts.items() if name.startswith("source ")]
        if not never and (clock := next(filter(None, map(CLOCK.search, sources)), None)):
            never = f"{clock[0]} in the filter of a source"
        if never:
            parts[NEVER] = self._request.token
        planned = PlannedNode(
            node=node,
            action="run",
            cause=f"never skipped: {never}",
            fingerprint=digest(parts),
            parts=parts,
            found=found,
            versions={n: self._versions[n] for n in node.inputs if n in self._versions},
            before=self._released.get(node.name),
        )
        planned = planned if never else self._decided(planned)
        # A model fitted again is another version, and its name stands in what it scored.
        maker = planned.taken.run_id if planned.taken else self._request.token
        fitted_by = f" {maker}" if node.kind == "fit" else ""
        for name in node.outputs:
            self._made[name] = f"{MADE_BY}{planned.fingerprint[:16]}{fitted_by}"
        return planned

    def _parts(self, node: Node, found: Analysis) -> dict[str, str]:
        contracts, entries = self._request.whole.contracts, self._catalog.entries
        # A model may come from elsewhere, and no source of ours says what it computes by.
        spark = {"library pyspark": metadata.version("pyspark")} if node.kind == "apply" else {}
        parts = {"kind": node.kind, **found.parts, **spark}
        parts |= {f"setting {k}": v for k, v in self._request.settings.items()}
        parts |= {f"parameter {k}": plain(v) for k, v in self._request.params[node.name].items()}
        parts |= {f"contract {n}": repr(contracts[n]) for n in node.outputs if n in contracts}
        parts |= {f"columns {name}": ddl for name, ddl in node.reads.items()}
        for name in node.inputs:
            parts[f"input {name}"] = self._made.get(name) or self._outside(name)
            if name in self._versions and name not in self._request.whole.producers:
                parts[f"source {name}"] = self._catalog.identity(name, self._spark)
                parts |= self._stores.model_parts(name, self._versions[name])
        for name in node.outputs:
            parts[f"storage {name}"] = repr(entries[name])
        return parts

    def _as_before(self, node: Node, parts: dict[str, str]) -> dict[str, str]:
        """Return what the record has, if all that moved is what the release itself has moved.

        A candidate is measured beside the champion of its day, which may be itself by tomorrow.
        What is measured anew all the same is measured beside today's.
        """
        names = self._own_aliases & {*node.inputs} if node.kind == "measure" else ()
        own = {f"{part} {name}" for name in names for part in ("input", "source", "model")}
        record = self._released.get(node.name) if own and self._request.skips else None
        if record is None or self._missing(node, record):
            return parts
        now, then = ({k: v for k, v in p.items() if k not in own} for p in (parts, record.parts))
        return {**record.parts} if now == then else parts

    def _outside(self, name: str) -> str:
        """Return what tells one state of a dataset that this plan does not make from the next."""
        version = self._versions[name] or "unknown"
        producer = self._request.whole.producers.get(name)
        record = self._released.get(producer.name) if producer else None
        if record and record.outputs.get(name) == version:
            fitted_by = f" {record.run_id}" if producer and producer.kind == "fit" else ""
            return f"{MADE_BY}{record.fingerprint[:16]}{fitted_by}"
        return version

    def _decided(self, planned: PlannedNode) -> PlannedNode:
        """Return the node with the record whose outputs can be taken over, or why none can."""
        node, before = planned.node, planned.before
        if not self._request.skips:
            return replace(planned, cause="skipping is off")
        if not self._stored(node):
            return replace(planned, cause="")
        if before and before.fingerprint == planned.fingerprint:
            if missing := self._missing(node, before):
                return replace(planned, cause=f"output missing: {missing}")
            return replace(planned, action="skip", cause="nothing has changed", taken=before)
        if text := self._stores.find_made(planned.fingerprint):
            earlier = Made.from_json(text)
            if not self._missing(node, earlier):
                taken = replace(earlier, **planned.kept)
                cause = f"done by run {earlier.run_id}"
                return replace(planned, action="skip", cause=cause, taken=taken)
        unknown = "its record is incomplete" if before else "never made"
        return replace(planned, cause=planned.change or unknown)

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
            own, stored = planned[node.name], self._stored(node)
            wanted = [readers[n] for n in node.outputs if n in readers and n not in stored]
            if own.action == "skip" and wanted:
                own = replace(own, action="run", cause=f"needed by {wanted[0]}", taken=None)
            elif not stored:
                own = self._lazy(own, wanted)
            if own.action == "run":
                readers |= dict.fromkeys(node.inputs, node.name)
            decided[node.name] = own
        return tuple(decided[node.name] for node in self._request.graph.order())

    def _lazy(self, own: PlannedNode, wanted: Collection[str]) -> PlannedNode:
        if not wanted and self._request.skips:
            return replace(own, action="skip", cause="nothing that runs needs it")
        needed = f"needed by {next(iter(wanted))}" if wanted else own.cause
        return replace(own, action="run", cause=own.change or needed)


def _told(error: BaseException, node: Node) -> PenstockError:
    if isinstance(error, SourceFault):
        return DataError(str(error))
    told = translate(error, f"Node '{node.name}'", node)
    if node.kind == "transform" and not isinstance(error, PenstockError | AnalysisException):
        return type(told)(
            f"{told} It was called on empty tables, to learn its columns: a function that looks at "
            "rows is a Solve."
        )
    return told
