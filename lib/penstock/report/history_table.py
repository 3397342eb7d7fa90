"""The releases of a project on a terminal, newest first: who, when, what changed and why."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from penstock.plural import plural
from penstock.report.formats import COMMIT_CHARACTERS, when
from penstock.report.plan_summary import WIDTH, rendered

LABEL_WIDTH = 11
MOST_TOLD = 8
MOST_NAMED = 3  # nodes with one cause; of more, how many they are


def history_table(
    releases: Sequence[Mapping[str, Any]],
    *,
    graph: str = "",
    width: int = WIDTH,
    color: bool = False,
) -> str:
    """Return the releases as text: a head line for each, below it what changed and why.

    Args:
        releases: As plain values, in any order. A note says that a release is a rollback.
        graph: The graph whose releases these are; empty if they are of all graphs.
        width: Columns of the terminal.
        color: Colour by ANSI codes.

    Returns:
        The lines, without a line end after the last. At most eight changes and eight causes of a
        release are told, and how many more there are; nodes with one cause share a line.
    """
    if not releases and graph:
        return f"Nothing of the graph '{graph}' is released."
    if not releases:
        return "Nothing is released yet: the first run that ends well publishes release 1."
    newest_first = sorted(releases, key=lambda release: -release["release_id"])
    blocks = [_block(release, width) for release in newest_first]
    lines = [line for block in blocks for line in (*block, Text())][:-1]
    return rendered(lines, width=width, color=color)


def _block(release: Mapping[str, Any], width: int) -> list[Text]:
    is_current = release["is_current"]
    head = Text.assemble(
        ("● " if is_current else "  ", "green"),
        (f"release {release['release_id']}", "bold green" if is_current else "bold"),
        f"  {when(release['released_at'])} by {release['released_by']}",
        ("  current" if is_current else "", "green"),
        no_wrap=True,
    )
    commit = release["git_commit"][:COMMIT_CHARACTERS]
    origin = f"{release['graph']} run {release['run_id']}" + (
        f", commit {commit}" if commit else ""
    )
    # A no-break space keeps a name with what became of it.
    changes = [change.replace(" ", "\u00a0") for change in _first(release["changes"])]
    facts = (
        ("note", [release["note"]], "yellow"),
        ("changed", [", ".join(changes) or "nothing"], ""),
        ("because", _first(_causes(release)), ""),
        ("from", [origin], "dim"),
    )
    told = (_told(label, texts, style, width) for label, texts, style in facts)
    return [head, *(line for lines in told for line in lines)]


def _causes(release: Mapping[str, Any]) -> list[str]:
    causes = release["causes"]
    if release["release_id"] == 1:
        return ["first release" + (f": {plural(len(causes), 'node')}" if causes else "")]
    nodes: dict[str, list[str]] = {}
    for node, cause in causes.items():
        nodes.setdefault(cause, []).append(node)
    return [
        f"{', '.join(names) if len(names) <= MOST_NAMED else plural(len(names), 'node')}: {cause}"
        for cause, names in nodes.items()
    ]


def _told(label: str, texts: Sequence[str], style: str, width: int) -> list[Text]:
    lines = [line for text in texts for line in wrap(text, max(width - LABEL_WIDTH - 4, 1))]
    return [
        Text.assemble(
            (f"    {'' if index else label:<{LABEL_WIDTH}}", "dim"),
            (line.replace("\u00a0", " "), style),
        )
        for index, line in enumerate(lines)
    ]


def _first(texts: Sequence[str]) -> list[str]:
    rest = len(texts) - MOST_TOLD
    return [*texts[:MOST_TOLD], *([f"and {rest} more"] if rest > 0 else [])]
