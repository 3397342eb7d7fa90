"""Column lineage as a section of a page: what each column is made from, and what a field feeds."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from penstock.plural import plural
from penstock.report.formats import UNKNOWN
from penstock.report.tables import Html, table_html

ROWS = "*"  # in the document: which rows a table has
WHOLE = "as a whole"  # a model or a report, which has no columns

Document = Mapping[str, Mapping[str, Mapping[str, Sequence[Sequence[str]]]]]


def lineage_section(document: Document) -> str:
    """Return the section, results first; nothing if no lineage is known.

    Args:
        document: `Lineage.to_json()`.
    """
    if not document:
        return ""
    read = {name for made in document.values() for c in made.values() for name, _ in c["from"]}
    backward = "".join(
        _made(name, document[name], is_result=name not in read) for name in reversed(list(document))
    )
    forward = "".join(_raw(name, fields) for name, fields in _feeds(document).items())
    return (
        '<section class="lineage"><h2>Column lineage</h2><div class="tables">'
        f'<div class="panel"><figcaption>Which raw fields feed a column</figcaption>{backward}'
        "</div>"
        f'<div class="panel"><figcaption>What a raw field feeds</figcaption>{forward}</div>'
        "</div></section>"
    )


def _made(name: str, columns: Mapping[str, Any], *, is_result: bool) -> str:
    """Return the columns of one dataset; tables that no node reads are what people ask about."""
    rows = [
        (_name(column), _grouped(found["raw"]), _grouped(found["from"]))
        for column, found in columns.items()
        if column != ROWS
    ]
    is_table = "" not in columns
    deciding = _grouped(columns.get(ROWS, {}).get("raw", ()))
    note = "" if deciding == UNKNOWN else f'<p class="note">The rows are chosen by {deciding}</p>'
    table = table_html(("Column", "Raw fields", "Made from"), rows) if rows else ""
    count = plural(len(rows), "column") if is_table else WHOLE
    return _details(name, count, table + note, is_open=is_result and is_table)


def _raw(name: str, fields: Mapping[str, Mapping[str, list[str]]]) -> str:
    rows = [
        (_name(field), _grouped((d, c) for d in fed for c in fed[d]))
        for field, fed in fields.items()
    ]
    return _details(name, plural(len(rows), "field"), table_html(("Raw field", "Feeds"), rows))


def _feeds(document: Document) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return raw dataset -> field -> dataset -> the columns it feeds."""
    feeds: dict[str, dict[str, dict[str, list[str]]]] = {}
    for dataset, columns in document.items():
        for column, found in columns.items():
            for source, field in found["raw"]:
                fed = feeds.setdefault(source, {}).setdefault(field, {})
                fed.setdefault(dataset, []).append(column)
    return {source: dict(sorted(fields.items())) for source, fields in feeds.items()}


def _grouped(columns: Iterable[Sequence[str]]) -> Html:
    """Return columns as text, each dataset named once; of a dataset as a whole, its name alone."""
    groups: dict[str, list[str]] = {}
    for dataset, column in columns:
        named = groups.setdefault(dataset, [])
        if column:
            named.append("<i>which rows</i>" if column == ROWS else escape(column))
    shown = [
        f"<b>{escape(name)}</b>"
        + (f' <span class="mono">{", ".join(found)}</span>' if found else "")
        for name, found in groups.items()
    ]
    return Html("; ".join(shown) or UNKNOWN)


def _details(name: str, count: str, content: str, *, is_open: bool = False) -> str:
    return (
        f"<details{' open' if is_open else ''}><summary>{_name(name)} "
        f'<span class="chip">{count}</span></summary>{content}</details>'
    )


def _name(text: str) -> Html:
    """Return a name that breaks at its words, if it must."""
    shown = escape(text).replace("_", "_<wbr>") or WHOLE
    return Html(f'<span class="mono">{shown}</span>')
