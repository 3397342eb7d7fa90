"""The data-flow graph of a run or a plan as inline SVG: nodes as boxes, datasets as pills between.

Draws node records given as plain values (`NodeRecord` as JSON); `layout` decides where things lie.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise
from typing import Any

from penstock.plural import plural
from penstock.report.formats import duration, number
from penstock.report.layout import Box, Layout, layered_layout

KINDS = ("transform", "fit", "apply", "measure", "gate", "deploy", "solve")
MARKS = {"done": "✓", "skipped": "»", "failed": "✗", "not run": "–"}
MARKS |= {"run": "▸", "skip": "»", "not selected": ""}  # of a plan

CHARACTER = 7.3  # of the 12 px monospace that names are set in
SMALL_CHARACTER = 6.3
NODE_HEIGHT, PILL_HEIGHT = 42.0, 19.0
LEAST_NODE, MOST_CHARACTERS = 118.0, 30
GAP, ROW_GAP, MARGIN = 22.0, 20.0, 6.0
MOST_STATUS_CHARACTERS = len(" · not selected")
PALE = " is-not-selected"
LEAST_SCALE = 0.6  # a wider drawing is made to fit its page down to this, then it is scrolled

STYLE = """
.graph{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.graph .edge{fill:none;stroke:var(--edge,#a3abb5);stroke-width:1.3}
.graph .node rect{fill:var(--card,#fff);stroke:var(--line,#c3cad3)}
.graph .node .band{fill:var(--kind,#8b949e);stroke:none}
.graph .node text{fill:currentColor}
.graph .node .small{font-size:10.5px;fill:var(--muted,#6e7781)}
.graph .pill rect{fill:var(--pill,#eef1f4);stroke:none}
.graph .pill text{font-size:10.5px;fill:var(--muted,#57606a)}
.graph .status{font-weight:700}
.graph .is-done .status{fill:var(--good,#1a7f37)}
.graph .is-skipped rect:first-of-type{stroke-dasharray:4 3}
.graph .is-failed rect:first-of-type{stroke:var(--bad,#cf222e);stroke-width:2}
.graph .is-failed .status,.graph .is-failed .small{fill:var(--bad,#cf222e)}
.graph .is-not-run{opacity:.55}
.graph .is-not-run rect:first-of-type{stroke-dasharray:2 3}
.graph .is-run rect:first-of-type{fill:var(--good-bg,#e3f4e7);stroke:var(--good,#1a7f37)}
.graph .is-run .status{fill:var(--good,#1a7f37)}
.graph .is-skip rect:first-of-type{stroke-dasharray:4 3}
.graph .is-not-selected{opacity:.4}
.kind-transform{--kind:#4c8fd6}.kind-fit{--kind:#9a6fd0}.kind-apply{--kind:#2aa198}
.kind-measure{--kind:#dd8a1f}.kind-gate{--kind:#c9a400}.kind-deploy{--kind:#3f9e52}
.kind-solve{--kind:#d0608f}.kind-other{--kind:#8b949e}
"""


def kind_class(kind: str) -> str:
    """Return the style class that gives a node kind its colour."""
    name = kind.lower()
    return f"kind-{name}" if name in KINDS else "kind-other"


def kinds_legend(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the kinds of nodes that a drawing has, each with its colour."""
    kinds = dict.fromkeys(node["kind"].lower() for node in nodes)
    return "".join(f'<span class="{kind_class(k)}"><i></i>{escape(k)}</span>' for k in kinds)


def draw_graph(
    nodes: Sequence[Mapping[str, Any]], *, facts: Mapping[str, str] | None = None
) -> str:
    """Draw nodes and the datasets between them, from the sources at the top downwards.

    Args:
        nodes: Node records as plain values, in any order; together they have no cycle. Those of a
            plan have the status "run", "skip" or "not selected".
        facts: Dataset to what hovering over it tells; None tells rows and version.

    Returns:
        One `<svg>` element with its own style, about a kilobyte for each node. Hovering over a box
        shows kind, status, time, rows and the reason; over a pill, rows and version.
    """
    rows, edges = _rows(nodes)
    records = {f"n:{node['name']}": node for node in nodes}
    boxes = {
        key: Box(row, *(_node_size(records[key]) if key in records else _pill_size(key[2:])))
        for key, row in rows.items()
    }
    layout = _layout(tuple(boxes.items()), tuple(edges))
    told = {name: text for node in nodes for name, text in _dataset_facts(node).items()}
    told |= facts or {}
    held = {key for key in records if records[key]["status"] != "not selected"}
    held |= {key for edge in edges if held.intersection(edge) for key in edge}
    parts = [_edge(layout.routes[edge], held.issuperset(edge)) for edge in edges]
    for key, box in boxes.items():
        x, y = layout.centres[key]
        corner = (x - box.width / 2 + MARGIN, y - box.height / 2 + MARGIN)
        if key in records:
            parts.append(_node(records[key], box, corner, told))
        else:
            fact = told.get(key[2:], "read from the catalog")
            parts.append(_pill(key[2:], box, corner, fact, key in held))
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    return (
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'style="min-width:{LEAST_SCALE * width:.0f}px">'
        f"<title>Data-flow graph of {plural(len(nodes), 'node')}</title>"
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )


def _rows(nodes: Sequence[Mapping[str, Any]]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Give nodes odd rows and datasets even ones; what has no input lies just above its reader."""
    edges = [(f"d:{name}", f"n:{node['name']}") for node in nodes for name in node["inputs"]]
    edges += [(f"n:{node['name']}", f"d:{name}") for node in nodes for name in node["outputs"]]
    edges = list(dict.fromkeys(edges))
    uppers: dict[str, list[str]] = {f"n:{node['name']}": [] for node in nodes}
    lowers: dict[str, list[str]] = {}
    for upper, lower in edges:
        uppers.setdefault(upper, [])
        uppers.setdefault(lower, []).append(upper)
        lowers.setdefault(upper, []).append(lower)
    order = list(TopologicalSorter(uppers).static_order())
    rows: dict[str, int] = {}
    for key in order:
        rows[key] = max((rows[u] + 1 for u in uppers[key]), default=1 if key[0] == "n" else 0)
    for key in reversed(order):
        if not uppers[key] and key in lowers:
            outputs = lowers[key] if key[0] == "n" else []
            readers = [r for name in (outputs or [key]) for r in lowers.get(name, [])]
            if readers:
                rows[key] = min(rows[r] for r in readers) - (2 if outputs else 1)
                rows |= dict.fromkeys(outputs, rows[key] + 1)
    top = min(rows.values(), default=0)
    named = [f"n:{node['name']}" for node in nodes]
    in_order = [*named, *(key for key in uppers if key not in set(named))]
    return {key: rows[key] - top for key in in_order}, edges


def _node_size(node: Mapping[str, Any]) -> tuple[float, float]:
    # Whatever its status is and however long it takes: each drawing of a graph is laid out alike.
    second_line = SMALL_CHARACTER * (len(node["kind"]) + MOST_STATUS_CHARACTERS) + 26
    return max(LEAST_NODE, CHARACTER * len(_short(node["name"])) + 44, second_line), NODE_HEIGHT


@lru_cache(maxsize=2)
def _layout(boxes: tuple[tuple[str, Box], ...], edges: tuple[tuple[str, str], ...]) -> Layout:
    return layered_layout(dict(boxes), edges, gap=GAP, row_gap=ROW_GAP)


def _pill_size(name: str) -> tuple[float, float]:
    return SMALL_CHARACTER * len(_short(name)) + 18, PILL_HEIGHT


def _node(
    node: Mapping[str, Any], box: Box, corner: tuple[float, float], told: Mapping[str, str]
) -> str:
    x, y = corner
    status = node["status"].replace(" ", "-")
    classes = f"node {kind_class(node['kind'])} is-{status if node['status'] in MARKS else 'other'}"
    return (
        f'<g class="{classes}" transform="translate({x:.1f} {y:.1f})">'
        f"<title>{escape(_node_facts(node, told))}</title>"
        f'<rect width="{box.width:.1f}" height="{box.height:g}" rx="6"/>'
        f'<rect class="band" width="5" height="{box.height:g}" rx="2.5"/>'
        f'<text x="14" y="17">{escape(_short(node["name"]))}</text>'
        f'<text class="small" x="14" y="33">{escape(_second_line(node))}</text>'
        f'<text class="status" x="{box.width - 10:.1f}" y="17" text-anchor="end">'
        f"{MARKS.get(node['status'], '?')}</text></g>"
    )


def _pill(name: str, box: Box, corner: tuple[float, float], facts: str, is_held: bool) -> str:
    x, y = corner
    return (
        f'<g class="pill{"" if is_held else PALE}" transform="translate({x:.1f} {y:.1f})">'
        f"<title>{escape(name)}: {escape(facts)}</title>"
        f'<rect width="{box.width:.1f}" height="{box.height:g}" rx="{box.height / 2:g}"/>'
        f'<text x="{box.width / 2:.1f}" y="13" text-anchor="middle">'
        f"{escape(_short(name))}</text></g>"
    )


def _edge(points: Sequence[tuple[float, float]], is_held: bool) -> str:
    moved = [(x + MARGIN, y + MARGIN) for x, y in points]
    path = f"M{moved[0][0]:.1f} {moved[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(moved):
        middle = (y1 + y2) / 2
        path += f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="edge{"" if is_held else PALE}" d="{path}"/>'


def _second_line(node: Mapping[str, Any]) -> str:
    if node["status"] in {"done", "failed"}:
        return f"{node['kind'].lower()} · {duration(node['ms'])}"
    return f"{node['kind'].lower()} · {node['status']}"


def _node_facts(node: Mapping[str, Any], told: Mapping[str, str]) -> str:
    lines = [f"{node['name']} ({node['kind'].lower()}): {node['status']}"]
    if node["status"] in {"done", "failed"}:
        lines.append(f"took {duration(node['ms'])}")
    if node["quarantined"]:
        lines.append(f"{plural(node['quarantined'], 'row')} quarantined")
    lines += [f"{name}: {told[name]}" for name in node["outputs"]]
    return "\n".join([*lines, *([node["reason"]] if node["reason"] else [])])


def _dataset_facts(node: Mapping[str, Any]) -> dict[str, str]:
    facts = {}
    for name in node["outputs"]:
        rows, version = node["rows_out"].get(name), node["versions"].get(name)
        known = [f"{number(rows)} rows"] if rows is not None else []
        known += [f"version {version}"] if version is not None else []
        facts[name] = ", ".join(known) or "not counted"
    return facts


def _short(name: str) -> str:
    return name if len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1] + "…"
