"""What a person sees while a run goes on: a live terminal, plain lines, or nothing.

Shows what it is told and decides nothing. All methods may be called from any thread; the caller
ends with `run_finished`, also after Ctrl-C, so that the terminal is left as it was.
"""

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from penstock.record import NodeRecord, NodeStatus, Progress

SECONDS_PER_MINUTE = 60
NOTHING_RUNS = "nothing has changed: no node runs"
FATES = ("quarantined", "dropped", "warned")  # of rows that broke a rule
REFRESHES_PER_SECOND = 8

SIGNS: dict[NodeStatus, tuple[str, str]] = {
    "done": ("✓", "green"),
    "skipped": ("»", "cyan"),
    "failed": ("✗", "bold red"),
    "not run": ("·", "dim"),
}


class QuietProgress:
    """Shows nothing."""

    def run_started(self, nodes: Sequence[tuple[str, str]]) -> None:
        """Show nothing."""

    def node_started(self, name: str) -> None:
        """Show nothing."""

    def node_finished(self, record: NodeRecord) -> None:
        """Show nothing."""

    def run_finished(self, status: str) -> None:
        """Show nothing."""


class LogProgress:
    """Plain lines with UTC time stamps, for files and clusters."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`; to standard error if it is None."""
        self._stream = stream or sys.stderr
        self._lock = Lock()
        self._started: float | None = None

    def run_started(self, nodes: Sequence[tuple[str, str]]) -> None:
        """Write one line with the number of nodes, or that there is nothing to do."""
        self._started = time.monotonic()
        self._write(f"run started: {_nodes(len(nodes))}" if nodes else NOTHING_RUNS)

    def node_started(self, name: str) -> None:
        """Write one line."""
        self._write(f"{name} started")

    def note(self, line: str) -> None:
        """Write a line that a stage says while it works."""
        self._write(f"  {line}")

    def node_finished(self, record: NodeRecord) -> None:
        """Write one line with rows, quarantine and time, or the first line of the reason."""
        self._write(
            f"{record.name} {record.status}: {', '.join(_facts(record)) or 'no rows counted'}"
        )

    def run_finished(self, status: str) -> None:
        """Write one line with the run's status and time."""
        if self._started is not None:
            self._write(f"run {status}: {_seconds(time.monotonic() - self._started)}")
        self._started = None

    def _write(self, line: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._lock:
            self._stream.write(f"{stamp} {line}\n")
            self._stream.flush()


class TerminalProgress:
    """A live line for each running node, finished nodes as lasting lines above them."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on `console`; on standard error if it is None."""
        self._console = console or Console(stderr=True, highlight=False)
        self._lock = Lock()
        self._running: dict[str, tuple[float, Spinner]] = {}
        self._total = self._finished = self._width = 0
        self._began = 0.0
        self._live: Live | None = None

    def run_started(self, nodes: Sequence[tuple[str, str]]) -> None:
        """Begin to draw; the names set the width of the first column. Without nodes, say so."""
        if not nodes:
            self._console.print(Text(NOTHING_RUNS, style="dim"))
            return
        self._total, self._finished = len(nodes), 0
        self._width = max((len(name) for name, _ in nodes), default=0)
        self._began = time.monotonic()
        # Standard output carries the result of `--json`: it must not pass through this console.
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )
        atexit.register(self._stop)  # the cursor comes back even if nobody could say goodbye
        self._live.start()

    def node_started(self, name: str) -> None:
        """Add a live line."""
        with self._lock:
            self._running[name] = (time.monotonic(), Spinner("dots", style="cyan"))

    def note(self, line: str) -> None:
        """Print a lasting line that a stage says while it works."""
        self._console.print(Text(f"  {line}", style="dim"), soft_wrap=False)

    def node_finished(self, record: NodeRecord) -> None:
        """Turn the live line into a lasting one."""
        with self._lock:
            self._running.pop(record.name, None)
            self._finished += 1
        self._console.print(_line(record, self._width), soft_wrap=False)

    def run_finished(self, status: str) -> None:
        """Take the live lines away and give the cursor back."""
        with self._lock:
            self._running.clear()
        self._stop()

    def _stop(self) -> None:
        live, self._live = self._live, None
        atexit.unregister(self._stop)
        if live:
            live.stop()

    def _draw(self) -> Group:
        now = time.monotonic()
        with self._lock:
            running = list(self._running.items())
            total = f"{self._finished} of {_nodes(self._total)}  {_seconds(now - self._began)}"
        lines = Table.grid(padding=(0, 1))
        for name, (since, spinner) in running:
            lines.add_row(
                spinner, name.ljust(self._width), Text(_seconds(now - since), style="dim")
            )
        return Group(lines, Text(total, style="dim"))


class _Notes(logging.Handler):
    """Shows what stages say while they work: the records of their logger at INFO and above."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        self._show(record.getMessage())


def make_progress(quiet: bool) -> Progress:
    """Return the progress that fits where standard error goes.

    What the suite's code logs at INFO is shown too, as long as no other progress is made.

    Args:
        quiet: Show nothing at all.

    Returns:
        Live lines on a terminal; plain lines in a file, a pipe, CI or a terminal that cannot move
        its cursor.
    """
    logger = logging.getLogger("penstock")
    logger.setLevel(logging.INFO)
    for handler in [each for each in logger.handlers if isinstance(each, _Notes)]:
        logger.removeHandler(handler)
    if quiet:
        return QuietProgress()
    is_plain = bool(os.environ.get("CI")) or os.environ.get("TERM") in {"dumb", "unknown"}
    progress = TerminalProgress() if sys.stderr.isatty() and not is_plain else LogProgress()
    logger.addHandler(_Notes(progress.note))
    return progress


def _line(record: NodeRecord, width: int) -> Text:
    sign, style = SIGNS[record.status]
    quiet = "dim" if record.status in {"skipped", "not run"} else ""
    line = Text.assemble((f"{sign} ", style), (record.name.ljust(width), quiet))
    for fact in _facts(record):
        is_cause = record.status == "failed" and fact == _first(record)
        warning = "yellow" if fact.endswith(FATES) else "dim"
        line.append(f"  {fact}", style="red" if is_cause else warning)
    return line


def _facts(record: NodeRecord) -> list[str]:
    if record.status in {"failed", "not run"}:
        time_taken = [_seconds(record.ms / 1000)] if record.status == "failed" else []
        return [*time_taken, _first(record) or record.status]  # a sentence comes last
    counted = [rows for rows in record.rows_out.values() if rows is not None]
    facts = [f"{sum(counted):,} row{'' if sum(counted) == 1 else 's'}"] if counted else []
    fates = zip(FATES, (record.quarantined, record.dropped, record.warned), strict=True)
    facts += [f"{rows:,} {fate}" for fate, rows in fates if rows]
    if record.status == "skipped":
        return [*facts, _first(record) or "skipped"]
    return [*facts, _seconds(record.ms / 1000)]


def _first(record: NodeRecord) -> str:
    return next((line.strip() for line in record.reason.splitlines() if line.strip()), "")


def _seconds(seconds: float) -> str:
    if seconds < SECONDS_PER_MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // SECONDS_PER_MINUTE} min {int(seconds) % SECONDS_PER_MINUTE:02d} s"


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"
