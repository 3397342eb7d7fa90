"""The language of `--select` and `--exclude`: which nodes of a graph are meant.

    clean_loans       the node of that name, else the one that makes the dataset of that name
    clean_*           every node and dataset so called
    tag:nightly  kind:fit  state:changed  result:failed    the nodes of which this is true
    +x  2+x           also all, or two steps of, what x is made from
    x+  x+2           also all, or two steps of, what is made from x
    a,b               what both select (binds tighter)
    a b               what either selects

No node makes a source, so it selects its readers only: `raw_loans+`. The operators mean what they
mean in dbt.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from penstock.engine.graph import Graph
from penstock.errors import UsageError, did_you_mean

_TERM = re.compile(r"((\d*)\+)?((\w+):)?([^+:]+)(\+(\d*))?")
_METHODS = ("tag", "kind", "state", "result")
_STATUSES = ("done", "failed", "skipped", "not_run")
_GRAMMAR = (
    "Write a name, tag:x, kind:x, state:changed or result:failed; + or 2+ in front, + or +2 "
    "behind; a comma without blanks for 'and', a blank for 'or'."
)


def select_nodes(
    graph: Graph,
    expression: str,
    *,
    exclude: str = "",
    changed: Collection[str] | None = None,
    results: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return the names of the nodes that `expression` selects and `exclude` does not.

    Args:
        expression: In the language of this module; empty selects every node.
        exclude: In the same language; empty excludes none.
        changed: Nodes that a plan would run; None where there is no plan.
        results: Node to its status in the latest run; None where there is no run.

    Returns:
        In running order, at least one.

    Raises:
        UsageError: A term that cannot be read, or that nothing is called by (with the nearest
            name); `state:` without a plan; `result:` without a run; no node is left.
    """
    selection = _Selection(graph, changed, results)
    selected = selection.either(expression) if expression.strip() else set(selection.names)
    selected -= selection.either(exclude)
    chosen = tuple(name for name in selection.names if name in selected)
    if not chosen:
        without = f" without '{exclude}'" if exclude.strip() else ""
        raise UsageError(
            f"The selection '{expression}'{without} holds no node of graph '{graph.name}'."
        )
    return chosen


class _Selection:
    """A graph as the language sees it: who is called what, and who stands next to whom."""

    def __init__(
        self,
        graph: Graph,
        changed: Collection[str] | None,
        results: Mapping[str, str] | None,
    ) -> None:
        self.names = [node.name for node in graph.order()]
        self._graph, self._changed, self._results = graph, changed, results
        # A source has a place among the neighbours, so that `source+2` counts from its readers.
        made_by = {dataset: _source(dataset) for dataset in graph.sources}
        made_by |= {dataset: node.name for dataset, node in graph.producers.items()}
        self._called = {dataset: {name} for dataset, name in made_by.items()}
        self._called |= {name: {name} for name in self.names}
        self._parents = {
            node.name: {made_by[dataset] for dataset in node.inputs} for node in graph.nodes
        }
        self._children = _groups(
            (parent, child) for child, parents in self._parents.items() for parent in parents
        )

    def either(self, expression: str) -> set[str]:
        """Return the union of the parts between blanks, each the intersection of its terms."""
        parts = (map(self._term, part.split(",")) for part in expression.split())
        return set().union(*(set.intersection(*terms) for terms in parts))

    def _term(self, term: str) -> set[str]:
        match = _TERM.fullmatch(term)
        if match is None:
            raise UsageError(f"The selection term '{term}' cannot be read. {_GRAMMAR}")
        up, up_steps, _, method, value, down, down_steps = match.groups()
        found = self._find(term, method, value)
        if found and found.isdisjoint(self.names) and not down:
            raise UsageError(
                f"The selection term '{term}' names a source of graph '{self._graph.name}', which "
                f"no node makes. '{value}+' selects the nodes that are made from it."
            )
        above = _walk(found, self._parents, up_steps) if up else set()
        below = _walk(found, self._children, down_steps) if down else set()
        return found | above | below

    def _find(self, term: str, method: str | None, value: str) -> set[str]:
        labels = self._labels(term, method)
        matching = [nodes for label, nodes in labels.items() if fnmatchcase(label, value)]
        if not matching:
            wanted = f"node with {method}:{value}" if method else f"node or dataset '{value}'"
            raise UsageError(
                f"The selection term '{term}' fits nothing: graph '{self._graph.name}' has no "
                f"{wanted}.{did_you_mean(value, labels)}"
            )
        return set().union(*matching)

    def _labels(self, term: str, method: str | None) -> Mapping[str, set[str]]:
        """Return what can stand behind `method`, with the nodes it means."""
        nodes, names = self._graph.nodes, set(self.names)
        if method is None:
            return self._called
        if method == "tag":
            return _groups((tag, node.name) for node in nodes for tag in node.tags)
        if method == "kind":
            return _groups((node.kind, node.name) for node in nodes)
        if method == "state":
            if self._changed is None:
                raise UsageError(f"'{term}' needs a plan to know what has changed: none was made.")
            changed = names.intersection(self._changed)
            return {"changed": changed, "unchanged": names - changed}
        if method == "result":
            if self._results is None:
                raise UsageError(f"'{term}' needs an earlier run, and none is known: run once.")
            ends = [(status.replace(" ", "_"), name) for name, status in self._results.items()]
            return {status: set() for status in _STATUSES} | _groups(
                (status, name) for status, name in ends if name in names
            )
        raise UsageError(
            f"The selection term '{term}' asks for '{method}:', which is none of "
            f"{', '.join(_METHODS)}.{did_you_mean(method, _METHODS)}"
        )


def _source(dataset: str) -> str:
    return f"source {dataset}"


def _groups(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, member in pairs:
        groups.setdefault(key, set()).add(member)
    return groups


def _walk(start: set[str], neighbours: Mapping[str, set[str]], steps: str) -> set[str]:
    """Return what is reached from `start` in at most `steps` steps; empty `steps`: in any."""
    reached, edge, left = set(start), set(start), int(steps) if steps else math.inf
    while edge and left > 0:
        edge = set().union(*(neighbours.get(name, ()) for name in edge)) - reached
        reached |= edge
        left -= 1
    return reached
