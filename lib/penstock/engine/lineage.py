"""Column lineage: what each column is computed from, over the whole graph.

A column that no edge leads to is raw. A model or report as a whole is the column "" of its dataset,
and `LABEL` of a model is what it was taught by; `ROWS` is no column, but which rows a table has.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from penstock.catalyst.plan_columns import NOTHING, ROWS, Column, Sources
from penstock.errors import UsageError, did_you_mean

Columns = dict[Column, Sources]
LABEL = "(label)"


@dataclass(frozen=True)
class Lineage:
    """The edges between columns over the whole graph.

    Attributes:
        edges: Column to the columns it is computed from. Under `ROWS` stand the columns that
            filters, joins, groups, sorts and windows of that table look at.
    """

    edges: Mapping[Column, Sources]

    def columns(self, dataset: str) -> tuple[str, ...]:
        """Return the known columns of a dataset, in order; none if nothing reads or makes it."""
        return tuple(name for owner, name in self._all if owner == dataset and name != ROWS)

    def of(self, dataset: str, column: str) -> Sources:
        """Return the raw columns that a column is computed from; of a raw column, itself.

        Of `ROWS`: those that decide which rows the table has, and the models it was made with saw.

        Raises:
            UsageError: No such column, with the nearest known one.
        """
        reached = _reached(self._known(dataset, column), self._made_from)
        return frozenset(c for c in reached if c not in self.edges and c[1] != ROWS)

    def feeds(self, dataset: str, column: str) -> Sources:
        """Return every column that is computed from a column, directly or not.

        Under `ROWS` stand the tables whose rows it helps to decide.

        Raises:
            UsageError: No such column, with the nearest known one.
        """
        start = self._known(dataset, column)
        return _reached(start, lambda c: self._readers.get(c, NOTHING)) - {start}

    def to_json(self) -> dict[str, dict[str, dict[str, list[list[str]]]]]:
        """Return dataset -> column -> {"from": direct sources, "raw": raw columns behind them}."""
        document: dict[str, dict[str, dict[str, list[list[str]]]]] = {}
        for dataset, column in self._all:
            made_from = self._made_from((dataset, column))
            if made_from or (dataset, column) in self.edges:
                document.setdefault(dataset, {})[column] = {
                    "from": [list(source) for source in sorted(made_from)],
                    "raw": [list(source) for source in sorted(self.of(dataset, column))],
                }
        return document

    def _made_from(self, column: Column) -> Sources:
        found = self.edges.get(column, NOTHING)
        if column[1] != ROWS:
            return found
        return found | {(dataset, ROWS) for dataset in self._inputs.get(column[0], ())}

    def _known(self, dataset: str, column: str) -> Column:
        if (dataset, column) not in self._all:
            name, known = f"{dataset}.{column}", [".".join(c) for c in self._all]
            raise UsageError(f"No column '{name}' is read or made.{did_you_mean(name, known)}")
        return dataset, column

    @cached_property
    def _all(self) -> dict[Column, None]:
        """Every column in order of appearance, and `ROWS` behind those of its table."""
        columns: dict[str, dict[str, None]] = {}
        for made, sources in self.edges.items():
            for dataset, column in (*sorted(sources), made):
                columns.setdefault(dataset, {})[column] = None
        for names in columns.values():
            names.pop(ROWS, None)
            names[ROWS] = None
        return {(dataset, name): None for dataset, names in columns.items() for name in names}

    @cached_property
    def _inputs(self) -> dict[str, set[str]]:
        inputs: dict[str, set[str]] = {}
        for (dataset, _), sources in self.edges.items():
            inputs.setdefault(dataset, set()).update({name for name, _ in sources} - {dataset})
        return inputs

    @cached_property
    def _readers(self) -> Columns:
        readers: dict[Column, set[Column]] = {}
        for column in self._all:
            for source in self._made_from(column):
                readers.setdefault(source, set()).add(column)
        return {source: frozenset(columns) for source, columns in readers.items()}


def _reached(start: Column, steps: Callable[[Column], Iterable[Column]]) -> Sources:
    reached, ahead = {start}, [start]
    while ahead:
        new = set(steps(ahead.pop())) - reached
        reached |= new
        ahead += new
    return frozenset(reached)
