"""The graph held against the configuration: its datasets, and a value for each parameter."""

from collections.abc import Mapping
from typing import Any

from penstock.engine.graph import Graph
from penstock.errors import ConfigError, GraphError, did_you_mean


def check_catalog(graph: Graph, kinds: Mapping[str, str]) -> None:
    """Hold the graph's datasets against the catalog: each is listed, and of a kind its node writes.

    Args:
        kinds: Dataset to its catalog kind.

    Raises:
        GraphError: An unlisted dataset, with the nearest known name, or a kind that does not fit.
    """
    for node in graph.nodes:
        for name in (*node.inputs, *node.outputs):
            if name not in kinds:
                raise GraphError(
                    f"Node '{node.name}' uses '{name}', which the catalog does not list."
                    f"{did_you_mean(name, kinds)}"
                )
        for name in node.outputs:
            if kinds[name] not in node.writes:
                raise GraphError(
                    f"Node '{node.name}' ({node.kind}) writes '{name}', which the catalog lists as "
                    f"{kinds[name]}; a {node.kind} node writes {' or '.join(node.writes)}."
                )
    for name, contract in graph.contracts.items():
        if contract.quarantine and kinds.get(contract.quarantine) != "delta":
            raise GraphError(
                f"The contract of '{name}' sends rows to '{contract.quarantine}', which the "
                f"catalog does not list as a delta table.{did_you_mean(contract.quarantine, kinds)}"
            )


def bind_parameters(
    graph: Graph, params: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Give each node the values of its function's keyword-only arguments.

    A value comes from the section of the node's name, else of the function's name; what the
    section lacks comes from `common`.

    Returns:
        Node name to keyword arguments.

    Raises:
        ConfigError: A parameter without a value, or a value without a parameter.
    """
    common = params.get("common", {})
    bound: dict[str, dict[str, Any]] = {}
    for node in graph.nodes:
        section_name = node.name if node.name in params else getattr(node.function, "__name__", "")
        section = params.get(section_name) or {}
        for key in section:
            if key not in node.parameters:
                raise ConfigError(
                    f"params.{section_name}.{key}: the function of node '{node.name}' has no "
                    f"such parameter.{did_you_mean(key, node.parameters)}"
                )
        values = {k: v for k, v in {**common, **section}.items() if k in node.parameters}
        missing = [key for key in node.parameters if key not in values]
        if missing:
            raise ConfigError(
                f"Node '{node.name}' needs {', '.join(missing)}; write it under "
                f"params.{section_name or node.name} in conf/base/params.yaml."
            )
        bound[node.name] = values
    return bound
