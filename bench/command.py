"""Run a job by the command that a person types, and watch the time and the memory it takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import NodeFailed

PROJECT = Path(__file__).resolve().parents[1]
PROCESSES = Path("/proc")
SAMPLED_EVERY_S = 0.2
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Peaks:
    """Most resident memory, in MB, of the two processes that make up the driver."""

    jvm: float
    python: float


@dataclass(frozen=True)
class Run:
    """A job that went through.

    Attributes:
        home: Its state folder.
        seconds: Wall time of the whole command, from the shell's prompt to the shell's prompt.
        peaks: None on a system without /proc.
        record: `run.json` of the run, as `penstock.record` describes it.
    """

    home: Path
    seconds: float
    peaks: Peaks | None
    record: dict[str, Any]

    def metrics(self, report: str) -> dict[str, Any]:
        """Return the metrics of one report dataset."""
        metrics: dict[str, Any] = self.record["evidence"][report]["metrics"]
        return metrics

    def node(self, name: str) -> dict[str, Any]:
        """Return the record of one node."""
        node: dict[str, Any] = next(n for n in self.record["nodes"] if n["name"] == name)
        return node

    def dataset(self, name: str) -> dict[str, Any]:
        """Return where one dataset lies and which version of it the run wrote."""
        dataset: dict[str, Any] = next(d for d in self.record["datasets"] if d["name"] == name)
        return dataset


def run_job(home: Path, *options: str) -> Run:
    """Run `./spark-submit.sh run` with these options in a state folder of its own.

    Raises:
        NodeFailed: The command failed; with its last words.
    """
    command = ["./spark-submit.sh", "run", "--json", "--quiet", *options]
    environment = {**os.environ, "PENSTOCK_HOME": str(home)}
    # Files, because a full pipe would stop the command while its memory is being watched.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=out, stderr=err)
        peaks = _watch(process)
        seconds = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise NodeFailed(
                f"`{' '.join(command)}` ended with {process.returncode}: {err.read()[-2000:]}"
            )
        outcome = json.loads(out.read().splitlines()[-1])
    record = json.loads((home / "runs" / outcome["run_id"] / "run.json").read_text("utf-8"))
    return Run(home, seconds, peaks, record)


def python_path() -> str:
    """Return the path on which another Python finds penstock and the benches."""
    return ":".join((str(PROJECT / "lib"), str(PROJECT), os.environ.get("PYTHONPATH", "")))


def run_module(module: str, *words: str) -> None:
    """Run a module of the benches in a Python of its own.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": python_path()},
        text=True,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ended.returncode:
        raise NodeFailed(f"{module} ended so: {ended.stderr[-2000:]}")


def cpu_seconds(ancestor: int) -> float:
    """Return the CPU that a process and all that descend from it have used so far.

    What has ended counts once its parent has taken note, as a Python worker's does.
    """
    ticks = 0
    for pid in _family(ancestor):
        try:
            stat = (PROCESSES / str(pid) / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(ancestor: int) -> float:
    """Return the memory that a process and all that descend from it hold now, in MB.

    What they share counts for each of them.
    """
    pages = 0
    for pid in _family(ancestor):
        try:
            pages += int((PROCESSES / str(pid) / "statm").read_text().split()[1])
        except OSError:  # it ended meanwhile
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has held, in MB; 0 without /proc."""
    return _name_and_peak(pid)[1]


def peak_family_mb(ancestor: int) -> float:
    """Return the sum of the most that a process and all that descend from it have held, in MB."""
    return sum(peak_mb(pid) for pid in _family(ancestor))


def _watch(process: subprocess.Popen[bytes]) -> Peaks | None:
    jvm = python = 0.0
    while True:
        try:
            process.wait(SAMPLED_EVERY_S)
            return Peaks(jvm, python) if python else None
        except subprocess.TimeoutExpired:
            for pid in _family(process.pid):
                name, peak = _name_and_peak(pid)
                if name == "java":
                    jvm = max(jvm, peak)
                elif pid == process.pid:
                    python = max(python, peak)


def _family(ancestor: int) -> set[int]:
    """Return the process and all that descend from it; empty without /proc."""
    parents = {}
    for stat in PROCESSES.glob("[0-9]*/stat"):
        try:
            # The second field is the program's name in brackets, which may hold anything.
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(stat.parent.name)] = int(after_name[1])
    family = {ancestor} if parents else set()
    while more := {p for p, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _name_and_peak(pid: int) -> tuple[str, float]:
    """Return the program and its peak so far in MB, which the kernel itself keeps."""
    try:
        lines = (PROCESSES / str(pid) / "status").read_text().splitlines()
    except OSError:
        return "", 0.0
    fields = dict(line.split(":", 1) for line in lines)
    kibibytes = int(fields.get("VmHWM", "0 kB").split()[0])
    return fields["Name"].strip(), kibibytes * 1024 / MEGABYTE
