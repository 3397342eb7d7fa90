"""The graphs: which function feeds which, nothing else. One module for each."""

from importlib import import_module

from penstock.engine.graph import Graph

GRAPHS = {
    "assets": "penstock.graphs.assets",
    "credit_lines": "penstock.graphs.credit_lines",
    "lending": "penstock.graphs.lending",
    "scorecard": "penstock.graphs.scorecard",
}


def load_graph(name: str) -> Graph:
    """Return the graph called `name`, a key of `GRAPHS`."""
    graph: Graph = import_module(GRAPHS[name]).GRAPH
    return graph
