"""Column lineage on a terminal: what a column is made from and what it feeds, table by table."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from rich.text import Text

from penstock.report.lineage_section import ROWS
from penstock.report.plan_summary import WIDTH, rendered

LABEL_WIDTH = 11
LEAST_WIDTH = 24  # columns of the terminal for a list, however long the names beside it are


def lineage_listing(
    columns: Mapping[str, Mapping[str, Sequence[str]]], *, width: int = WIDTH, color: bool = False
) -> str:
    """Return what columns are made from and what they feed, as text.

    Args:
        columns: "dataset.column" to "made_from" and "feeds": names of the same form, a model or
            report by its own name, and "dataset.*" for which rows a table has.
        width: Columns of the terminal; no name is cut to fit them.
        color: Colour by ANSI codes.

    Returns:
        The lines, without a line end after the last: a block for each column, and in it a line for
        each dataset.
    """
    blocks = [_block(name, ways, width) for name, ways in columns.items()]
    lines = [line for block in blocks for line in (*block, Text())][:-1]
    return rendered(lines, width=width, color=color)


def _block(name: str, ways: Mapping[str, Sequence[str]], width: int) -> list[Text]:
    is_raw = list(ways["made_from"]) == [name]
    made_from = {} if is_raw else _by_dataset(ways["made_from"])
    origin = "itself: it is raw" if is_raw else "nothing: a constant"
    feeds = _by_dataset(n for n in ways["feeds"] if not n.endswith(f".{ROWS}"))
    chosen = [n.removesuffix(f".{ROWS}") for n in ways["feeds"] if n.endswith(f".{ROWS}")]
    longest = max(map(len, ("", *made_from, *feeds)))
    return [
        Text(name, "bold", no_wrap=True),
        *_told("made from", made_from or {origin: []}, longest, width),
        *_told("feeds", feeds or {"nothing": []}, longest, width),
        *(_told("chooses", {"rows behind": chosen}, len("rows behind"), width) if chosen else ()),
    ]


def _by_dataset(names: Iterable[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for name in names:
        dataset, _, column = name.partition(".")
        columns.setdefault(dataset, []).extend([column] if column else [])
    return columns


def _told(label: str, groups: Mapping[str, Sequence[str]], longest: int, width: int) -> list[Text]:
    """Return a line for each group, and below it what it does not hold."""
    room = max(width - 2 - LABEL_WIDTH - longest - 2, LEAST_WIDTH)
    lines = [
        (name if not index else "", text)
        for name, listed in groups.items()
        for index, text in enumerate(
            wrap(", ".join(listed), room, break_long_words=False, break_on_hyphens=False) or [""]
        )
    ]
    return [
        Text.assemble(
            (f"  {'' if index else label:<{LABEL_WIDTH}}", "dim"),
            (f"{name:<{longest}}  ", "cyan"),
            text,
            no_wrap=True,
        )
        for index, (name, text) in enumerate(lines)
    ]
