"""Two runs at once: on the same tables without the lock of the state folder, and against it."""

import json
import os
import re
import shutil
import signal
import time

import pytest

from penstock.errors import Conflict
from penstock.store.home import Home
from penstock.store.releases import Releases
from tests.engine.killed_project import MODEL, KilledProject, start
from tests.processes import PATIENCE_S, SMALL, do
from tests.processes import start as start_job

pytestmark = pytest.mark.skipif(
    "PENSTOCK_KILLS" not in os.environ, reason="takes minutes: `make torture` runs it"
)
ROUNDS = int(os.environ.get("PENSTOCK_ROUNDS", "2"))


def ids_of(project, name, pins):
    rows = project.catalog.delta(name).log.rows(int(pins[name]))
    return {row["id"].partition("-")[0] for row in rows}


def alias_of(project):
    client = project.stores.tracking.client
    return str(client.get_model_version_by_alias(MODEL, "champion").version)


def test_of_two_whole_runs_at_once_one_publishes_and_the_other_is_told(tmp_path, empty_mlflow):
    shutil.copytree(empty_mlflow, tmp_path / "mlflow")
    runs = [start(tmp_path, name, first, ROUNDS) for name, first in (("a", 1), ("b", 2))]
    try:
        said = [run.communicate(timeout=PATIENCE_S * ROUNDS) for run in runs]
    finally:
        for run in runs:
            run.kill()
    outs = [[json.loads(line) for line in out.splitlines()] for out, _ in said]
    ended = [[told for told in out if "status" in told] for out in outs]
    assert [len(rounds) for rounds in ended] == [ROUNDS, ROUNDS], said
    project = KilledProject.of(None, Home(tmp_path))
    published = Releases(project.catalog.delta("releases")).all(None)
    assert [release.release_id for release in published] == list(range(1, ROUNDS + 1))
    for release, *both in zip(published, *ended, strict=True):
        winner, loser = sorted(both, key=lambda told: told["release"] is None)
        assert (winner["run"], winner["status"]) == (release.run_id, "ok"), both
        assert (loser["status"], loser["release"]) == ("failed", None)
        assert (
            f"Run {winner['run']} of tester published release {release.release_id}"
            in (loser["error"])
        )
        assert "It moved " in loser["error"] and "bands" in loser["error"]
        # Each run has loans of its own, which bear its number: nothing of the loser's is current.
        mine = {f"l{winner['run'].removeprefix('run-')}"}
        for name in ("loans", "banded", "scored"):
            assert ids_of(project, name, release.pins) == mine
    assert alias_of(project) == published[-1].pins["champion"]


def test_a_run_with_nothing_to_do_keeps_the_aliases_of_a_release_published_meanwhile(
    spark, tmp_path, empty_mlflow
):
    shutil.copytree(empty_mlflow, tmp_path / "mlflow")
    project = KilledProject.of(spark, Home(tmp_path))
    project.write_input(1)
    project.run()
    idle = project.runner()
    project.write_input(2)
    project.run()
    assert idle.run()[1] is None
    assert alias_of(project) == project.current.pins["champion"]


def test_a_second_run_on_a_state_folder_ends_with_6_and_says_who_is_at_work(tmp_path):
    first = start_job(tmp_path, "run", *SMALL)
    try:
        lock = tmp_path / ".run.lock"
        while not (lock.exists() and lock.read_text()):
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        code, out, err = do(tmp_path, "run", *SMALL)
        who = re.search(r"\(process (\d+)\)", err)
        assert who and os.getpgid(int(who[1])) == first.pid, err
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert (code, out) == (Conflict.exit_code, "") and code == 6
    said = " ".join(err.split())
    assert f"Another run is at work on the state folder {tmp_path}: ./spark-submit.sh run" in said
    assert "Nothing was done. Wait for it" in said
    assert not (tmp_path / "tables/releases").exists()
