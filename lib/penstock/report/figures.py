"""Figures as inline SVG: one quiet style, readable on light and dark pages, equal bytes each time.

Draws `penstock.evidence.Figure` values; what they show is decided where they are made.
"""

import hashlib
import io
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from textwrap import wrap
from typing import Any

import matplotlib
import numpy
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, MaxNLocator

from penstock.evidence import Figure, Series
from penstock.report.formats import THOUSAND, number

WIDTH_INCHES, HEIGHT_INCHES = 5.6, 3.5
MOST_LABELS = 7
FEW_CATEGORIES, MOST_UPRIGHT = 12, 48  # that have their names side by side, or upright
UPRIGHT_SIZE = 7.5
LONGEST_LABEL, MOST_LINES = 18, 3  # characters in a line of a label, and its lines
MOST_LEGEND_COLUMNS = 3
MOST_CHARACTERS = 60  # of all labels of an axis side by side
GREY: dict[str, dict[str, Any]] = {
    "reference": {"linewidth": 1.2, "dashes": (4, 3)},
    "bound": {"linewidth": 0.9},
}
BAR_SHARE = 0.78
BAR_ALPHA = 0.7
LABEL_DISTANCE = 0.09
OUTSIDE = 1.02

# The series: Okabe and Ito's colours that no common colour blindness confuses (2008), as variables
# that a dark page may brighten.
SERIES_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# Stand-ins for colours that belong to the page; matplotlib itself knows no variables.
INK, MUTED, GRID = "#010203", "#010204", "#010205"
PAGE_COLOURS = {
    INK: "currentColor",
    MUTED: "var(--muted, #6e7781)",
    GRID: "var(--grid, rgba(128, 128, 128, .22))",
} | {colour: f"var(--series-{i}, {colour})" for i, colour in enumerate(SERIES_COLOURS, start=1)}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "path.simplify": True,
}


# The page of the run and that of the model show the same figures, and drawing takes a while.
@lru_cache(maxsize=128)
def figure_svg(figure: Figure) -> str:
    """Draw a figure as an SVG element to stand inside a page.

    Args:
        figure: Series of equal length in x and y; a text as x makes the axis categorical, in order
            of first appearance; None, NaN and infinite y leave a gap.

    Returns:
        One `<svg>` element of a few kilobytes, with the title as its accessible name. Equal figures
        give equal bytes, and no two figures share an id, so many can stand in one page.
    """
    salt = hashlib.sha256(repr(figure).encode()).hexdigest()[:12]
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": salt}):
        canvas = Canvas(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        drawer: Any = FigureCanvasSVG(canvas)
        canvas.patch.set_alpha(0)
        axes = canvas.add_subplot()
        _draw(axes, figure)
        image = io.StringIO()
        # `savefig` would draw all of it once more beforehand, without looking at it.
        drawer.print_svg(image, metadata={"Date": None})
    return _for_a_page(image.getvalue(), figure.title)


def _draw(axes: Axes, figure: Figure) -> None:
    categories = _categories(figure.series)
    axes.set_xlabel(_plain(figure.x_label))
    axes.set_ylabel(_plain(figure.y_label))
    bars = [series for series in figure.series if series.mark == "bars"]
    coloured = [series for series in figure.series if series.mark not in GREY]
    for series in figure.series:
        x = [float(categories.index(str(v)) if categories else v) for v in series.x]
        if series.mark in GREY:
            axes.plot(x, _gaps(series.y), color=MUTED, label=series.name, **GREY[series.mark])
            continue
        colour = SERIES_COLOURS[coloured.index(series) % len(SERIES_COLOURS)]
        if series.mark == "bars":
            width = _bar_width(x) / len(bars)
            shift = (bars.index(series) - (len(bars) - 1) / 2) * width
            centres = [value + shift for value in x]
            drawn = axes.bar(centres, _gaps(series.y), width, color=colour, alpha=BAR_ALPHA)
            drawn.set_label(series.name)
        else:
            is_points = series.mark == "points" or len(x) == 1
            [curve] = axes.plot(x, _gaps(series.y), color=colour, label=series.name)
            curve.set(marker="o", markersize=5, linestyle="none") if is_points else None
    _scale(axes, figure, categories)
    _name_series(axes, figure.series)


def _scale(axes: Axes, figure: Figure, categories: Sequence[str]) -> None:
    axes.margins(x=0.02, y=0.06)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    is_bars = any(series.mark == "bars" for series in figure.series)
    if categories:
        _name_categories(axes, categories, is_bars=is_bars)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    if is_bars:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if not any(math.isfinite(y) for series in figure.series for y in _gaps(series.y)):
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", color=MUTED)


def _name_categories(axes: Axes, categories: Sequence[str], *, is_bars: bool) -> None:
    """Name each bar, upright if they are many; of many points, which are periods, only some."""
    axes.grid(visible=False, axis="x")
    if is_bars and FEW_CATEGORIES < len(categories) <= MOST_UPRIGHT:
        labels = [_plain(_short(name).split("\n")[0]) for name in categories]
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=UPRIGHT_SIZE)
        return
    step = math.ceil(len(categories) / MOST_LABELS) if len(categories) > FEW_CATEGORIES else 1
    shown = list(range(0, len(categories), step))
    labels = [_plain(_short(categories[i])) for i in shown]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    axes.set_xticks(shown, labels)
    if len(shown) > 1 and longest * len(shown) > MOST_CHARACTERS:
        axes.set_xticks(shown, labels, rotation=30, ha="right", rotation_mode="anchor")


