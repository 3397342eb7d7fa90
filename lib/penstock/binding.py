"""The graph held against the configuration: its datasets, and a value for each parameter."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from penstock.annotations import check_annotations
from penstock.engine.graph import Graph
from penstock.engine.nodes import MODELS, TABLES, Node
from penstock.errors import ConfigError, GraphError, did_you_mean
from penstock.keys import Steps, key_text

# Catalog kinds that an argument of a stage function can stand for, by the name of its type.
_ANNOTATED = {"DataFrame": TABLES, "Evidence": ("report",), "PipelineModel": MODELS}


def check_catalog(graph: Graph, kinds: Mapping[str, str]) -> None:
    """Hold the graph's datasets against the catalog: each is listed, and of a kind that fits.

    This is the type of the edges that carry no table: a model where a table belongs, or a table
    where a report belongs, is found without Spark.

    Args:
        kinds: Dataset to its catalog kind.

    Raises:
        GraphError: An unlisted dataset, with the nearest known name, a kind its node does not
            read or write, or a quarantine that is not one contract's alone.
    """
    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            if name not in kinds:
                raise GraphError(
                    f"Node '{node.name}' uses '{name}', which the catalog does not list."
                    f"{did_you_mean(name, kinds)}"
                )
        for place, name in enumerate(node.inputs):
            taken = node.takes[min(place, len(node.takes) - 1)]
            _check_kind(node, "reads", name, kinds[name], taken)
        _check_annotations(node, kinds)
        for name in node.reads:
            _check_kind(node, "declares reads= of", name, kinds[name], TABLES)
        for name in node.outputs:
            _check_kind(node, "writes", name, kinds[name], node.writes)
    for name, contract in graph.contracts.items():
        if kinds.get(name) == "memory" and (contract.checks or contract.key or contract.min_rows):
            raise GraphError(
                f"'{name}' is kept in memory, where the rules of its contract are not checked. "
                f"Make catalog.{name} a delta table, or take key, checks and min_rows away."
            )
    _check_quarantines(graph, kinds)


def _check_quarantines(graph: Graph, kinds: Mapping[str, str]) -> None:
    writers = {name: f"node '{node.name}'" for name, node in graph.producers.items()}
    quarantines = {name: c.quarantine for name, c in graph.contracts.items() if c.quarantine}
    for name, table in quarantines.items():
        if kinds.get(table) != "delta":
            raise GraphError(
                f"The contract of '{name}' sends rows to '{table}', which the catalog does not "
                f"list as a delta table.{did_you_mean(table, kinds)}"
            )
        if table in writers:
            raise GraphError(
                f"The contract of '{name}' sends rows to '{table}', which {writers[table]} writes "
                "too: each would replace the other's rows. Give it a quarantine of its own."
            )
        writers[table] = f"the contract of '{name}'"
        if readers := [node.name for node in graph.nodes if table in node.inputs]:
            raise GraphError(
                f"Node '{readers[0]}' reads '{table}', where the contract of '{name}' puts rows "
                "aside: it would get those of an earlier release. Let a graph of its own read them."
            )


def _check_kind(node: Node, verb: str, dataset: str, kind: str, allowed: tuple[str, ...]) -> None:
    if kind not in allowed:
        choice = " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
        raise GraphError(
            f"Node '{node.name}' ({node.kind}) {verb} '{dataset}', which the catalog lists as "
            f"{kind}. A node of kind {node.kind} {verb} {choice} there."
        )


def _check_annotations(node: Node, kinds: Mapping[str, str]) -> None:
    given = signature(node.function).parameters.values() if node.function else ()
    for argument, name in zip(given, node.inputs if node.kind != "fit" else (), strict=False):
        declared = getattr(argument.annotation, "__name__", str(argument.annotation))
        wanted = _ANNOTATED.get(declared.rpartition(".")[2], (kinds[name],))
        if kinds[name] not in wanted:
            raise GraphError(
                f"Node '{node.name}' ({node.kind}) reads '{name}', which the catalog lists as "
                f"{kinds[name]}; its function takes {declared} there: {' or '.join(wanted)}."
            )


def bind_parameters(
    graph: Graph,
    params: Mapping[str, Mapping[str, Any]],
    told: Callable[[Steps], str] = key_text,
) -> dict[str, dict[str, Any]]:
    """Give each node the values of its function's keyword-only arguments.

    A value comes from the section of the node's name, else of the function's name; what the
    section lacks comes from `common`. It is of the type that the function says, within its limits.

    Args:
        told: How an error names what stands at a key of the configuration.

    Returns:
        Node name to keyword arguments.

    Raises:
        ConfigError: A parameter without a value, a value without a parameter, or one that is not
            as the function's annotation has it.
    """
    common = params.get("common", {})
    bound: dict[str, dict[str, Any]] = {}
    for node in graph.nodes:
        section_name = node.name if node.name in params else getattr(node.function, "__name__", "")
        section = params.get(section_name) or {}
        for key in section:
            if key not in node.parameters:
                raise ConfigError(
                    f"{told(('params', section_name, key))}: the function of node '{node.name}' "
                    f"has no such parameter.{did_you_mean(key, node.parameters)}"
                )
        values = {k: v for k, v in {**common, **section}.items() if k in node.parameters}
        missing = [key for key in node.parameters if key not in values]
        if missing:
            raise ConfigError(
                f"Node '{node.name}' needs {', '.join(missing)}; write it under "
                f"params.{section_name or node.name} in conf/base/params.yaml."
            )
        keys: dict[str, Steps] = {
            key: ("params", section_name if key in section else "common", key) for key in values
        }
        bound[node.name] = check_annotations(node.function, values, keys, told) if values else {}
    return bound
