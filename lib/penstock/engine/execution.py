"""Execution of one node: get its inputs, do what its kind says, store its outputs.

What the engine does for each kind is one function here. Nothing becomes current: the release does that.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from penstock.engine.checking import (
    check_columns,
    check_rows,
    extra_columns,
    quarantine_rows,
    rule_names,
)
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph, Node
from penstock.errors import DataError, GateClosed, NodeFailed
from penstock.evidence import Evidence, Table
from penstock.store.catalog import Catalog
from penstock.store.models import ModelVersion, Registry
from penstock.store.reports import read_report, write_report

Value = DataFrame | ModelVersion | Evidence


@dataclass(frozen=True)
class Stored:
    """What storing a node's outputs left behind, for its record."""

    rows_out: dict[str, int | None] = field(default_factory=dict)
    quarantined: int = 0
    broken_rules: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class Workbench:
    """What the nodes of one run share: where things lie, and what has been made so far.

    Attributes:
        released: Dataset to its released version, as of the start of the run.
        made: Dataset to the version this run wrote or took over.
        tracked: Node to its MLflow run.
    """

    spark: SparkSession
    graph: Graph
    params: Mapping[str, Mapping[str, Any]]
    catalog: Catalog
    registry: Registry
    run_id: str
    released: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)
    tracked: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Value] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def value(self, name: str) -> Value:
        """Return a dataset's value: made in this run, else as released, else the file itself."""
        with self._lock:
            if name not in self._values:
                self._values[name] = self._read(name)
            return self._values[name]

    def put(self, name: str, value: Value, version: str | None) -> None:
        """Hand a value to the nodes that read it."""
        with self._lock:
            self._values[name] = value
            if version is not None:
                self.made[name] = version

    def version(self, name: str) -> str | None:
        """Return the version this run reads of a dataset; None for memory and remote files."""
        if name in self.catalog.files:
            return self.catalog.file_version(name)
        return self.made.get(name) or self.released.get(name) or self._outside(name)

    def _read(self, name: str) -> Value:
        kind = self.catalog.kinds[name]
        version = self.version(name)
        if kind == "delta":
            table = self.catalog.delta(name).read(self.spark, version)
        elif name in self.catalog.files:
            table = self.catalog.read_file(self.spark, name)
        elif version is None:
            raise DataError(
                f"'{name}' has never been released. Run the job that makes it, or `run`, first."
            )
        elif kind == "report":
            return read_report(self.catalog.home, version, name)
        else:
            return ModelVersion(self.catalog.model_name(name), version)
        if name in self.graph.contracts:
            check_columns(table, self.graph.contracts[name], name, self.catalog.location(name))
        return table

    def _outside(self, name: str) -> str | None:
        """A Delta table that penstock does not make is read at its newest version."""
        if self.catalog.kinds[name] != "delta" or name in self.graph.producers:
            return None
        latest = self.catalog.delta(name).latest_version(self.spark)
        return None if latest is None else str(latest)


def execute(node: Node, bench: Workbench) -> Stored:
    """Do a node: the one place that knows what each kind means."""
    return _BY_KIND[node.kind](node, bench)


def _run_function(node: Node, bench: Workbench) -> Stored:
    """Transform, Measure, Solve: the function makes the values, the catalog kind says what to do."""
    assert node.function is not None
    values = [bench.value(name) for name in node.inputs]
    made = node.function(*values, **bench.params[node.name])
    outputs = made if isinstance(made, tuple) else (made,)
    if len(outputs) != len(node.outputs):
        raise NodeFailed(
            f"{node.function.__name__} returned {len(outputs)} value(s) for the outputs "
            f"{', '.join(node.outputs)}. Return one for each, in that order."
        )
    parts = [
        _store(node, name, value, bench) for name, value in zip(node.outputs, outputs, strict=True)
    ]
    return _together(parts, notes=_unused_columns(node, bench))


def _fit(node: Node, bench: Workbench) -> Stored:
    assert node.function is not None
    [table_name], [output] = node.inputs, node.outputs
    table = _table(bench.value(table_name))
    estimator = node.function(**bench.params[node.name])
    fitted = estimator.fit(table)
    model = bench.registry.save(
        fitted, bench.catalog.model_name(output), run_id=bench.tracked[node.name], example=table
    )
    facts = {"run": bench.run_id, "trained_on": f"{table_name}@{bench.version(table_name)}"}
    bench.registry.tag(model, facts)
    bench.put(output, model, model.version)
    return Stored(versions={output: model.version}, notes=(model.label,))


def _apply(node: Node, bench: Workbench) -> Stored:
    (model_name, table_name), [output] = node.inputs, node.outputs
    model, table = bench.value(model_name), _table(bench.value(table_name))
    assert isinstance(model, ModelVersion)
    scored = bench.registry.load(model).transform(table)
    return _store(node, output, scored.withColumn("model_version", F.lit(model.label)), bench)


def _gate(node: Node, bench: Workbench) -> Stored:
    assert node.function is not None
    reports = [bench.value(name) for name in node.inputs]
    reasons = list(node.function(*reports, **bench.params[node.name]))
    verdict = Evidence(
        metrics={"passed": float(not reasons)},
        tables={"reasons": Table("Why the gate is closed", ("reason",), tuple((r,) for r in reasons))},
    )
    stored = _store(node, node.outputs[0], verdict, bench)
    if reasons:
        raise GateClosed(f"The candidate may not pass: {'; '.join(reasons)}.")
    return stored


