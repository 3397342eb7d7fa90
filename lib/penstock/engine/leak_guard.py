"""The leak guard: refuses a model whose features are known later than the model is used.

Which column is known when is declared, in contracts and in the catalog; the way from there to a
feature, over any number of nodes and models, is the engine's column lineage.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from penstock.catalyst.plan_columns import Column
from penstock.clocks import DECISION, MOMENTS, KnownAt, moment_of, strange_names
from penstock.engine.graph import Graph
from penstock.engine.lineage import LABEL, Columns
from penstock.engine.made import Made
from penstock.engine.nodes import Node
from penstock.engine.plan import PlannedNode
from penstock.errors import ConfigError
from penstock.store.catalog import Catalog

Way = tuple[Column, ...]  # from a feature to a raw column, each computed from the next


class _Clock(NamedTuple):
    dataset: str
    known_at: KnownAt
    where: str  # it is declared


def leak_faults(
    planned: Iterable[PlannedNode],
    whole: Graph,
    catalog: Catalog,
    records: Mapping[str, Made],
    columns: Mapping[str, Sequence[str]],
) -> list[ConfigError]:
    """Return a fault for each feature that is known too late, and for each clock of no column.

    A clock of a table that no model is fitted on may name columns that the table lacks.

    Args:
        planned: The nodes of the plan.
        whole: The graph they were cut from.
        records: Node to its record in the release: what it says of lineage holds for the nodes that
            are not in the plan.
        columns: Table to its columns, as far as they are known.
    """
    of_contracts = (_Clock(n, c.known_at, f"known_at in the contract of '{n}'")
                    for n, c in whole.contracts.items())  # fmt: skip
    of_catalog = (_Clock(n, c, f"catalog.{n}.known_at") for n, c in catalog.clocks.items())
    clocks = [clock for clock in (*of_contracts, *of_catalog) if clock.known_at]
    faults = [
        ConfigError(f"{clock.where} {strange}")
        for clock in clocks
        # Rows that are only scored lack what is known later: no model is fitted on them.
        if any(node.kind == "fit" for node in whole.behind([clock.dataset]))
        for strange in strange_names(clock.known_at, columns.get(clock.dataset, ()))
    ]
    edges: Columns = {}
    for made in (records[node.name] for node in whole.nodes if node.name in records):
        told = made.analysis.get("edges", ())
        edges |= {(d, c): frozenset((i, of) for i, of in sources) for d, c, sources in told}
    for each in planned:
        edges |= each.found.edges
    for node in (each.node for each in planned if each.node.kind == "fit" and clocks):
        used_at = catalog.used_at(node.outputs[0])
        for feature in sorted(edges.get((node.outputs[0], ""), ())):
            if late := _latest(feature, edges, clocks, used_at):
                faults.append(_told(node, *late, used_at, whole))
    return faults


def _latest(
    feature: Column, edges: Columns, clocks: list[_Clock], used_at: str
) -> tuple[Way, _Clock] | None:
    """Return the shortest way to the latest column behind a feature; None: all are in time."""
    found: list[tuple[int, Way, _Clock]] = []
    ways: dict[Column, Way] = {feature: (feature,)}
    ahead = deque([feature])
    while ahead:
        dataset, column = here = ahead.popleft()
        for clock in (clock for clock in clocks if clock.dataset == dataset):
            found.append((MOMENTS.index(moment_of(column, clock.known_at)), ways[here], clock))
        for source in sorted(edges.get(here, frozenset()) - ways.keys()):
            if source[1] != LABEL:  # which is known late, and no feature
                ways[source] = (*ways[here], source)
                ahead.append(source)
    late = [each for each in found if each[0] > MOMENTS.index(used_at)]
    return max(late, key=lambda each: each[0])[1:] if late else None


def _told(node: Node, way: Way, clock: _Clock, used_at: str, whole: Graph) -> ConfigError:
    (dataset, column), model = way[-1], node.outputs[0]
    moment = moment_of(column, clock.known_at)
    makers = [whole.producers[made].name for made, _ in way[-2::-1]]
    steps = " -> ".join(dict.fromkeys([*makers, node.name]))
    cure = f"mend {clock.where}, if the column is known earlier"
    if moment == DECISION:
        cure = f"say catalog.{model}.known_at: decision, if the model is used after the decision"
    begun = f"the model '{way[0][0]}' that it begins with"
    leaking = f"feature '{way[0][1]}'" if way[0][1] else begun
    return ConfigError(
        f"Node '{node.name}': {leaking} leaks. It is computed from {dataset}.{column} "
        f"by {steps}; {clock.where} says '{moment}' of that, and '{model}' may use what is known "
        f"at '{used_at}'. Take it out, or {cure}."
    )
