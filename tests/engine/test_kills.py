"""Runs that are killed at random moments harm nothing, and the next run goes on from there.

`PENSTOCK_KILLS` says how many; `PENSTOCK_SEED` draws the same moments again.
"""

import json
import logging
import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from penstock.store.home import Home
from penstock.store.models import ModelVersion
from penstock.store.releases import Releases
from penstock.store.reports import read_report
from tests.engine.killed_project import MODEL, KilledProject, start
from tests.processes import PATIENCE_S

pytestmark = pytest.mark.skipif(
    "PENSTOCK_KILLS" not in os.environ, reason="takes minutes: `make torture` runs it"
)
KILLS = int(os.environ.get("PENSTOCK_KILLS", "4"))
SEED = int(os.environ.get("PENSTOCK_SEED") or time.time())
VICTIMS = ("driver and JVM", "JVM", "Python worker")
TABLES = ("loans", "loans_quarantine", "banded", "bands", "scored")
log = logging.getLogger(__name__)


@dataclass
class Killed:
    """A state folder with a released state, the runs on it, and undisturbed runs to compare."""

    spark: Any
    folder: Path
    empty_mlflow: Path
    runs: int = 0
    lasts_s: float = 0.0
    process: Any = None
    kills: int = 0
    hits: int = 0
    references: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def project(self):
        return KilledProject.of(self.spark, Home(self.folder), runs=self.runs)

    def run_here(self):
        """Run undisturbed, in this process, whose session is at hand."""
        self.runs += 2
        record, error = KilledProject.of(self.spark, Home(self.folder), runs=self.runs - 1).run()
        assert error is None, str(error)
        return record

    def start(self):
        self.runs += 2
        self.process = start(self.folder, "raw", self.runs)
        return self.process

    def expected(self, seed):
        """Return what an undisturbed run on a folder of its own publishes for an input."""
        if seed not in self.references:
            folder = self.folder.with_name(f"undisturbed-{seed}")
            shutil.copytree(self.empty_mlflow, folder / "mlflow")
            other = Killed(self.spark, folder, self.empty_mlflow)
            other.project.write_input(seed)
            other.run_here()
            self.references[seed] = published(other.project)
        return self.references[seed]


@pytest.fixture(scope="module")
def killed(spark, tmp_path_factory, empty_mlflow):
    folder = tmp_path_factory.mktemp("kills") / "state"
    shutil.copytree(empty_mlflow, folder / "mlflow")
    state = Killed(spark, folder, empty_mlflow)
    state.project.write_input(0)
    process = state.start()
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    begun, told = map(json.loads, out.splitlines())
    state.lasts_s = told["ended"] - begun["begins"]
    yield state
    if state.process.poll() is None:  # a test was broken off
        os.killpg(state.process.pid, signal.SIGKILL)


def newest(project):
    return Releases(project.catalog.delta("releases")).all(None)[-1]


def alias_of(project):
    version = project.stores.tracking.client.get_model_version_by_alias(MODEL, "champion")
    return str(version.version)


def published(project):
    """Return all that readers see through the newest release, read without a JVM.

    Versions are left out: an undisturbed folder counts its own.
    """
    pins, model = newest(project).pins, newest(project).pins["champion"]
    seen: dict[str, Any] = {"coefficients": coefficients(project, model)}
    for name in TABLES:
        rows = project.catalog.delta(name).log.rows(int(pins[name]))
        if name == "scored":
            assert {row.pop("model_version") for row in rows} == {f"{MODEL}/{model}"}
        for row in rows if name == "loans_quarantine" else ():
            row.pop("run_id")
        seen[name] = sorted(map(repr, rows))
    for name in ("paid_report", "paid_verdict"):
        seen[name] = read_report(project.home, pins[name], name)
    return seen


