"""A project at work: its tool run as a person would run it, watched, and killed when asked."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers.layout import environment, plant, undo
from bench.peers.observed import TableState, released, spark_jobs, table_state
from bench.peers.projects import PENSTOCK, Edit, Tool

MOST_SECONDS = 600
SETTLES_IN_S = 30
LOOK_EVERY_S = 0.002


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    command: str
    code: int
    seconds: float
    output: str
    nodes: tuple[str, ...]
    spark_jobs: int


@dataclass
class Project:
    """A tool's project at work in a folder."""

    tool: Tool
    work: Path
    environment: Path = field(default_factory=environment)

    def call(self, *arguments: str, kill_when: Callable[[], bool] | None = None) -> Ended:
        """Run the tool; with `kill_when`, kill it and all it started once that holds."""
        known = spark_jobs(self.work / "events")
        with tempfile.TemporaryFile("w+", errors="replace") as out:
            started = time.perf_counter()
            process = subprocess.Popen(
                [*self._program(), *arguments],
                cwd=self.work,
                env=self._environ(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if kill_when:
                _watch(process, kill_when)
            code = process.wait(MOST_SECONDS)
            seconds = time.perf_counter() - started
            _wait_for_the_rest(process.pid)
            out.seek(0)
            output = out.read()
        now = spark_jobs(self.work / "events")
        return Ended(
            " ".join((Path(self._program()[-1]).name, *arguments)),
            code,
            seconds,
            output,
            tuple(re.findall(self.tool.completed, output)),
            sum(now.values()) - sum(known.values()),
        )

    def run(self, *arguments: str, kill_when: Callable[[], bool] | None = None) -> Ended:
        """Run the graph."""
        return self.call(*self.tool.run, *arguments, kill_when=kill_when)

    def tables(self) -> dict[str, TableState]:
        """Return the state of every table, as its readers see it."""
        logs = sorted((self.work / self.tool.tables).glob("*/_delta_log"))
        names = [log.parent.name for log in logs if log.parent.name != self.tool.releases]
        return {name: self.state(name) for name in names}

    def state(self, name: str) -> TableState:
        """Return the state of a table: the newest, or the one that the last release names."""
        if not self.tool.releases:
            return table_state(self.table(name))
        return table_state(self.table(name), released(self.table(self.tool.releases)).get(name, -1))

    def table(self, name: str) -> Path:
        """Return the folder of a table."""
        return self.work / self.tool.tables / name

    @contextmanager
    def edited(self, *edits: Edit) -> Iterator[None]:
        """Make changes in the project for a while."""
        originals = {edit.file: (self.work / edit.file).read_text("utf-8") for edit in edits}
        for edit in edits:
            plant(self.work, edit)
        try:
            yield
        finally:
            for edit in edits:
                undo(self.work, edit, originals[edit.file])

    def _program(self) -> list[str]:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        *shell, file = self.tool.program
        return [*shell, str(self.environment / file.format(python=python, work=self.work))]

    def _environ(self) -> dict[str, str]:
        ours = ("PYTHONPATH", "SPARK_HOME", "VIRTUAL_ENV", "PYSPARK_SUBMIT_ARGS")
        return {
            **{key: value for key, value in os.environ.items() if key not in ours},
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.work),
            "PYSPARK_PYTHON": str(self.environment / "bin" / "python"),
            "SPARK_CONF_DIR": str(self.work / "conf" / "spark"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PENSTOCK_ENV": sys.prefix,
            "PENSTOCK_HOME": str(self.work / "var"),
            "DO_NOT_TRACK": "1",
            "COLUMNS": "400",
        }

    @property
    def version(self) -> str:
        """Version of the tool."""
        if self.tool is PENSTOCK:
            return "this commit"
        pattern = f"lib/python*/site-packages/{self.tool.package}-*.dist-info"
        [folder] = self.environment.glob(pattern)
        return folder.name.removesuffix(".dist-info").rpartition("-")[2]


def _wait_for_the_rest(group: int) -> None:
    # A JVM outlives the Python that started it by a moment, and renames its event log last.
    deadline = time.monotonic() + SETTLES_IN_S
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.1)


def _watch(process: subprocess.Popen[bytes], kill_when: Callable[[], bool]) -> None:
    while process.poll() is None:
        if kill_when():
            os.killpg(process.pid, signal.SIGKILL)
            return
        time.sleep(LOOK_EVERY_S)
