"""Evidence: the metrics, tables and figures that a measurement hands to people, as plain values.

Values only: `measure`, `learn` and `lending` make them, `store` keeps them as JSON, `report` draws
them.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Mark = Literal["line", "points", "bars", "reference", "bound"]


@dataclass(frozen=True)
class Table:
    """A small table for people: title, column names, rows of plain values (None is "unknown")."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of_texts(cls, title: str, column: str, texts: Iterable[str]) -> "Table":
        """Return the table of one column, whose rows are sentences: warnings, reasons, limits."""
        return cls(title, (column,), tuple((text,) for text in texts))


@dataclass(frozen=True)
class Series:
    """One curve, set of points or set of bars: `x` and `y` have the same length.

    A "reference" is a line to compare with, a "bound" one edge of an interval; a series without a
    name is not in the legend.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    mark: Mark = "line"


@dataclass(frozen=True)
class Figure:
    """A figure as data: what it shows, its axes and its series; `note` says how to read it."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a Measure node returns.

    Attributes:
        metrics: Name to number; null (None) where the metric is undefined, never NaN.
        tables: Name to table.
        figures: Name to figure.
    """

    metrics: dict[str, float | None]
    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as plain values, for `json_text`."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Evidence":
        """Rebuild the evidence from `to_json`'s document (JSON lists become tuples again)."""
        return cls(
            metrics=dict(document["metrics"]),
            tables={
                name: Table(
                    table["title"], tuple(table["columns"]), tuple(tuple(r) for r in table["rows"])
                )
                for name, table in document["tables"].items()
            },
            figures={name: _figure(figure) for name, figure in document["figures"].items()},
        )


@dataclass(frozen=True)
class Attempt:
    """One of the attempts that a fitted model was chosen from: a run below the one that fitted it.

    Attributes:
        is_ok: Whether it came to an end of its own.
        params: What was tried, by name.
        metrics: How it did, by name; None where unknown.
        tags: What else is to be said of it, by name.
    """

    name: str
    is_ok: bool
    params: dict[str, Any]
    metrics: dict[str, float | None]
    tags: dict[str, str]


def _figure(document: dict[str, Any]) -> Figure:
    series = tuple(
        Series(s["name"], tuple(s["x"]), tuple(s["y"]), s["mark"]) for s in document["series"]
    )
    return Figure(
        document["title"], document["x_label"], document["y_label"], series, document["note"]
    )
