"""Numbers, times and names as people read them; an unknown value is an en dash."""

import math
from datetime import datetime
from html import escape
from typing import Any

UNKNOWN = "–"
COMMIT_CHARACTERS = 12  # of a commit, as pages and lists name it
MS_PER_SECOND = 1000
MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000
THOUSAND = 1000
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
SMALL = 0.1
NEVER_IN_POINT_NOTATION = 1e-4

INDUSTRY_WORDS = {
    word.lower(): word
    for word in (
        *("AUC", "KS", "Gini", "ECE", "PSI", "CSI", "IV", "PD", "LGD", "EAD", "ROC", "CAP", "H"),
        *("Brier", "Hosmer", "Lemeshow", "Jeffreys", "CCF", "USD"),
    )
}


def number(value: float | None) -> str:
    """Return a number with thousands separators, or to three or four significant digits.

    Args:
        value: Any number; None, NaN and infinities are unknown.

    Returns:
        For example "19,874", "0.7103", "0.00710", "2.1e-05" or an en dash.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if float(value).is_integer() or abs(value) >= THOUSAND:
        return f"{value:,.0f}"
    if abs(value) < NEVER_IN_POINT_NOTATION:
        return f"{value:.2g}"
    return f"{value:#.4g}" if abs(value) >= SMALL else f"{value:#.3g}"


def cell(value: Any) -> str:
    """Return any plain value as text for a table cell (not yet escaped)."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return number(value)
    return str(value) or UNKNOWN


def html_cell(value: Any) -> str:
    """Return any plain value as escaped HTML text."""
    return escape(cell(value))


def duration(ms: float | None) -> str:
    """Return a wall time given in milliseconds, for example "850 ms", "3.2 s", "2 min 05 s"."""
    if ms is None:
        return UNKNOWN
    if ms < MS_PER_SECOND:
        return f"{ms:.0f} ms"
    if ms < MS_PER_MINUTE:
        return f"{ms / MS_PER_SECOND:.1f} s"
    if ms < MS_PER_HOUR:
        minutes, rest = divmod(int(ms), MS_PER_MINUTE)
        return f"{minutes} min {rest // MS_PER_SECOND:02d} s"
    hours, rest = divmod(int(ms), MS_PER_HOUR)
    return f"{hours} h {rest // MS_PER_MINUTE:02d} min"


def data_size(count: float | None) -> str:
    """Return a number of bytes, for example "512 B", "2.1 MB", "20 MB" (1 kB = 1,000 B)."""
    if count is None:
        return UNKNOWN
    unit = 0
    while round(count) >= THOUSAND and unit < len(BYTE_UNITS) - 1:
        count, unit = count / THOUSAND, unit + 1
    is_whole = not unit or round(count, 1) >= 10  # noqa: PLR2004 (two digits say enough)
    return f"{count:.{0 if is_whole else 1}f} {BYTE_UNITS[unit]}"


def moment(iso: str | None) -> datetime | None:
    """Return the moment of an ISO 8601 text; None if it is missing or not a moment."""
    try:
        return datetime.fromisoformat(iso) if iso else None
    except ValueError:
        return None


def elapsed_ms(start: str | None, end: str | None) -> float | None:
    """Return the milliseconds between two ISO 8601 moments; None if either is unknown."""
    first, last = moment(start), moment(end)
    if first is None or last is None or (first.tzinfo is None) != (last.tzinfo is None):
        return None
    return (last - first).total_seconds() * MS_PER_SECOND


def when(iso: str | None) -> str:
    """Return a moment to the second, for example "2026-03-31 08:15:02 UTC"."""
    at = moment(iso)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else UNKNOWN


def label(name: str) -> str:
    """Return a metric's or column's name in words, the industry's in their usual spelling."""
    words = name.replace("_", " ").split()
    return " ".join(INDUSTRY_WORDS.get(word.lower(), word) for word in words) or UNKNOWN
