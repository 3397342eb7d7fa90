"""Execution of one node: get its inputs, do what its kind says, store its outputs.

What the engine does for each kind is one function here. Nothing becomes current: the release does
that.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.columns import columns_in
from penstock.engine.checking import extra_columns
from penstock.engine.nodes import Node
from penstock.engine.storing import store
from penstock.engine.workbench import Value, Workbench
from penstock.errors import GateClosed, NodeFailed
from penstock.evidence import Evidence, Table
from penstock.record import Stored
from penstock.store.models import ModelVersion


def execute(node: Node, bench: Workbench) -> Stored:
    """Do a node: the one place that knows what each kind means."""
    return _BY_KIND[node.kind](node, bench)


def _run_function(node: Node, bench: Workbench) -> Stored:
    """Transform, Measure, Solve: the function makes the values, the catalog says where to."""
    given = [_given(node, name, bench) for name in node.inputs]
    made = node.stage_function(*given, **bench.params[node.name])
    outputs = made if isinstance(made, tuple) else (made,)
    if len(outputs) != len(node.outputs):
        raise NodeFailed(
            f"{node.stage_function.__name__} returned {len(outputs)} value(s) for the outputs "
            f"{', '.join(node.outputs)}. Return one for each, in that order."
        )
    parts = [
        store(node, name, value, bench) for name, value in zip(node.outputs, outputs, strict=True)
    ]
    return _together(parts, notes=_unused_columns(node, bench))


def _given(node: Node, name: str, bench: Workbench) -> Any:
    """Return an input as the function gets it: a model loaded, a table with what it reads."""
    value = bench.value(name)
    if isinstance(value, ModelVersion):
        return bench.fitted(value)
    if name in node.reads:
        return _table(value).select(*columns_in(node.reads[name]).names)
    return value


def _fit(node: Node, bench: Workbench) -> Stored:
    (table_name, *others), [output] = node.inputs, node.outputs
    table = _table(bench.value(table_name))
    estimator = node.stage_function(**bench.params[node.name])
    if others:
        estimator.begin_from(*(_given(node, name, bench) for name in others))
    if hasattr(estimator, "resume_from"):
        estimator.resume_from(bench.checkpoint(node.name))
    fitted = estimator.fit(table)
    model = bench.registry.save(
        fitted, bench.catalog.model_name(output), run_id=bench.tracked[node.name], example=table
    )
    trained_on = ", ".join(f"{name}@{bench.version(name)}" for name in node.inputs)
    bench.registry.tag(model, {"run": bench.run_id, "trained_on": trained_on})
    bench.put(output, model, model.version)
    return Stored(versions={output: model.version}, notes=(model.label,))


def _apply(node: Node, bench: Workbench) -> Stored:
    (model_name, table_name), [output] = node.inputs, node.outputs
    model, table = bench.value(model_name), _table(bench.value(table_name))
    assert isinstance(model, ModelVersion)
    scored = bench.fitted(model).transform(table)
    return store(node, output, scored.withColumn("model_version", F.lit(model.label)), bench)


def _gate(node: Node, bench: Workbench) -> Stored:
    reasons = node.stage_function(*map(bench.value, node.inputs), **bench.params[node.name])
    if not isinstance(reasons, list):
        raise NodeFailed(
            f"{node.stage_function.__name__} returned {type(reasons).__name__}; a Gate function "
            "returns a list of reasons, empty to let pass."
        )
    why = Table("Why the gate is closed", ("reason",), tuple((reason,) for reason in reasons))
    verdict = Evidence({"passed": float(not reasons)}, {"reasons": why} if reasons else {})
    stored = store(node, node.outputs[0], verdict, bench)
    if reasons:
        raise GateClosed(f"The gate stays closed: {'; '.join(reasons)}.")
    return stored


def _deploy(node: Node, bench: Workbench) -> Stored:
    """Choose the version the alias will have; the release moves it."""
    model, [alias] = bench.value(node.inputs[0]), node.outputs
    assert isinstance(model, ModelVersion)
    for name in node.inputs[1:]:
        evidence = bench.value(name)
        if isinstance(evidence, Evidence):
            known = {k: v for k, v in evidence.metrics.items() if v is not None}
            bench.registry.tag(model, {f"{name}.{k}": f"{v:.6g}" for k, v in known.items()})
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


def _table(value: Value) -> DataFrame:
    assert isinstance(value, DataFrame)
    return value


def _unused_columns(node: Node, bench: Workbench) -> tuple[str, ...]:
    contracts = bench.graph.contracts
    files = [name for name in node.inputs if name in bench.catalog.files and name in contracts]
    beyond = {name: extra_columns(_table(bench.value(name)), contracts[name]) for name in files}
    return tuple(
        f"{len(columns)} columns of {name} are beyond its contract: {', '.join(columns)}"
        for name, columns in beyond.items()
        if columns
    )


def _together(parts: list[Stored], notes: tuple[str, ...]) -> Stored:
    rows_in = [part.rows_in for part in parts if part.rows_in is not None]
    return Stored(
        rows_in=sum(rows_in) if rows_in else None,
        rows_out={k: v for part in parts for k, v in part.rows_out.items()},
        quarantined=sum(part.quarantined for part in parts),
        dropped=sum(part.dropped for part in parts),
        warned=sum(part.warned for part in parts),
        broken_rules=dict(sum((Counter(part.broken_rules) for part in parts), Counter())),
        versions={k: v for part in parts for k, v in part.versions.items()},
        metrics={k: v for part in parts for k, v in part.metrics.items()},
        notes=notes,
    )
