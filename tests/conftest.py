"""The one Spark session that all tests share, and one run of the lending graph to look at."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import OWN_EXECUTOR, SMALL, do, logged_in

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

# One of several processes has no main module with a name, which pyspark takes for its own doctests.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

# What takes longest, in this order: then no process ends long after the others.
LONGEST = (
    "tests/graphs/test_lending.py",
    "tests/test_tutorial.py",
    "tests/graphs/test_scorecard",
    "tests/engine/test_skipping.py",
    "tests/learn/tuning/test_search.py",
    "tests/engine/test_planner.py",
    "tests/store/test_releases.py",
    "tests/engine/test_runner.py",
    "tests/test_cli.py",
    "tests/learn/challenger/test_pd.py",
    "tests/test_jobs.py",
    "tests/engine/",
    "tests/graphs/",
    "tests/learn/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: [not item.nodeid.startswith(long) for long in LONGEST])


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a small local session with Delta; leave no view, cache or setting behind."""
    # Imported here, so that tests that need no table need no Spark either.
    from sqlalchemy import Engine, event

    from penstock.session import start_test_session

    # Each of MLflow's calls would wait for the disk; no test cuts the power.
    event.listen(Engine, "connect", lambda to, _: to.execute("PRAGMA synchronous = OFF"))
    session = start_test_session(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow folder without runs: to create its tables takes seconds, to copy it none."""
    from penstock.conf import RunConf
    from penstock.store.home import Home
    from penstock.store.tracking import open_tracking

    home = Home(tmp_path_factory.mktemp("mlflow"))
    home.prepare()
    open_tracking(RunConf("", "", "tests", 4), home)
    return home.mlflow


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]
) -> tuple[Path, Any]:
    """Let one of several processes call `make` on a folder, for all.

    Returns:
        The folder, to be copied before it is changed, and what `make` has returned, as JSON has it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    folder.mkdir(exist_ok=True)
    made = folder / "made.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(make(folder)))
    return folder, json.loads(made.read_text())


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """Run the lending graph on a small book, by spark-submit, on an executor of its own.

    Returns:
        The state folder, to be copied before it is changed; the outcome; standard error. Beside
        the folder, in `events`, is Spark's own log of the run.
    """

    def run(folder: Path) -> tuple[dict[str, Any], str]:
        # An executor in a process of its own proves that the package and its settings reach it.
        home, events = folder / "home", folder / "events"
        events.mkdir(exist_ok=True)
        code, out, err = do(home, *OWN_EXECUTOR, *logged_in(events), "run", *SMALL, "--json")
        assert code == 0, err
        return json.loads(out.splitlines()[-1]), err

    folder, (outcome, err) = made_once(tmp_path_factory, "first_run", run)
    return folder / "home", outcome, err


@pytest.fixture(scope="module")
def home(
    first_run: tuple[Path, dict[str, Any], str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a copy of the first run's state folder, for the tests of one module to change."""
    return shutil.copytree(first_run[0], tmp_path_factory.mktemp("home") / "state")
