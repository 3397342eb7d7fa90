"""When each node of a run worked: bars on one time axis, as HTML that wraps to any width."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.report.formats import duration, elapsed_ms, moment
from penstock.report.graph_drawing import kind_class

MOST_TICKS = 5
NICE_STEPS = (1, 2, 5, 10)


def draw_timeline(nodes: Sequence[Mapping[str, Any]], *, started_at: str) -> str:
    """Draw a bar for each node that worked, earliest first.

    Args:
        nodes: Node records as plain values; only those that worked are shown.
        started_at: When the run began (UTC, ISO 8601): the axis starts here.

    Returns:
        A block of HTML, or a sentence if no node worked.
    """
    worked = [node for node in nodes if node["status"] in {"done", "failed"}]
    starts = [(elapsed_ms(started_at, node["started_at"]), node) for node in worked]
    begun = sorted(
        ((max(ms, 0.0), node) for ms, node in starts if ms is not None),
        key=lambda start: (start[0], start[1]["name"]),
    )
    if not begun or moment(started_at) is None:
        return '<p class="muted">No node started.</p>'
    whole = max(1.0, *(ms + node["ms"] for ms, node in begun))
    bars = "".join(_bar(ms, node, whole) for ms, node in begun)
    return f'<div class="gantt">{bars}<span class="corner"></span>{_ticks(whole)}</div>'


def _bar(start_ms: float, node: Mapping[str, Any], whole: float) -> str:
    left, width = 100 * start_ms / whole, 100 * node["ms"] / whole
    failed = " failed" if node["status"] == "failed" else ""
    name, took = escape(node["name"]), duration(node["ms"])
    return (
        f'<span class="name mono" title="{name}">{name}</span>'
        f'<div class="track {kind_class(node["kind"])}" '
        f'title="{name}: from {duration(start_ms)}, {took}"><div class="lane">'
        f'<div class="bar{failed}" style="left:{left:.2f}%;width:{width:.2f}%"></div>'
        f'<span class="took" style="left:{min(left + width, 100):.2f}%">{took}</span></div></div>'
    )


def _ticks(whole: float) -> str:
    rough = whole / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in NICE_STEPS if nice * power >= rough)
    marks = "".join(
        f'<span style="left:{100 * i * step / whole:.2f}%">{_axis_time(i * step)}</span>'
        for i in range(int(whole / step) + 1)
    )
    return f'<div class="ticks">{marks}</div>'


def _axis_time(ms: float) -> str:
    return "0" if ms == 0 else duration(ms).replace(".0 s", " s").replace(" 00 s", "")
