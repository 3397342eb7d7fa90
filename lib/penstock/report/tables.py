"""Tables as HTML, numbers to the right, unknown values as an en dash, all escaped; and as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.evidence import Table
from penstock.report.formats import cell, html_cell, label

DATASET_COLUMNS = ("Dataset", "Role", "Kind", "Version", "Location")
LIGHTS = {"green": "good", "amber": "warn", "red": "bad"}  # of a column "light"


class Html(str):
    """Text that is HTML already and must not be escaped again."""


def table_html(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table whose columns of numbers stand to the right.

    Args:
        columns: Headings, as text.
        rows: Plain values or `Html`, as many in each row as there are columns.
    """
    numeric = [_is_numeric([row[i] for row in rows]) for i in range(len(columns))]
    head = "".join(
        f"<th{_class(is_number)}>{escape(name)}</th>"
        for name, is_number in zip(columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(is_number)}>{value if isinstance(value, Html) else html_cell(value)}</td>"
            for value, is_number in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def evidence_table(table: Table) -> str:
    """Return a table of a report in a panel with its title."""
    rows = [
        tuple(_shown(name, value) for name, value in zip(table.columns, row, strict=True))
        for row in table.rows
    ]
    shown = table_html([label(name) for name in table.columns], rows)
    empty = "" if table.rows else '<p class="note">No rows.</p>'
    return f'<div class="panel"><figcaption>{escape(table.title)}</figcaption>{shown}{empty}</div>'


def csv_text(table: Table) -> str:
    """Return a table of a report as CSV with a header; an unknown value is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def dataset_table(datasets: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of datasets, each a `DatasetRecord` as plain values."""
    rows = [
        (
            Html(f'<span class="mono">{escape(dataset["name"])}</span>'),
            dataset["role"],
            dataset["kind"],
            cell(dataset["version"]),
            Html(f"<code>{html_cell(dataset['location'])}</code>"),
        )
        for dataset in datasets
    ]
    return table_html(DATASET_COLUMNS, rows)


def _shown(column: str, value: Any) -> Any:
    if column == "light" and value in LIGHTS:
        return Html(f'<span class="chip {LIGHTS[value]}">{value}</span>')
    return value


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