def coefficients(project, version):
    import mlflow

    assert project.stores.registry.has(ModelVersion(MODEL, version))
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{version}"))
    files = [*folder.glob("sparkml/stages/*LinearRegression*/data/*.parquet")]
    [row] = [row for file in files for row in pyarrow.parquet.read_table(file).to_pylist()]
    return repr(row)


def finished(project, run):
    """Return the nodes that a run wrote down as done."""
    path = project.home.run_folder(f"run-{run}") / "run.json"
    nodes = json.loads(path.read_text())["nodes"] if path.exists() else []
    return {node["name"] for node in nodes if node["status"] == "done"}


def processes():
    """Return process id -> (parent, command line) of everything that runs."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            found[int(entry.name)] = int(parent), (entry / "cmdline").read_text()
        except OSError:
            continue  # it has ended
    return found


def below(pid):
    """Return the processes that `pid` started, directly or not: id -> (parent, command line)."""
    everything, mine = processes(), {pid: (0, "")}
    for _ in range(8):
        mine |= {p: facts for p, facts in everything.items() if facts[0] in mine}
    return mine


def victim(process, kind):
    """Return the process to kill, if it is there."""
    mine = below(process.pid)
    for pid, (parent, command) in mine.items():
        is_daemon = "pyspark.daemon" in command
        if kind == "JVM" and "java" in command.split("\0")[0]:
            return pid
        if kind == "Python worker" and is_daemon and "pyspark.daemon" in mine[parent][1]:
            return pid
    return None


def kill(process, kind):
    """Kill what `kind` says, as soon as it is there; return whether there was something to kill."""
    if kind == "driver and JVM":
        is_alive = process.poll() is None
        if is_alive:
            os.killpg(process.pid, signal.SIGKILL)
        return is_alive
    while process.poll() is None:
        if pid := victim(process, kind):
            os.kill(pid, signal.SIGKILL)
            return True
        time.sleep(0.01)
    return False


def end_of(process):
    """Wait for the end of all that holds the process's output, and return what it told of it."""
    out, err = process.communicate(timeout=PATIENCE_S)
    told = [json.loads(line) for line in out.splitlines()]
    return told[-1] if told and "status" in told[-1] else {"status": "killed", "error": err}


def was_at_work(told):
    """Say whether what was killed was missed: the run ended otherwise than well, or tried again."""
    return told["status"] != "ok" or any("was lost and repeated" in n for n in told["notes"])


def begun(process):
    line = process.stdout.readline()
    assert line, process.stderr.read()


def check_nothing_is_mixed(killed, before, base, seed):
    """The released state is all that of before, or all that of the run; never some of each."""
    release, project = newest(killed.project), killed.project
    if release == base:
        assert published(project) == before and alias_of(project) == base.pins["champion"]
        return False
    assert (release.release_id, release.run_id) == (base.release_id + 1, f"run-{killed.runs}")
    assert published(project) == killed.expected(seed)
    # The alias is moved behind the commit, and may still stand where it stood.
    assert alias_of(project) in (base.pins["champion"], release.pins["champion"])
    return True


def check_next_run_goes_on(killed, is_published, done, base, seed):
    """Nodes that the killed run finished are not done again, and the end is the undisturbed one."""
    killed_run = f"run-{killed.runs}"
    record = killed.run_here()
    if is_published:
        assert {node.status for node in record.nodes} == {"skipped"}
    else:
        taken = {n.name for n in record.nodes if n.reason == f"done by run {killed_run}"}
        # What a kill cut off between MLflow's record and `run.json` is taken over, too.
        assert done <= taken
    assert newest(killed.project).release_id == base.release_id + 1
    assert published(killed.project) == killed.expected(seed)
    assert alias_of(killed.project) == newest(killed.project).pins["champion"]


