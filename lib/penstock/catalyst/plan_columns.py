"""Where the columns of an analysed plan come from: a reader of Spark's JSON of a plan.

It follows expression ids from operator to operator, and needs no Spark itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Column = tuple[str, str]  # dataset and column
Sources = frozenset[Column]

NOTHING: Sources = frozenset()
ROWS = "*"  # in the place of a column: which rows there are, in which groups and which order

_Expression = list[dict[str, Any]]  # a tree, flattened from the top; so is a plan

# Fields of operators that decide which rows there are, in which groups and which order.
_DECIDING = (
    "condition", "order", "keys", "groupingExpressions", "partitionSpec", "orderSpec", "generator",
)  # fmt: skip
_NAMED = {
    "Project": "projectList",
    "Aggregate": "aggregateExpressions",
    "Window": "windowExpressions",
}


class PlanColumn(NamedTuple):
    """A column that an operator hands on.

    Attributes:
        id: Spark's expression id, by which the operators above refer to it.
        sources: The input columns it is computed from.
    """

    id: int
    name: str
    sources: Sources


class _Scope(dict[int, Sources]):
    """What an operator's expressions can refer to; an id from nowhere may be anything below."""

    def __init__(self, outer: Mapping[int, Sources], below: Iterable[PlanColumn]) -> None:
        super().__init__(outer)
        everything: set[Column] = set()
        for column in below:
            self[column.id] = self.get(column.id, NOTHING) | column.sources
            everything |= column.sources
        self.everything = frozenset(everything)

    def __missing__(self, key: int) -> Sources:
        return self.everything


@dataclass
class _Operator:
    kind: str
    fields: Mapping[str, Any]
    children: list[list[PlanColumn]]
    below: list[PlanColumn]
    scope: _Scope


