"""The graph: which function feeds which. Building one checks it; nothing here needs Spark.

A dataset is a name; a node is a pure function between datasets; a graph is a tuple of nodes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from penstock.engine.contract import Contract
from penstock.engine.nodes import Node
from penstock.errors import GraphError, did_you_mean


@dataclass(frozen=True)
class Slice:
    """A part of a graph by its ends: what to make, and what to take as it was last released."""

    targets: tuple[str, ...]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A checked data-flow graph.

    Attributes:
        nodes: In the order of the page; `order` sorts them for running.
        contracts: Dataset to the contract its rows must keep.
        jobs: Command to the slice it runs; without one for `run`, that runs all of it.

    Raises:
        GraphError: Two nodes of one name, two producers of one dataset, a cycle (its path is
            printed), inputs that do not fit a function's signature, or an unknown name.
    """

    name: str
    nodes: tuple[Node, ...]
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    jobs: Mapping[str, Slice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names: set[str] = set()
        producer: dict[str, Node] = {}
        for node in self.nodes:
            if node.name in names:
                raise GraphError(f"Two nodes are called '{node.name}'. Give one of them a name=.")
            names.add(node.name)
            for output in node.outputs:
                if output in producer:
                    raise GraphError(
                        f"Dataset '{output}' is written by two nodes, "
                        f"'{producer[output].name}' and '{node.name}'. Each dataset has one "
                        "producer: rename one output."
                    )
                producer[output] = node
            node.check_arity()
            node.check_reads()
        self._check_names()
        self.order()

    def _check_names(self) -> None:
        ends = [name for job in self.jobs.values() for name in job.targets + job.given]
        for name in (*self.contracts, *ends):
            if name not in self.datasets:
                raise GraphError(
                    f"Graph '{self.name}' names the dataset '{name}' in its contracts or jobs, but "
                    f"no node reads or writes it.{did_you_mean(name, self.datasets)}"
                )

    @cached_property
    def producers(self) -> dict[str, Node]:
        """Dataset to the node that writes it."""
        return {output: node for node in self.nodes for output in node.outputs}

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """All datasets that nodes read or write, in order of appearance."""
        return tuple(dict.fromkeys(d for n in self.nodes for d in (*n.inputs, *n.outputs)))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Datasets that are read but not written: they must exist before the run."""
        return tuple(d for d in self.datasets if d not in self.producers)

    def order(self) -> tuple[Node, ...]:
        """Return the nodes so that each stands behind those it reads from; ties keep page order.

        Raises:
            GraphError: A cycle, with its path.
        """
        producers = self.producers
        ordered: dict[str, Node] = {}
        path: list[str] = []

        def visit(node: Node) -> None:
            if node.name in ordered:
                return
            if node.name in path:
                cycle = " -> ".join([*path[path.index(node.name) :], node.name])
                raise GraphError(f"The graph runs in a circle: {cycle}. Cut one of these edges.")
            path.append(node.name)
            for name in node.inputs:
                if name in producers:
                    visit(producers[name])
            path.pop()
            ordered[node.name] = node

        for node in self.nodes:
            visit(node)
        return tuple(ordered.values())

    def upto(self, targets: Iterable[str], given: Collection[str] = ()) -> "Graph":
        """Return the part of the graph that makes `targets` when `given` is there already.

        Raises:
            GraphError: A target or given dataset that the graph does not know.
        """
        targets = tuple(targets)
        self._refuse_unknown("dataset", (*targets, *given), self.datasets)
        producers = self.producers
        needed: set[str] = set()
        open_datasets = [name for name in targets if name not in given]
        while open_datasets:
            node = producers.get(open_datasets.pop())
            if node is None or node.name in needed:
                continue
            needed.add(node.name)
            open_datasets += [name for name in node.inputs if name not in given]
        return self._part(tuple(node for node in self.nodes if node.name in needed))

    def only(self, names: Collection[str]) -> "Graph":
        """Return the part of the graph with exactly the nodes called `names`.

        Raises:
            GraphError: A name that no node has.
        """
        self._refuse_unknown("node", names, [node.name for node in self.nodes])
        return self._part(tuple(node for node in self.nodes if node.name in names))

    def fed_by(self, files: Collection[str]) -> "Graph":
        """Return the graph for a catalog that has `files`: the nodes that make them are cut."""
        kept = tuple(node for node in self.nodes if not set(node.outputs) & set(files))
        return self._part(kept)

    def behind(self, datasets: Collection[str]) -> tuple[Node, ...]:
        """Return the nodes that need, directly or not, one of `datasets`, in running order."""
        reached = set(datasets)
        nodes = []
        for node in self.order():
            if reached.intersection(node.inputs):
                reached.update(node.outputs)
                nodes.append(node)
        return tuple(nodes)

    def _refuse_unknown(self, what: str, names: Iterable[str], known: Collection[str]) -> None:
        for name in names:
            if name not in known:
                raise GraphError(
                    f"Graph '{self.name}' has no {what} '{name}'.{did_you_mean(name, known)}"
                )

    def _part(self, nodes: tuple[Node, ...]) -> "Graph":
        kept = {name for node in nodes for name in (*node.inputs, *node.outputs)}
        contracts = {name: c for name, c in self.contracts.items() if name in kept}
        jobs = {
            job: part
            for job, part in self.jobs.items()
            if kept.issuperset(part.targets) and kept.issuperset(part.given)
        }
        return Graph(self.name, nodes, contracts, jobs)