def _name_series(axes: Axes, series: Sequence[Series]) -> None:
    named = [line for line in series if line.name and any(map(math.isfinite, _gaps(line.y)))]
    if len(named) <= 1:
        return
    ends = [_gaps(line.y)[-1] for line in named]
    if all(line.mark == "line" for line in named) and _are_apart(ends, axes.get_ylim()):
        for drawn, end in zip(axes.get_lines(), ends, strict=True):
            name, right = str(drawn.get_label()), numpy.asarray(drawn.get_xdata())[-1]
            axes.text(right, end, f"\u00a0{_plain(name)}", color=drawn.get_color(), va="center")
        return
    columns = min(len(named), MOST_LEGEND_COLUMNS)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, OUTSIDE), ncols=columns, handlelength=1.4)


def _are_apart(ends: Sequence[float], limits: tuple[float, float]) -> bool:
    least = LABEL_DISTANCE * (limits[1] - limits[0])
    ordered = sorted(ends)
    return all(math.isfinite(end) for end in ends) and all(
        right - left >= least for left, right in zip(ordered, ordered[1:], strict=False)
    )


def _categories(series: Sequence[Series]) -> list[str]:
    if not any(isinstance(value, str) for line in series for value in line.x):
        return []
    return list(dict.fromkeys(str(value) for line in series for value in line.x))


def _gaps(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None or not math.isfinite(value) else value for value in values]


def _bar_width(x: Sequence[float]) -> float:
    ordered = sorted(set(x))
    steps = [right - left for left, right in zip(ordered, ordered[1:], strict=False)]
    return BAR_SHARE * min(steps, default=1.0)


def _tick(value: float) -> str:
    rounded = round(value, 10)
    return number(rounded) if abs(rounded) >= THOUSAND else f"{rounded:g}"


def _short(text: str) -> str:
    """Break a text into a few lines; the last ends in "…" if not all of it has room."""
    lines = wrap(text, LONGEST_LABEL, max_lines=MOST_LINES, placeholder="…")
    return "\n".join(lines)


def _plain(text: str) -> str:
    # matplotlib would read $…$ as mathematics and stop at a lone one.
    return text.replace("$", r"\$")


def _for_a_page(image: str, title: str) -> str:
    svg = image[image.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    # A rule for `*` would reach the whole page; the same rule stands on the element below.
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    for colour, variable in PAGE_COLOURS.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"\n\s*", "\n", svg)
    body = svg[svg.index(">") + 1 :]
    width, height = WIDTH_INCHES * 72, HEIGHT_INCHES * 72
    return (
        f'<svg class="figure" viewBox="0 0 {width:g} {height:g}" role="img" '
        'stroke-linejoin="round" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<title>{escape(title)}</title>{body}"
    )
