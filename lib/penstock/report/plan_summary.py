"""A plan on a terminal: what would run, why, how long it is likely to take, and what stays."""

from collections.abc import Mapping, Sequence
from io import StringIO
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.text import Text

from penstock.plural import plural
from penstock.report.formats import data_size, duration

SIGNS = {"run": ("▸", "bold green", "RUN"), "skip": ("»", "cyan", "skip")}
WIDTH = 100
KIND_WIDTH, TIME_WIDTH = 9, 7
AROUND_CAUSE = 32  # columns that sign, kind, action, time and the gaps take beside the name
LEAST_CAUSE = 40  # columns; where fewer are left, causes stand below the node
INDENT = 4
MOST_NAMES = 6
ROUND_FROM_MS = 10_000


def plan_summary(document: Mapping[str, Any], *, width: int = WIDTH, color: bool = False) -> str:
    """Return a plan as text: a line for each node, then what it all comes to.

    Args:
        document: The plan as plain values.
        width: Columns of the terminal; no name is cut to fit them.
        color: Colour by ANSI codes.

    Returns:
        The lines, without a line end after the last.
    """
    facts = (document["graph"], document["env"], f"as of {document['as_of']}")
    head = Text(" · ".join((*facts, f"planned in {duration(document['planned_ms'])}")))
    head.stylize("bold", 0, len(document["graph"]))
    # A no-break space keeps the count of jobs with its noun.
    said = wrap(plan_sentence(document).replace(" Spark job", "\u00a0Spark\u00a0job"), width)
    last = [Text(line.replace("\u00a0", " "), "bold", no_wrap=True) for line in said]
    lines = [head, *_node_lines(document["nodes"], width), *_remarks(document), *last]
    return rendered(lines, width=width, color=color)


def plan_sentence(document: Mapping[str, Any]) -> str:
    """Return what a plan comes to: what would run, what it costs, what stays as it is."""
    count, run = len(document["nodes"]), len(nodes_to_run(document))
    left_out, jobs = len(document["left_out"]), document["spark_jobs"]
    release = document["release"]
    as_is = f"as released in release {release}" if release else "made already"
    skip = f", {count - run} {_are(count - run)} {as_is}" if count > run else ""
    unselected = f", {left_out} {_are(left_out)} not selected" if left_out else ""
    planning = f" {plural(jobs, 'Spark job')} {'was' if jobs == 1 else 'were'} run."
    if not count:
        said = "The plan holds no nodes"
    elif not run:
        every = f"all {count} nodes are" if count > 1 else "the one node is"
        said = f"Nothing to do: {every} {as_is}"
    else:
        said = f"{run} of {plural(count, 'node')} would run, {_cost(document)}{skip}"
    return f"{said}{unselected}.{planning if jobs >= 0 else ''}"


def nodes_to_run(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the nodes of a plan that would run."""
    return [node for node in document["nodes"] if node["action"] == "run"]


def expected_time(ms: float | None) -> str:
    """Return an expected time, for example "350 ms", "3.2 s", "12 s": no digits nobody knows."""
    if ms is None or ms < ROUND_FROM_MS:
        return duration(ms)
    return duration(round(ms, -3)).replace(".0 s", " s")


def rendered(lines: Sequence[Text], *, width: int, color: bool) -> str:
    """Return lines as a terminal shows them, wrapped at blanks, without blanks at their ends."""
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
    )
    with console.capture() as captured:
        for line in lines:
            console.print(line, highlight=False, soft_wrap=bool(line.no_wrap))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _node_lines(nodes: Sequence[Mapping[str, Any]], width: int) -> list[Text]:
    if not nodes:
        return []
    longest = max(len(node["name"]) for node in nodes)
    names = min(longest, max(width - AROUND_CAUSE, 1))  # a longer one juts out, alone
    is_wide = width - names - AROUND_CAUSE >= LEAST_CAUSE
    heading = f"  {'node':<{names}}  {'kind':<{KIND_WIDTH}}        {'time':>{TIME_WIDTH}}"
    heading += "  why" if is_wide else ""
    lines = [_node_line(node, names, width, is_wide) for node in nodes]
    return [Text(), Text(heading, "dim", no_wrap=True), *lines, Text()]


def _node_line(node: Mapping[str, Any], names: int, width: int, is_wide: bool) -> Text:
    """Say one node in one line; causes and notes too long for it stand below."""
    sign, style, action = SIGNS[node["action"]]
    runs = node["action"] == "run"
    quiet = "" if runs else "dim"
    line = Text.assemble(
        (f"{sign} ", style),
        (f"{node['name']:<{names}}  ", quiet),
        (f"{node['kind']:<{KIND_WIDTH}}  ", "dim"),
        (f"{action:<4}", style),
        no_wrap=True,
    )
    if runs or is_wide:  # on a narrow terminal, the cause of a skip takes the place of its time
        time = expected_time((node["expected"] or {}).get("ms")) if runs else ""
        line.append(f"  {time:>{TIME_WIDTH}}", "dim")
    column = line.cell_len + 2
    indent = column if is_wide else INDENT
    cause = node["cause"]
    is_beside = is_wide or len(cause) <= width - column
    room = width - (column if is_beside else INDENT)
    causes = [cause] if len(cause) <= room else cause.split("; ")
    below = [(text, quiet) for each in causes for text in wrap(each, room)]
    notes = (f"note: {note}" for note in node["notes"])
    below += [(text, "yellow") for note in notes for text in wrap(note, width - indent)]
    for index, (text, style) in enumerate(below):
        line.append("  " if is_beside and not index else "\n" + " " * indent).append(text, style)
    return line


def _cost(document: Mapping[str, Any]) -> str:
    expected = document["expected"] or {}
    if expected.get("ms") is None:
        return "how long it takes will be known after the first run"
    parts = []
    if expected.get("cpu_ms") is not None:
        parts.append(f"{expected_time(expected['cpu_ms'])} CPU")
    if expected.get("shuffle_bytes") is not None:
        parts.append(f"{data_size(expected['shuffle_bytes'])} shuffled")
    unknown = sum(not node["expected"] for node in nodes_to_run(document))
    parts += [f"{plural(unknown, 'node')} of unknown cost not counted"] if unknown else []
    remark = f" ({', '.join(parts)})" if parts else ""
    return f"about {expected_time(expected['ms'])}{remark}"


def _remarks(document: Mapping[str, Any]) -> list[Text]:
    sources = [
        source["name"] + (f" version {source['version']}" if source["version"] else "")
        for source in document["sources"]
    ]
    left_out = [node["name"] for node in document["left_out"]]
    remarks = (("reads", sources), ("not selected", left_out))
    return [Text(f"{name}: {_listed(names)}", "dim") for name, names in remarks if names]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
