"""The comparison as Markdown, for the notes of the engine's bench."""

from collections.abc import Iterable

from bench.peers.observed import AS_BEFORE, Fault, Kill, Observations, Rerun

LONGEST = 160
SECONDS = (
    "Each tool was measured once, one after the other, on a machine that does not always do as "
    "much: seconds compare within a tool, not between tools."
)


def notes_of(seen: Iterable[Observations]) -> tuple[str, ...]:
    """Return three tables and what else is to be known: notes of a bench."""
    tools = list(seen)
    names = ", ".join(f"{t.tool} ({t.version})" for t in tools)
    first = "; ".join(f"{t.tool} {t.first_seconds:.0f} s, {t.first_jobs} Spark jobs" for t in tools)
    return (
        "The same five nodes (clean, features, fit, score, decide; 20,000 loans) in "
        f"{names}. First run: {first}. {SECONDS}",
        _table(
            "What each finds before anything runs, of five mistakes planted one by one. A run that "
            "ends with an error before a table has changed counts as found, after the check did "
            "not find it:",
            ("mistake", *(t.tool for t in tools)),
            [
                (faults[0].name, *map(_fault, faults))
                for faults in zip(*(t.faults for t in tools), strict=True)
            ],
        ),
        _table(
            "What each does on rerun:",
            (
                "tool",
                "changed",
                "command",
                "seconds (of first)",
                "ran again",
                "Spark jobs",
                "right",
            ),
            [_rerun(t.tool, rerun) for t in tools for rerun in t.reruns],
        ),
        _table(
            "What each leaves behind when a run with other features is killed (SIGKILL):",
            (
                "tool",
                "killed",
                "tables changed",
                "both runs mixed",
                "lost",
                "next run ran",
                "mended",
            ),
            [_kill(t.tool, kill) for t in tools for kill in t.kills],
        ),
        *(f"{t.tool}: {note}" for t in tools for note in t.notes),
    )


def _table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a note that holds a table; indented, so that it stays part of its list item."""
    lines = [tuple(head), *map(tuple, rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    table = "\n".join(f"  | {' | '.join(cells)} |" for cells in lines)
    return f"{title}\n\n{table}\n"


def _fault(fault: Fault) -> str:
    message = fault.message.replace("|", "\\|")
    message = f": {message[:LONGEST]}{'…' if len(message) > LONGEST else ''}" if message else ""
    if fault.found_by_check:
        return f"`{fault.check}`, {fault.seconds:.0f} s{message}"
    if fault.found_before:
        return f"by the run, {fault.seconds:.0f} s, no table changed{message}"
    if fault.message:
        changed = ", ".join(f"{name} {state}" for name, state in fault.changed.items())
        return f"not before: the run fails after {fault.seconds:.0f} s with {changed}{message}"
    return "not at all: the run goes through"


def _rerun(tool: str, rerun: Rerun) -> tuple[str, ...]:
    return (
        tool,
        rerun.change,
        f"`{rerun.command}`",
        f"{rerun.seconds:.0f} ({rerun.of_first:.2f})",
        _names(rerun.nodes),
        str(rerun.spark_jobs),
        _yes(rerun.right),
    )


def _kill(tool: str, kill: Kill) -> tuple[str, ...]:
    changed = [f"{name} {s}" for name, s in kill.tables.items() if s != AS_BEFORE]
    return (
        tool,
        kill.moment if kill.was_killed else f"{kill.moment}: it had ended by then",
        _names(changed),
        _yes(kill.mixed),
        _names(kill.lost),
        _names(kill.nodes_after),
        _yes(kill.recovered),
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
