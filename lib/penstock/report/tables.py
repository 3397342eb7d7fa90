"""Tables as HTML: numbers to the right, unknown values as an en dash, everything escaped."""

from collections.abc import Sequence
from html import escape
from typing import Any

from penstock.evidence import Table
from penstock.report.formats import html_cell, label

MANY_COLUMNS = 5


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
    """Return a table of a report in a panel with its title; a broad one takes the whole width."""
    wide = " wide" if len(table.columns) > MANY_COLUMNS else ""
    shown = table_html([label(name) for name in table.columns], table.rows)
    empty = "" if table.rows else '<p class="note">No rows.</p>'
    caption = f"<figcaption>{escape(table.title)}</figcaption>"
    return f'<div class="panel{wide}">{caption}{shown}{empty}</div>'


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
