"""What was observed of a tool, and how the state of its tables is read.

Reads Delta logs and Parquet files itself, so that the tool under observation has no part in it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

AS_BEFORE, NEW, EMPTY, UNREADABLE, MISSING = "as before", "new", "empty", "unreadable", "missing"
LONGEST_MESSAGE = 300
# What tells an error from the frames above it and the hints below it.
_ERROR = re.compile(r"^(?:[\w.]*(?:Error|Exception)\b.*|.*\[[A-Z_.]{8,}\].*)$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Fault:
    """A mistake planted in a project that ran before.

    Attributes:
        check: The command that looks for mistakes without running.
        found_by_check: Whether it ended with an error.
        found_before: Whether the mistake came to light before any table changed: by the check,
            or else by the run.
        seconds: Of the command that found it.
        message: The error as the tool says it.
        changed: Tables the failing run had changed by then, with what became of them.
    """

    name: str
    check: str
    found_by_check: bool
    found_before: bool
    seconds: float
    message: str
    changed: Mapping[str, str]


@dataclass(frozen=True)
class Rerun:
    """A run after the first.

    Attributes:
        change: What was changed since the last run.
        of_first: Seconds as a share of the first run's.
        nodes: What ran again.
        spark_jobs: Spark jobs it launched.
        right: Whether the decisions are now what the change asks for.
    """

    change: str
    command: str
    seconds: float
    of_first: float
    nodes: tuple[str, ...]
    spark_jobs: int
    right: bool


@dataclass(frozen=True)
class Kill:
    """A run of changed parameters, killed with SIGKILL.

    Attributes:
        moment: When it was to be killed.
        was_killed: Whether it was; else it had ended by then.
        tables: Table to its state, against that before the run.
        mixed: Whether readers see tables of both runs side by side.
        lost: Tables that can no longer be read, or have no rows.
        nodes_after: What ran when the same command was called again.
        recovered: Whether after that all tables are those of the changed parameters.
    """

    moment: str
    was_killed: bool
    tables: Mapping[str, str]
    mixed: bool
    lost: tuple[str, ...]
    nodes_after: tuple[str, ...]
    recovered: bool


@dataclass(frozen=True)
class Observations:
    """All that was observed of one tool."""

    tool: str
    version: str
    first_seconds: float
    first_jobs: int
    faults: tuple[Fault, ...]
    reruns: tuple[Rerun, ...]
    kills: tuple[Kill, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TableState:
    """A Delta table as a reader finds it.

    Attributes:
        version: Of the last commit; -1: there is no table.
        files: Data files the log names.
        rows: None if one of the files is not there.
        digest: Of the rows, whatever their order and files.
    """

    version: int
    files: frozenset[str]
    rows: int | None
    digest: str


def table_state(folder: Path, at: int | None = None) -> TableState:
    """Read the state of a Delta table, as it is now or at a version, from its log and files."""
    version, files = active_files(folder, at)
    if version < 0:
        return TableState(version, files, None, "")
    try:
        parts = [pyarrow.parquet.read_table(folder / name) for name in sorted(files)]
    except (OSError, pyarrow.ArrowInvalid):
        return TableState(version, files, None, "")
    rows = sorted(_text(row) for part in parts for row in part.to_pylist())
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return TableState(version, files, len(rows), digest)


def released(folder: Path) -> dict[str, int]:
    """Return the version of each table that the last row of a table of releases names."""
    _, files = active_files(folder)
    rows = [row for name in files for row in pyarrow.parquet.read_table(folder / name).to_pylist()]
    newest = max(rows, key=lambda row: row["release_id"], default={"pins": ()})
    return {name: int(version) for name, version in newest["pins"] if version.isdigit()}


def active_files(folder: Path, at: int | None = None) -> tuple[int, frozenset[str]]:
    """Replay a Delta log, up to a version: the last commit, and the data files then current."""
    version, files = -1, set[str]()
    for commit in sorted((folder / "_delta_log").glob("*.json")):
        if at is not None and int(commit.stem) > at:
            break
        version = int(commit.stem)
        for line in commit.read_text("utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                files.add(action["add"]["path"])
            elif "remove" in action:
                files.discard(action["remove"]["path"])
    return version, frozenset(files)


def _text(value: Any) -> str:
    # Sums of partitions come in any order, so the last digits of what is fitted are not the run's.
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return repr(value)
    return f"({', '.join(map(_text, value))})"


def compare(before: TableState, after: TableState) -> str:
    """Say in a word what became of a table."""
    if after.version < 0:
        return MISSING
    if after.rows is None:
        return UNREADABLE
    if not after.rows:
        return EMPTY
    return AS_BEFORE if after.digest == before.digest else NEW


def error_message(output: str) -> str:
    """Return the last error a tool printed, in one line."""
    errors = _ERROR.findall(_COLOUR.sub("", output))
    lines = output.strip().splitlines()
    message = errors[-1] if errors else lines[-1] if lines else ""
    return " ".join(message.split())[:LONGEST_MESSAGE]


def spark_jobs(event_logs: Path) -> dict[str, int]:
    """Return the number of Spark jobs in each event log of a folder."""
    start = '"Event":"SparkListenerJobStart"'
    return {log.name: log.read_text("utf-8").count(start) for log in event_logs.iterdir()}
