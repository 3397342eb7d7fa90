"""The releases of a project on a terminal, newest first: who, when, what changed and why."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from penstock.report.formats import when
from penstock.report.plan_summary import WIDTH, rendered

LABEL_WIDTH = 11
MOST_TOLD = 8
COMMIT_CHARACTERS = 12


def history_table(
    releases: Sequence[Mapping[str, Any]], *, width: int = WIDTH, color: bool = False
) -> str:
    """Return the releases as text: a head line for each, below it what changed and why.

    Args:
        releases: As plain values, in any order. A note says that a release is a rollback.
        width: Columns of the terminal.
        color: Colour by ANSI codes.

    Returns:
        The lines, without a line end after the last. At most eight changes and eight causes of a
        release are told, and how many more there are.
    """
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
    facts = (
        ("note", [release["note"]], "yellow"),
        ("changed", [", ".join(_first(release["changes"])) or "nothing"], ""),
        ("because", _first(release["causes"]), ""),
        ("from", [origin], "dim"),
    )
    told = (_told(label, texts, style, width) for label, texts, style in facts)
    return [head, *(line for lines in told for line in lines)]


def _told(label: str, texts: Sequence[str], style: str, width: int) -> list[Text]:
    lines = [line for text in texts for line in wrap(text, max(width - LABEL_WIDTH - 4, 1))]
    return [
        Text.assemble((f"    {'' if index else label:<{LABEL_WIDTH}}", "dim"), (line, style))
        for index, line in enumerate(lines)
    ]


def _first(texts: Sequence[str]) -> list[str]:
    rest = len(texts) - MOST_TOLD
    return [*texts[:MOST_TOLD], *([f"and {rest} more"] if rest > 0 else [])]