class PlanReader:
    """Reads plans of tables that were made from stand-ins.

    Args:
        inputs: The datasets for which there are stand-ins.

    Attributes:
        rows: The input columns that decide which rows there are, of all that has been read.
    """

    def __init__(self, inputs: Collection[str]) -> None:
        self.rows: set[Column] = set()
        self._inputs = inputs
        self._shared: dict[int, list[PlanColumn]] = {}  # by the id of the query under WITH

    def read(
        self, plan: _Expression, outer: Mapping[int, Sources] | None = None
    ) -> list[PlanColumn]:
        """Return the columns of a plan.

        Args:
            plan: What `TreeNode.toJSON` gives, as values.
            outer: What a subquery can see of the query around it.
        """
        made: list[PlanColumn] = []
        # Without recursion: a plan of a thousand operators is deeper than Python's stack.
        waiting: list[tuple[dict[str, Any], list[list[PlanColumn]]]] = []
        for node in plan:
            waiting.append((node, []))
            while waiting and len(waiting[-1][1]) == waiting[-1][0]["num-children"]:
                fields, children = waiting.pop()
                made = self._columns(fields, children, outer or {})
                if waiting:
                    waiting[-1][1].append(made)
        return made

    def _columns(
        self, fields: dict[str, Any], children: list[list[PlanColumn]], outer: Mapping[int, Sources]
    ) -> list[PlanColumn]:
        below = [column for child in children for column in child]
        if dataset := self._marked(fields):
            return [c._replace(sources=frozenset({(dataset, c.name)})) for c in below]
        operator = _Operator(_kind(fields), fields, children, below, _Scope(outer, below))
        for field in _DECIDING:
            self.rows |= self._sources(fields.get(field), operator.scope)
        try:
            known = _BY_KIND.get(operator.kind, PlanReader._opaque)(self, operator)
        except (LookupError, ValueError, TypeError):
            # The JSON is not for the public: with other fields than here, it is one more unknown.
            known = None
        return self._opaque(operator) if known is None else known

    def _marked(self, fields: Mapping[str, Any]) -> str | None:
        """Return the dataset if this is its stand-in: a filter that compares a name with itself."""
        match fields.get("condition"):
            case [_, {"value": str(name)}, {"value": again}] if name == again:
                return name if name in self._inputs else None
        return None

    def _named(self, of: _Operator) -> list[PlanColumn]:
        columns = of.fields[_NAMED[of.kind]]
        made = [_column(each, self._computed(each, of)) for each in columns]
        return of.below + made if of.kind == "Window" else made

    def _generate(self, of: _Operator) -> list[PlanColumn]:
        sources = self._sources(of.fields["generator"], of.scope)
        return of.below + [_column(each, sources) for each in of.fields["generatorOutput"]]

    def _expand(self, of: _Operator) -> list[PlanColumn]:
        places = zip(of.fields["output"], *of.fields["projections"], strict=True)
        return [_column(each, self._sources(from_, of.scope)) for each, *from_ in places]

    def _union(self, of: _Operator) -> list[PlanColumn]:
        places = zip(*of.children, strict=True)
        return [p[0]._replace(sources=NOTHING.union(*(c.sources for c in p))) for p in places]

    def _join(self, of: _Operator) -> list[PlanColumn] | None:
        match of.fields:
            case {"joinType": {"object": str(how)}} if how.endswith(("Semi$", "Anti$")):
                return of.children[0]
            case {"joinType": {"object": _}}:
                return of.below
        return None

    def _lateral_join(self, of: _Operator) -> list[PlanColumn]:
        return of.below + self.read(of.fields["right"][0]["plan"], of.scope)

    def _same_rows(self, of: _Operator) -> list[PlanColumn]:
        """DISTINCT, INTERSECT, EXCEPT: every column is compared, the first side's are kept."""
        self.rows |= of.scope.everything
        return of.children[0]

    def _share(self, of: _Operator) -> list[PlanColumn]:
        self._shared[of.fields["id"]] = of.below
        return of.below

    def _shared_again(self, of: _Operator) -> list[PlanColumn]:
        places = zip(of.fields["output"], self._shared[of.fields["cteId"]], strict=True)
        return [_column(each, column.sources) for each, column in places]

    def _unchanged(self, of: _Operator) -> list[PlanColumn]:
        return of.children[-1]

    def _opaque(self, of: _Operator) -> list[PlanColumn]:
        """A leaf, a Python function on tables, or an operator nobody has written down here."""
        self.rows |= of.scope.everything
        output = of.fields.get("output")
        if isinstance(output, list):
            return [_column(each, of.scope.everything) for each in output]
        return [column._replace(sources=of.scope.everything) for column in of.below]

    def _computed(self, expression: _Expression, of: _Operator) -> Sources:
        """Return what a column comes from: a count without argument, from what tells its groups."""
        kinds, groups = [_kind(part) for part in expression], of.fields.get("groupingExpressions")
        at = kinds.index("WindowSpecDefinition") if "WindowSpecDefinition" in kinds else len(kinds)
        sources = self._sources(expression[:at], of.scope)
        if at == len(kinds) and "AggregateExpression" not in kinds:
            return sources
        return sources or self._sources(expression[at:] or groups, of.scope)

    def _sources(self, expressions: Any, scope: _Scope) -> Sources:
        """Return the input columns that an expression, or a list of them, refers to."""
        found: set[Column] = set()
        for part in expressions if isinstance(expressions, list | tuple) else ():
            if not isinstance(part, dict):
                found |= self._sources(part, scope)
            elif _kind(part) == "AttributeReference":
                found |= scope[part["exprId"]["id"]]
            else:
                fields = {name: value for name, value in part.items() if isinstance(value, list)}
                subquery = fields.pop("plan", [])
                found.update(*(column.sources for column in self.read(subquery, scope)))
                found |= self._sources(list(fields.values()), scope)
        return frozenset(found)


_BY_KIND: dict[str, Callable[[PlanReader, _Operator], list[PlanColumn] | None]] = {
    **dict.fromkeys(_NAMED, PlanReader._named),
    **dict.fromkeys(("Distinct", "Intersect", "Except"), PlanReader._same_rows),
    **dict.fromkeys(
        (
            "Filter", "Sort", "Deduplicate", "SubqueryAlias", "View", "Sample", "ResolvedHint",
            "GlobalLimit", "LocalLimit", "Offset", "Tail", "Repartition", "RebalancePartitions",
            "RepartitionByExpression", "CollectMetrics", "WithCTE",
        ),
        PlanReader._unchanged,
    ),
    "Generate": PlanReader._generate,
    "Expand": PlanReader._expand,
    "Union": PlanReader._union,
    "Join": PlanReader._join,
    "LateralJoin": PlanReader._lateral_join,
    "CTERelationDef": PlanReader._share,
    "CTERelationRef": PlanReader._shared_again,
}  # fmt: skip


def _kind(part: Mapping[str, Any]) -> str:
    return str(part.get("class", "")).rpartition(".")[2]


def _column(expression: _Expression, sources: Sources) -> PlanColumn:
    """Return a named expression as a column that comes from `sources`."""
    top = expression[0]
    return PlanColumn(top.get("exprId", {}).get("id", -1), top.get("name", ""), sources)