@pytest.mark.parametrize("number", range(1, KILLS + 1))
def test_a_kill_at_a_random_moment_harms_nothing_and_the_next_run_goes_on(killed, number):
    draw = random.Random(SEED + number)
    # Each victim in turn; three inputs in turn, so that there is always something to run.
    kind, seed = VICTIMS[number % len(VICTIMS)], 1 + number % 3
    killed.project.write_input(seed)
    killed.expected(seed)
    before, base = published(killed.project), newest(killed.project)
    process = killed.start()
    begun(process)
    moment = draw.uniform(0, killed.lasts_s)
    time.sleep(moment)
    was_there = kill(process, kind)
    told = end_of(process)
    is_published = check_nothing_is_mixed(killed, before, base, seed)
    done = set() if is_published else finished(killed.project, killed.runs)
    is_hit = was_there and was_at_work(told)
    killed.kills, killed.hits = killed.kills + 1, killed.hits + is_hit
    log.info(
        "kill %s (seed %s): %s after %.2f of %.2f s: %s, run %s, %s nodes done, %s; %s",
        number, SEED, kind, moment, killed.lasts_s, "hit" if is_hit else "too late",
        told["status"], len(done), "published" if is_published else "not published",
        (told.get("error") or "; ".join(told.get("notes", ())))[:160],
    )  # fmt: skip
    assert told["status"] in ("ok", "failed", "killed")
    assert (told["status"] == "ok") <= is_published
    check_next_run_goes_on(killed, is_published, done, base, seed)


def test_at_least_half_of_the_kills_met_a_run_at_work(killed):
    # A driver or a JVM is at work nearly all the time of a run, a Python worker half of it.
    log.info("%s of %s kills met a run at work", killed.hits, killed.kills)
    assert killed.hits >= killed.kills / 2


def kill_when(killed, is_time):
    """Start a run and kill it, driver and JVM, as soon as `is_time`."""
    process = killed.start()
    begun(process)
    while not is_time() and process.poll() is None:
        time.sleep(0.0005)
    kill(process, "driver and JVM")
    return end_of(process)


def orphans(table):
    """Return the data files of a table that no commit speaks of."""
    folder, known = Path(table.path), set()
    for version in range((table.log.latest_version() or 0) + 1):
        known |= {action["path"] for action in table.log.actions(version, "add")}
    return {file.name for file in folder.glob("*.parquet")} - known


def test_a_kill_between_a_tables_files_and_its_commit_harms_nothing(killed):
    table = killed.project.catalog.delta("scored")
    for attempt in range(11, 16):
        killed.project.write_input(attempt)
        killed.expected(attempt)
        before, base, old = published(killed.project), newest(killed.project), orphans(table)
        told = kill_when(killed, lambda old=old: orphans(table) - old)
        is_published = check_nothing_is_mixed(killed, before, base, attempt)
        is_hit = bool(orphans(table) - old)
        done = finished(killed.project, killed.runs)
        log.info("mid-write: %s, %s", "hit" if is_hit else "missed", told["status"])
        check_next_run_goes_on(killed, is_published, done, base, attempt)
        if is_hit:
            assert not is_published and "apply_paid_model_to_loans" not in done
            return
    pytest.fail("No kill met a table between its files and its commit.")


def test_a_kill_between_the_release_and_its_alias_is_mended_by_the_next_run(killed):
    log_of_releases = killed.project.catalog.delta("releases").log
    for attempt in range(21, 26):
        killed.project.write_input(attempt)
        killed.expected(attempt)
        before, base = published(killed.project), newest(killed.project)
        latest = log_of_releases.latest_version()
        kill_when(killed, lambda latest=latest: log_of_releases.latest_version() > latest)
        is_published = check_nothing_is_mixed(killed, before, base, attempt)
        is_hit = is_published and alias_of(killed.project) == base.pins["champion"]
        log.info("between release and alias: %s", "hit" if is_hit else "missed")
        check_next_run_goes_on(killed, is_published, set(), base, attempt)
        if is_hit:
            return
    pytest.fail("No kill met a run between its release and the move of the alias.")
