"""Resuming: which nodes of an earlier run need not run again.

A node is taken over if it was done then, and its parameters, its code, its sources and everything
it reads from are as they were.
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from penstock.engine.binding import bind_parameters
from penstock.engine.graph import Graph, Node
from penstock.engine.record import NodeRecord
from penstock.errors import ConfigError


def code_of(node: Node) -> str:
    """Return a hash of the module that the node's function lives in; empty for the engine's own."""
    file = inspect.getsourcefile(node.function) if node.function else None
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file else ""


def take_over(
    graph: Graph,
    earlier: Mapping[str, Any],
    params: Mapping[str, Mapping[str, Any]],
    *,
    kinds: Mapping[str, str],
    version: Callable[[str], str | None],
) -> tuple[Graph, dict[str, NodeRecord]]:
    """Split a graph into what still has to run and what an earlier run has done.

    Args:
        earlier: `run.json` of the earlier run.
        params: Node to bound parameters, as of now.
        kinds: Dataset to its catalog kind.
        version: Returns the version that a dataset from outside the graph has now.

    Returns:
        The rest of the graph, and the taken-over nodes' records, marked as skipped.
    """
    records = {node["name"]: node for node in earlier["nodes"]}
    read_then = {d["name"]: d["version"] for d in earlier["datasets"] if d["role"] != "output"}
    params_then = _bound_then(graph, earlier)
    producers = graph.producers
    valid: set[str] = set()
    for node in graph.order():
        record = records.get(node.name, {})
        is_unchanged = (
            record.get("status") in ("done", "skipped")
            and record.get("code") == code_of(node)
            and _plain(params_then.get(node.name)) == _plain(params[node.name])
            and all(
                producers[name].name in valid
                if name in producers
                else read_then.get(name) == version(name)
                for name in node.inputs
            )
        )
        if is_unchanged:
            valid.add(node.name)
    taken = {
        name: replace(
            _record(records[name]),
            status="skipped",
            reason=f"done by run {earlier['run_id']}",
            ms=0,
        )
        for name in valid
        if all(output in records[name]["versions"] for output in records[name]["outputs"])
    }
    made = [output for name in taken for output in taken[name].outputs]
    to_make = [
        output
        for node in graph.nodes
        for output in node.outputs
        if node.name not in taken and kinds[output] != "memory"
    ]
    return graph.upto(to_make, made), taken


def _bound_then(graph: Graph, earlier: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        return bind_parameters(graph, earlier["config"]["params"])
    except ConfigError:
        # A parameter has come or gone since: nothing can be said to be as it was.
        return {}


def _record(document: Mapping[str, Any]) -> NodeRecord:
    lists = ("inputs", "outputs", "notes")
    values: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in document.items()}
    return NodeRecord(**values)


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
