"""The workbench: what the nodes of one run share, and where each finds what it reads."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from penstock.engine.graph import Graph
from penstock.evidence import Evidence
from penstock.store.catalog import Catalog
from penstock.store.checkpoint import Checkpoint
from penstock.store.models import NO_MODEL, ModelVersion, Registry
from penstock.store.reports import read_report

Value = DataFrame | ModelVersion | Evidence | None  # None: a model that need not be there


@dataclass
class Workbench:
    """What the nodes of one run share: where things lie, and what has been made so far.

    Attributes:
        sources: Dataset from outside the run to the version the plan reads it at.
        fingerprints: Node to what it is known by.
        made: Dataset to the version this run wrote or took over.
        tracked: Node to its MLflow run.
    """

    spark: SparkSession
    graph: Graph
    params: Mapping[str, Mapping[str, Any]]
    catalog: Catalog
    registry: Registry
    run_id: str
    sources: Mapping[str, str | None]
    fingerprints: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)
    tracked: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Value] = field(default_factory=dict)
    _fitted: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def value(self, name: str) -> Value:
        """Return a dataset's value: made in this run, else as released, else the file itself."""
        with self._lock:
            if name not in self._values:
                self._values[name] = self._read(name)
            return self._values[name]

    def fitted(self, model: ModelVersion) -> Any:
        """Return the fitted model of a version; it is loaded once, whoever asks."""
        with self._lock:
            if model.label not in self._fitted:
                self._fitted[model.label] = self.registry.load(model)
            return self._fitted[model.label]

    def checkpoint(self, node: str) -> Checkpoint:
        """Return what a run that stopped half-way has kept of the same work on a node."""
        folder = self.catalog.home.checkpoints / f"{self.graph.name}.{node}"
        return Checkpoint(folder / self.fingerprints[node])

    def put(self, name: str, value: Value, version: str | None) -> None:
        """Hand a value to the nodes that read it."""
        with self._lock:
            self._values[name] = value
            if version is not None:
                self.made[name] = version

    def version(self, name: str) -> str | None:
        """Return the version this run reads of a dataset; None for memory and remote files."""
        return self.made.get(name) or self.sources.get(name)

    def _read(self, name: str) -> Value:
        kind = self.catalog.kinds[name]
        version = self.version(name)
        if kind == "delta":
            return self.catalog.delta(name).read(self.spark, version)
        if name in self.catalog.files:
            return self.catalog.read_file(self.spark, name)
        assert version is not None  # what was never released is refused by the plan
        if kind == "report":
            return read_report(self.catalog.home, version, name)
        if version == NO_MODEL:
            return None
        return ModelVersion(self.catalog.model_name(name), version)
