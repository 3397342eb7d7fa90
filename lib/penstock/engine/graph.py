"""The graph: which function feeds which. Building one checks it; nothing here needs Spark.

A dataset is a name; a node is a pure function between datasets; a graph is a tuple of nodes.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from penstock.engine.contract import Contract
from penstock.errors import GraphError, did_you_mean

Names = str | tuple[str, ...]


def _as_tuple(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


@dataclass(frozen=True, init=False)
class Node:
    """One step of a graph. Write the subclasses, not this.

    Attributes:
        kind: What the engine does with the node.
        writes: Catalog kinds its outputs may have.
        function: The stage function; None where the engine itself does the work.
        inputs: Datasets it reads, in the order of the function's positional arguments.
        outputs: Datasets it writes, in the order the function returns them.
    """

    kind: ClassVar[str] = ""
    writes: ClassVar[tuple[str, ...]] = ()

    function: Callable[..., Any] | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str

    def __init__(
        self,
        function: Callable[..., Any] | None,
        inputs: Names,
        outputs: Names,
        name: str = "",
    ) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "inputs", _as_tuple(inputs))
        object.__setattr__(self, "outputs", _as_tuple(outputs))
        object.__setattr__(self, "name", name or getattr(function, "__name__", ""))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the function's keyword-only arguments."""
        return tuple(p.name for p in self._signature() if p.kind is p.KEYWORD_ONLY)

    def check_arity(self) -> None:
        """Hold the number of inputs against the function's positional arguments.

        Raises:
            GraphError: They differ.
        """
        if self.function is None:
            return
        positional = [
            p.name
            for p in self._signature()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        wanted = [] if self.kind == "fit" else list(self.inputs)
        if len(positional) != len(wanted):
            raise GraphError(
                f"Node '{self.name}' hands {len(wanted)} input(s) {wanted} to "
                f"{self.function.__name__}, which takes {len(positional)}: {positional}. "
                "Positional arguments are data, keyword-only arguments are parameters."
            )

    def _signature(self) -> Iterable[inspect.Parameter]:
        return inspect.signature(self.function).parameters.values() if self.function else ()


class Transform(Node):
    """DataFrames in, DataFrame(s) out; the engine checks the contract and writes the table."""

    kind = "transform"
    writes = ("delta", "memory")


class Fit(Node):
    """The function returns an unfitted estimator; the engine fits it on the input table."""

    kind = "fit"
    writes = ("model",)


class Apply(Node):
    """Transform a table by a model or alias; adds the column `model_version`."""

    kind = "apply"
    writes = ("delta", "memory")

    def __init__(self, model: str, table: str, output: str) -> None:
        super().__init__(None, (model, table), output, name=f"apply_{model}_to_{table}")


class Measure(Node):
    """The function returns `Evidence`: metrics, tables and figures for people."""

    kind = "measure"
    writes = ("report",)


class Gate(Node):
    """The function returns the reasons to say no; an empty list lets pass what hangs behind."""

    kind = "gate"
    writes = ("report",)


class Deploy(Node):
    """Move an alias to a model version once everything in `after` is there."""

    kind = "deploy"
    writes = ("alias",)

    def __init__(self, model: str, alias: str, after: Names) -> None:
        super().__init__(None, (model, *_as_tuple(after)), alias, name=f"deploy_{alias}")


class Solve(Node):
    """Tables and `Evidence` out; the function may run Spark jobs of its own."""

    kind = "solve"
    writes = ("delta", "memory", "report")


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
        jobs: Command to the slice it runs.

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
        self._check_names()
        self.order()

    def _check_names(self) -> None:
        known = self.datasets
        for name in (
            *self.contracts,
            *(n for s in self.jobs.values() for n in s.targets + s.given),
        ):
            if name not in known:
                raise GraphError(
                    f"Graph '{self.name}' names the dataset '{name}' in its contracts or jobs, but "
                    f"no node reads or writes it.{did_you_mean(name, known)}"
                )

    @property
    def producers(self) -> dict[str, Node]:
        """Dataset to the node that writes it."""
        return {output: node for node in self.nodes for output in node.outputs}

    @property
    def datasets(self) -> tuple[str, ...]:
        """All datasets that nodes read or write, in order of appearance."""
        return tuple(dict.fromkeys(d for n in self.nodes for d in (*n.inputs, *n.outputs)))

    @property
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
        for name in (*targets, *given):
            if name not in self.datasets:
                raise GraphError(
                    f"Graph '{self.name}' has no dataset '{name}'."
                    f"{did_you_mean(name, self.datasets)}"
                )
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

    def _part(self, nodes: tuple[Node, ...]) -> "Graph":
        kept = {name for node in nodes for name in (*node.inputs, *node.outputs)}
        contracts = {name: c for name, c in self.contracts.items() if name in kept}
        jobs = {
            job: part
            for job, part in self.jobs.items()
            if kept.issuperset(part.targets) and kept.issuperset(part.given)
        }
        return Graph(self.name, nodes, contracts, jobs)
