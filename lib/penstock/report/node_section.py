"""How each node went: the drawn graph, the timeline, broken rules, the table of nodes."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.report.formats import (
    UNKNOWN,
    cell,
    data_size,
    duration,
    html_cell,
    label,
    number,
)
from penstock.report.graph_drawing import draw_graph, kind_class, kinds_legend
from penstock.report.tables import Html, table_html
from penstock.report.timeline import draw_timeline
from penstock.report.totals import broken_rows, rows_into

STATUS_CHIPS = {"done": "good", "ok": "good", "failed": "bad", "skipped": "", "not run": "warn"}
STATUS_CHIPS |= {"running": "warn", "interrupted": "warn"}
METER_WIDTH = 72  # pixels of the longest bar
NUMBERS = ("Rows in", "Rows out", "Quarantined", "Time", "CPU", "Shuffle", "Spill")
COLUMNS = ("Node", "Kind", "Status", *NUMBERS, "Versions")


def status_chip(status: str) -> Html:
    """Return a status as a coloured chip."""
    return Html(f'<span class="chip {STATUS_CHIPS.get(status, "")}">{escape(status)}</span>')


def flow_section(nodes: Sequence[Mapping[str, Any]], *, started_at: str) -> str:
    """Return the drawn graph and, beside it, the timeline and the rules that rows broke."""
    if not nodes:
        return '<section><h2>Graph</h2><p class="muted">The run has no nodes.</p></section>'
    return (
        '<section><h2>Graph</h2><div class="flow">'
        f'<div class="panel drawing">{draw_graph(nodes)}'
        f'<div class="legend">{kinds_legend(nodes)}</div></div>'
        f'<div class="beside"><div class="panel"><figcaption>Timeline</figcaption>'
        f"{draw_timeline(nodes, started_at=started_at)}</div>{_broken_rules(nodes)}</div>"
        "</div></section>"
    )


def node_section(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of nodes: one row for each, with its remarks and reasons."""
    head = "".join(
        f"<th{' class=number' if name in NUMBERS else ''}>{name}</th>" for name in COLUMNS
    )
    body = "".join(_node_rows(node, nodes) for node in nodes)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<section><h2>Nodes</h2><div class="panel">{table}</div></section>'


def _broken_rules(nodes: Sequence[Mapping[str, Any]]) -> str:
    broken = [(n["name"], rule, rows) for n in nodes for rule, rows in n["broken_rules"].items()]
    if not broken:
        return ""
    most = max(1, *(rows for _, _, rows in broken))
    rows = [
        (
            name,
            Html(escape(rule).replace("_", "_<wbr>")),  # long names may break at their words
            count,
            Html(f'<i class="meter" style="width:{METER_WIDTH * count / most:.0f}px"></i>'),
        )
        for name, rule, count in sorted(broken, key=lambda line: (line[0], -line[2], line[1]))
    ]
    fates = (sum(node[fate] for node in nodes) for fate in ("quarantined", "dropped", "warned"))
    return (
        '<div class="panel"><figcaption>Broken rules</figcaption>'
        f"{table_html(('Node', 'Rule', 'Rows', ''), rows)}"
        f'<p class="note">{broken_rows(*fates)}; a row counts for each rule it breaks.</p></div>'
    )


def _node_rows(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> str:
    has_run = node["status"] in {"done", "failed"}
    quarantined = node["quarantined"] if has_run else node["quarantined"] or None
    lines = (node["reason"], *node["notes"], _fates(node), _metrics(node))
    remarks = [line for line in lines if line]
    numbers = (
        number(rows_into(node, nodes)),
        _rows_out(node),
        number(quarantined),
        duration(node["ms"]) if has_run else UNKNOWN,
        duration(node["cpu_ms"]) if node["cpu_ms"] else "",
        data_size(node["shuffle_bytes"]) if node["shuffle_bytes"] else "",
        data_size(node["spill_bytes"]) if node["spill_bytes"] else "",
    )
    cells = (
        f'<td class="mono"><i class="dot {kind_class(node["kind"])}"></i>'
        f"{escape(node['name']).replace('_', '_<wbr>')}</td>"  # long names may break at their words
        f'<td class="kept">{html_cell(node["kind"].lower())}</td>'
        f"<td>{status_chip(node['status'])}</td>"
        + "".join(f'<td class="number">{text}</td>' for text in numbers)
        + f'<td class="mono">{_versions(node)}</td>'
    )
    if not remarks:
        return f"<tr>{cells}</tr>"
    quiet = "" if node["status"] == "failed" else " quiet"
    text = "<br>".join(escape(remark).replace("\n", "<br>") for remark in remarks)
    return (
        f'<tr class="has-reason">{cells}</tr>'
        f'<tr class="reason{quiet}"><td colspan="{len(COLUMNS)}">{text}</td></tr>'
    )


def _fates(node: Mapping[str, Any]) -> str:
    if not (node["dropped"] or node["warned"]):
        return ""  # the column says it all
    told = broken_rows(node["quarantined"], node["dropped"], node["warned"])
    return f"Rows that broke a rule: {told}"


def _metrics(node: Mapping[str, Any]) -> str:
    return ", ".join(f"{label(name)} {cell(value)}" for name, value in node["metrics"].items())


def _rows_out(node: Mapping[str, Any]) -> str:
    return "<br>".join(number(rows) for rows in node["rows_out"].values()) or UNKNOWN


def _versions(node: Mapping[str, Any]) -> str:
    lines = (f"{escape(name)} {escape(str(v))}" for name, v in node["versions"].items())
    return "<br>".join(lines) or UNKNOWN
