"""One report of a run as a section of its page: metrics as cards, figures, tables."""

from collections.abc import Mapping
from html import escape
from typing import Any

from penstock.evidence import Evidence, Figure
from penstock.report.cards import card, cards
from penstock.report.figures import figure_svg
from penstock.report.formats import label, number
from penstock.report.tables import evidence_table

PAIRED = {2, 4}  # numbers of figures that would leave a row of three half empty


def evidence_section(name: str, document: Mapping[str, Any]) -> str:
    """Return the section of one report.

    Args:
        name: The report's dataset.
        document: `Evidence.to_json()`.
    """
    body = evidence_body(Evidence.from_json(dict(document)))
    return f'<section><h2>Report <span class="mono">{escape(name)}</span></h2>{body}</section>'


def evidence_body(evidence: Evidence) -> str:
    """Return metrics as cards, then figures, then tables; nothing for what there is none of."""
    figures = "".join(_figure(figure) for figure in evidence.figures.values())
    paired = " paired" if len(evidence.figures) in PAIRED else ""
    tables = "".join(evidence_table(table) for table in evidence.tables.values())
    return (
        cards(_metric_cards(evidence.metrics), small=True)
        + (f'<div class="figures{paired}">{figures}</div>' if figures else "")
        + (f'<div class="tables">{tables}</div>' if tables else "")
    )


def _metric_cards(metrics: Mapping[str, float | None]) -> list[str]:
    bounds = {
        f"{name}_{side}"
        for name in metrics
        for side in ("low", "high")
        if {f"{name}_low", f"{name}_high"} <= metrics.keys()
    }
    shown = []
    for name, value in metrics.items():
        if name not in bounds:
            low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
            interval = f"{number(low)} to {number(high)}" if f"{name}_low" in bounds else ""
            shown.append(card(label(name), number(value), interval))
    return shown


def _figure(figure: Figure) -> str:
    note = f'<p class="note">{escape(figure.note)}</p>' if figure.note else ""
    caption = f"<figcaption>{escape(figure.title)}</figcaption>"
    return f'<figure class="panel">{caption}{figure_svg(figure)}{note}</figure>'
