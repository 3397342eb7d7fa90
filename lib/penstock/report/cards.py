"""Cards, one number each with its name above and a remark below, and facts, side by side."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.report.formats import html_cell
from penstock.report.tables import Html


def card(name: str, value: str, under: str = "") -> str:
    """Return a card; all three texts are escaped here, and the remark wraps at its commas."""
    parts = ", ".join(f"<span>{escape(part)}</span>" for part in under.split(", "))
    remark = f'<div class="under">{parts}</div>' if under else ""
    return (
        f'<div class="card"><div class="name">{escape(name)}</div>'
        f'<div class="value">{escape(value)}</div>{remark}</div>'
    )


def cards(shown: Sequence[str], *, small: bool) -> str:
    """Return cards side by side, wrapping to the width; nothing if there are none."""
    if not shown:
        return ""
    return f'<div class="cards{" small-cards" if small else ""}">{"".join(shown)}</div>'


def facts_html(facts: Mapping[str, Any], links: str = "") -> str:
    """Return facts side by side; `links` are HTML already and come last."""
    shown = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{v if isinstance(v, Html) else html_cell(v)}</dd></div>"
        for name, v in facts.items()
    )
    return f'<dl class="facts">{shown}{links}</dl>'