def _deploy(node: Node, bench: Workbench) -> Stored:
    """Choose the version the alias will have; the release moves it."""
    model, [alias] = bench.value(node.inputs[0]), node.outputs
    assert isinstance(model, ModelVersion)
    for name in node.inputs[1:]:
        evidence = bench.value(name)
        if isinstance(evidence, Evidence):
            facts = {f"{name}.{k}": f"{v:.6g}" for k, v in evidence.metrics.items() if v is not None}
            bench.registry.tag(model, facts)
    bench.put(alias, model, model.version)
    return Stored(versions={alias: model.version}, notes=(f"{model.label} becomes {alias}",))


_BY_KIND: dict[str, Callable[[Node, Workbench], Stored]] = {
    "transform": _run_function,
    "measure": _run_function,
    "solve": _run_function,
    "fit": _fit,
    "apply": _apply,
    "gate": _gate,
    "deploy": _deploy,
}


def _store(node: Node, name: str, value: Any, bench: Workbench) -> Stored:
    if isinstance(value, Evidence):
        write_report(bench.catalog.home, bench.run_id, name, value)
        bench.put(name, value, bench.run_id)
        return Stored(versions={name: bench.run_id}, metrics=value.metrics)
    if not isinstance(value, DataFrame):
        raise NodeFailed(
            f"The function of '{node.name}' returned {type(value).__name__} for '{name}'; "
            "it must return a DataFrame (or Evidence for a report)."
        )
    if bench.catalog.kinds[name] == "memory":
        bench.put(name, value, None)
        return Stored(rows_out={name: None})
    return _write_table(node, name, value, bench)


def _write_table(node: Node, name: str, df: DataFrame, bench: Workbench) -> Stored:
    contract = bench.graph.contracts.get(name, Contract(columns=""))
    location = bench.catalog.location(name)
    if contract.columns:
        check_columns(df, contract, name, location)
        checked = check_rows(df, contract)
        counts, good = checked.counts, checked.good
    else:
        counts, checked = Observation(), None
        good = df.observe(counts, F.count(F.lit(1)).alias("rows"), F.lit(0).alias("broken"))
    commit = f"{bench.run_id}/{node.name}/{name}"
    table = bench.catalog.delta(name)
    version = table.replace(good, commit=commit)
    rows, broken = counts.get["rows"], counts.get["broken"]
    by_rule: dict[str, int] = {}
    versions = {name: version}
    if broken and checked:
        by_rule, versions = _quarantine(node, name, checked.checked, broken, bench, versions)
    if rows - broken < contract.min_rows:
        raise DataError(
            f"'{name}' would have {rows - broken} rows, and its contract asks for at least "
            f"{contract.min_rows}: {rows} rows came in, {broken} broke a rule"
            f"{_worst(by_rule)}. Look at the source of '{node.name}'."
        )
    bench.put(name, table.read(bench.spark, version), version)
    for quarantine in versions.keys() - {name}:
        bench.put(quarantine, bench.catalog.delta(quarantine).read(bench.spark, versions[quarantine]),
                  versions[quarantine])  # fmt: skip
    return Stored({name: rows - broken}, broken, by_rule, versions)


def _quarantine(
    node: Node, name: str, checked: DataFrame, broken: int, bench: Workbench, versions: dict[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    contract = bench.graph.contracts[name]
    rows, tally = quarantine_rows(checked, rule_names(contract), source=name, run_id=bench.run_id)
    if not contract.quarantine:
        example = rows.limit(1).collect()[0]
        raise DataError(
            f"{broken} row(s) of '{name}' break its contract, e.g. {', '.join(example.broken_rules)}: "
            f"{example.row[:300]}. Mend them at the source of '{node.name}'."
        )
    commit = f"{bench.run_id}/{node.name}/{contract.quarantine}"
    version = bench.catalog.delta(contract.quarantine).replace(rows, commit=commit)
    by_rule = {rule: n for rule, n in tally.get.items() if n and rule != "*"}
    if tally.get["*"] != broken:
        raise NodeFailed(
            f"{broken} rows of '{name}' were broken when it was written and {tally.get['*']} when "
            "they were put aside: its source changed in between. Run again on a source at rest."
        )
    return by_rule, {**versions, contract.quarantine: version}


def _worst(by_rule: Mapping[str, int]) -> str:
    if not by_rule:
        return ""
    rule = max(by_rule, key=lambda r: by_rule[r])
    return f", most often '{rule}' ({by_rule[rule]})"


def _table(value: Value) -> DataFrame:
    assert isinstance(value, DataFrame)
    return value


def _unused_columns(node: Node, bench: Workbench) -> tuple[str, ...]:
    notes = []
    for name in node.inputs:
        if name in bench.catalog.files and name in bench.graph.contracts:
            extra = extra_columns(_table(bench.value(name)), bench.graph.contracts[name])
            if extra:
                notes.append(f"{len(extra)} columns of {name} are not used: {', '.join(extra)}")
    return tuple(notes)


def _together(parts: list[Stored], notes: tuple[str, ...]) -> Stored:
    return Stored(
        rows_out={k: v for part in parts for k, v in part.rows_out.items()},
        quarantined=sum(part.quarantined for part in parts),
        broken_rules={k: v for part in parts for k, v in part.broken_rules.items()},
        versions={k: v for part in parts for k, v in part.versions.items()},
        metrics={k: v for part in parts for k, v in part.metrics.items()},
        notes=notes,
    )
