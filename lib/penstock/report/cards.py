"""Cards: one number each, with its name above and a remark below."""

from collections.abc import Sequence
from html import escape


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
