"""The kinds of node: what each reads, what its function gets, what it writes.

Nodes are values; what the engine does with a kind is in `execution.py`. Nothing here needs Spark.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from penstock.errors import GraphError, did_you_mean
from penstock.source.closure import source_of

Names = str | tuple[str, ...]

TABLES = ("delta", "memory", "csv", "parquet", "range")
MODELS = ("model", "alias")
EVERYTHING = (*TABLES, *MODELS, "report")


def as_tuple(names: Names) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


@dataclass(frozen=True, init=False)
class Node:
    """One step of a graph. Write the subclasses, not this.

    Attributes:
        kind: What the engine does with the node.
        takes: Catalog kinds its inputs may have, by position; the last holds for all that follow.
        writes: Catalog kinds its outputs may have.
        function: The stage function; None where the engine itself does the work.
        inputs: Datasets it reads, in the order of the function's positional arguments.
        outputs: Datasets it writes, in the order the function returns them.
        tags: Words to select it by (`tag:nightly`).
        reads: For Measure and Solve, whose functions the planner cannot look into: input table to
            the DDL of the columns the function reads of it. What is declared is checked by `plan`
            and is all that the function gets to see: the engine selects these columns.
    """

    kind: ClassVar[str] = ""
    takes: ClassVar[tuple[tuple[str, ...], ...]] = (EVERYTHING,)
    writes: ClassVar[tuple[str, ...]] = ()

    function: Callable[..., Any] | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    tags: tuple[str, ...]
    reads: Mapping[str, str] = field(hash=False)

    def __init__(
        self,
        function: Callable[..., Any] | None,
        inputs: Names,
        outputs: Names,
        name: str = "",
        *,
        tags: Names = (),
        reads: Mapping[str, str] | None = None,
    ) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "inputs", as_tuple(inputs))
        object.__setattr__(self, "outputs", as_tuple(outputs))
        object.__setattr__(self, "name", name or getattr(function, "__name__", ""))
        object.__setattr__(self, "tags", as_tuple(tags))
        object.__setattr__(self, "reads", dict(reads or {}))

    @property
    def stage_function(self) -> Callable[..., Any]:
        """The function of a node whose kind has one."""
        assert self.function is not None
        return self.function

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the function's keyword-only arguments."""
        return tuple(p.name for p in self._signature() if p.kind is p.KEYWORD_ONLY)

    @property
    def code(self) -> Mapping[str, str]:
        """Hashes of all code that its function reaches, by name; none for the engine's own work."""
        return source_of(self.function).functions if self.function else {}

    def to_json(self) -> dict[str, Any]:
        """Return the node as plain values."""
        words = {"inputs": self.inputs, "outputs": self.outputs, "tags": self.tags}
        return {"name": self.name, "kind": self.kind, **{k: list(v) for k, v in words.items()}}

    def check_arity(self) -> None:
        """Hold the number of inputs and outputs against the kind and the function's arguments.

        Raises:
            GraphError: They differ.
        """
        if self.kind == "fit" and not (self.inputs and len(self.outputs) == 1):
            raise GraphError(
                f"Node '{self.name}' (fit) reads {list(self.inputs)} and writes "
                f"{list(self.outputs)}; a fit node reads a table, and models and reports behind "
                "it, and writes one model."
            )
        if self.function is None:
            return
        in_order = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = [p.name for p in self._signature() if p.kind in in_order]
        wanted = [] if self.kind == "fit" else list(self.inputs)
        if len(positional) != len(wanted):
            raise GraphError(
                f"Node '{self.name}' hands {len(wanted)} input(s) {wanted} to "
                f"{self.function.__name__}, which takes {len(positional)}: {positional}. "
                "Positional arguments are data, keyword-only arguments are parameters."
            )

    def check_reads(self) -> None:
        """Hold the declared `reads` against the node's inputs.

        Raises:
            GraphError: A dataset that is no input, or a kind of node that declares none.
        """
        if self.reads and self.kind not in ("measure", "solve"):
            raise GraphError(
                f"Node '{self.name}' ({self.kind}) declares reads=; only measure and solve nodes "
                "do, the planner sees for itself what the others read. Take it out."
            )
        for name in self.reads:
            if name not in self.inputs:
                raise GraphError(
                    f"Node '{self.name}' declares reads= of '{name}', which is none of its inputs."
                    f"{did_you_mean(name, self.inputs)}"
                )

    def _signature(self) -> Iterable[inspect.Parameter]:
        return inspect.signature(self.function).parameters.values() if self.function else ()


class Transform(Node):
    """DataFrames in, DataFrame(s) out; the engine checks the contract and writes the table.

    A report among its inputs makes it wait for that report: a gate's verdict holds it back.
    """

    kind = "transform"
    takes = ((*TABLES, "report"),)
    writes = ("delta", "memory")


class Fit(Node):
    """The function returns an unfitted estimator; the engine fits it on the one input table.

    Models and reports behind the table are handed to its method `begin_from`, in that order.
    """

    kind = "fit"
    takes = (TABLES, (*MODELS, "report"))
    writes = ("model",)


class Apply(Node):
    """Transform a table by a model or alias; adds the column `model_version`."""

    kind = "apply"
    takes = (MODELS, TABLES)
    writes = ("delta", "memory")

    def __init__(self, model: str, table: str, output: str, *, tags: Names = ()) -> None:
        name = f"apply_{model}_to_{table}"
        super().__init__(None, (model, table), output, name, tags=tags)


class Measure(Node):
    """The function returns `Evidence`: metrics, tables and figures for people."""

    kind = "measure"
    writes = ("report",)


class Gate(Node):
    """The function returns the reasons to say no; an empty list lets pass what hangs behind."""

    kind = "gate"
    takes = (("report",),)
    writes = ("report",)


class Deploy(Node):
    """Move an alias to a model version once everything in `after` is there."""

    kind = "deploy"
    takes = (MODELS, EVERYTHING)
    writes = ("alias",)

    def __init__(self, model: str, alias: str, after: Names, *, tags: Names = ()) -> None:
        inputs = (model, *as_tuple(after))
        super().__init__(None, inputs, alias, f"deploy_{alias}", tags=tags)


class Solve(Node):
    """Tables and `Evidence` out; the function may run Spark jobs of its own."""

    kind = "solve"
    writes = ("delta", "memory", "report")
