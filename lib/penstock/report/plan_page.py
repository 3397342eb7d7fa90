"""The page of a plan: one self-contained HTML document that says what would run, and why.

Takes the plan as plain values; reads nothing else, and needs no network and no script.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.plural import plural
from penstock.report.cards import card, cards
from penstock.report.formats import UNKNOWN, data_size, duration, html_cell, number
from penstock.report.graph_drawing import draw_graph, kind_class, kinds_legend
from penstock.report.page_style import html_page
from penstock.report.plan_summary import expected_time, nodes_to_run, plan_sentence
from penstock.report.tables import Html, table_html

FINGERPRINT_CHARACTERS = 12
MOST_COLUMNS = 12
CHIPS = {"run": "good", "skip": ""}
NODE_COLUMNS = ("Node, and why", "Kind", "Action", "Time")


def plan_page(document: Mapping[str, Any], lineage_html: str = "") -> str:
    """Return the page of a plan.

    Args:
        document: The plan as plain values.
        lineage_html: A section that is HTML already, to stand behind the schemas.

    Returns:
        A whole HTML document. Every text of the plan is escaped, unknown values are an en dash, and
        nothing leads out of it. Equal plans give equal bytes.
    """
    body = (
        _headline(document),
        _cards(document),
        _flow(document),
        _schemas(document["nodes"]),
        lineage_html,
        _sources(document["sources"]),
        _fingerprints(document["nodes"]),
        "<footer>A plan writes nothing: what is published is untouched.</footer>",
    )
    return html_page(f"Plan of {document['graph']} · {document['as_of']}", "".join(body))


def _headline(document: Mapping[str, Any]) -> str:
    count, release = len(nodes_to_run(document)), document["release"]
    chip = f"{plural(count, 'node')} would run" if count else "nothing to do"
    facts = {
        "As of": document["as_of"],
        "Environment": document["env"],
        "Compared with": f"release {release}" if release else "nothing: no release yet",
        "Planned in": duration(document["planned_ms"]),
        "Spark jobs": number(document["spark_jobs"]) if document["spark_jobs"] >= 0 else UNKNOWN,
    }
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{html_cell(value)}</dd></div>" for name, value in facts.items()
    )
    return (
        f'<header><div class="head"><h1>Plan of {escape(document["graph"])}</h1>'
        f'<span class="chip {"good" if count else ""}">{chip}</span></div>'
        f'<dl class="facts">{shown}</dl><pre class="command">{escape(document["command"])}</pre>'
        f'<p class="lead">{escape(plan_sentence(document))}</p></header>'
    )


def _cards(document: Mapping[str, Any]) -> str:
    count, run = len(document["nodes"]), len(nodes_to_run(document))
    release, left_out = document["release"], len(document["left_out"])
    kept = f"as in release {release}" if release else "made already"
    shown = [
        card("Would run", number(run), f"of {plural(count, 'node')}"),
        card("Would skip", number(count - run), kept if count > run else ""),
        card("Not selected", number(left_out), "stay as they are" if left_out else ""),
    ]
    return cards([*shown, *(_cost_cards(document) if run else [])], small=False)


def _cost_cards(document: Mapping[str, Any]) -> list[str]:
    expected = document["expected"] or {}
    unknown = sum(not node["expected"] for node in nodes_to_run(document))
    without = f"without {plural(unknown, 'node')} of unknown cost" if unknown else ""
    return [
        card("Expected time", expected_time(expected.get("ms")), without),
        card("Expected CPU time", expected_time(expected.get("cpu_ms")), "of all cores"),
        card("Expected shuffle", data_size(expected.get("shuffle_bytes")), "between stages"),
    ]


def _flow(document: Mapping[str, Any]) -> str:
    nodes, left_out = document["nodes"], document["left_out"]
    if not nodes and not left_out:
        return '<section><h2>Graph</h2><p class="muted">The plan holds no nodes.</p></section>'
    drawn = [_drawn(node, node["action"], node["cause"]) for node in nodes]
    drawn += [_drawn(node, "not selected", "") for node in left_out]
    legend = f"{kinds_legend(drawn)}<span>▸ would run</span><span>» would be skipped</span>"
    legend += "<span>pale: not selected</span>" if left_out else ""
    return (
        '<section><h2>Graph</h2><div class="flow">'
        f'<div class="panel drawing">{draw_graph(drawn, facts=_dataset_facts(document))}'
        f'<div class="legend">{legend}</div></div>'
        f'<div class="beside">{_node_table(nodes)}</div></div></section>'
    )


def _drawn(node: Mapping[str, Any], status: str, cause: str) -> dict[str, Any]:
    names = {key: node[key] for key in ("name", "kind", "inputs", "outputs")}
    nothing: dict[str, Any] = {"quarantined": 0, "rows_out": {}, "versions": {}}
    return names | nothing | {"status": status, "reason": cause.replace("; ", "\n")}


def _dataset_facts(document: Mapping[str, Any]) -> dict[str, str]:
    facts = {name: "columns unknown" for n in document["left_out"] for name in n["outputs"]}
    for node in document["nodes"]:
        for name in node["outputs"]:
            columns = [column for column, _ in node["columns"].get(name, ())]
            more = ", …" if len(columns) > MOST_COLUMNS else ""
            listed = ", ".join(columns[:MOST_COLUMNS]) + more
            facts[name] = f"{plural(len(columns), 'column')}: {listed}" if columns else "no table"
    for source in document["sources"]:
        version = f", version {source['version']}" if source["version"] else ""
        facts[source["name"]] = f"{source['kind']} {source['location']}{version}"
    return facts


def _node_table(nodes: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(
        f"<th{' class=number' if name == 'Time' else ''}>{name}</th>" for name in NODE_COLUMNS
    )
    body = "".join(_node_rows(node) for node in nodes)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="panel"><figcaption>Nodes, in running order</figcaption>{table}</div>'


def _node_rows(node: Mapping[str, Any]) -> str:
    runs = node["action"] == "run"
    time = expected_time((node["expected"] or {}).get("ms")) if runs else ""
    why = "<br>".join(escape(text) for text in node["cause"].split("; "))
    notes = "".join(
        f'<br><span class="muted">Note: {escape(note)}</span>' for note in node["notes"]
    )
    return (
        f'<tr class="has-reason"><td class="mono"><i class="dot {kind_class(node["kind"])}"></i>'
        f"{_breakable(node['name'])}</td>"
        f'<td class="kept">{html_cell(node["kind"].lower())}</td>'
        f'<td><span class="chip {CHIPS[node["action"]]}">{escape(node["action"])}</span></td>'
        f'<td class="number">{time}</td></tr>'
        f'<tr class="reason {"why" if runs else "quiet"}">'
        f'<td colspan="{len(NODE_COLUMNS)}">{why}{notes}</td></tr>'
    )


def _schemas(nodes: Sequence[Mapping[str, Any]]) -> str:
    schemas = "".join(
        f'<details><summary><span class="mono">{_breakable(name)}</span> '
        f'<span class="muted">{plural(len(columns), "column")}</span></summary>'
        f"{table_html(('Column', 'Type'), [(_mono(c), _mono(t)) for c, t in columns])}</details>"
        for node in nodes
        for name, columns in node["columns"].items()
    )
    if not schemas:
        return ""
    return (
        "<section><h2>Columns of the outputs</h2>"
        f'<div class="panel"><div class="schemas">{schemas}</div></div></section>'
    )


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    if not sources:
        return ""
    rows = [
        (
            _mono(source["name"]),
            source["kind"],
            str(source["version"] or "not versioned"),
            Html(f"<code>{html_cell(source['location'])}</code>"),
        )
        for source in sources
    ]
    table = table_html(("Source", "Kind", "Version read", "Location"), rows)
    return f'<section><h2>Sources and versions</h2><div class="panel">{table}</div></section>'


def _fingerprints(nodes: Sequence[Mapping[str, Any]]) -> str:
    if not nodes:
        return ""
    rows = [
        (
            _mono(node["name"]),
            Html(
                f'<code title="{escape(node["fingerprint"])}">'
                f"{escape(node['fingerprint'][:FINGERPRINT_CHARACTERS])}</code>"
            ),
            ", ".join(f"{n} {v}" for n, v in node["versions"].items() if v is not None),
        )
        for node in nodes
    ]
    table = table_html(("Node", "Fingerprint", "Versions read"), rows)
    return f'<details class="panel"><summary>Fingerprints</summary>{table}</details>'


def _mono(text: str) -> Html:
    return Html(f'<span class="mono">{_breakable(text)}</span>')


def _breakable(name: str) -> str:
    return escape(name).replace("_", "_<wbr>")  # long names may break at their words
