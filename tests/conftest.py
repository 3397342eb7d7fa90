"""The one Spark session that all tests share, and one run of the lending graph to look at."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.processes import SMALL, do

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

# One of several processes has no main module with a name, which pyspark takes for its own doctests.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

FIRST_RUN = ("tests/graphs/test_lending", "tests/test_jobs.py")  # the modules that look at it


class Modules(LoadFileScheduling):
    """Deals out whole modules, and to one process all that look at the first run."""

    def _split_scope(self, nodeid: str) -> str:
        module: str = super()._split_scope(nodeid)
        return "first run" if module.startswith(FIRST_RUN) else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Modules:
    """Say who of several processes does which tests."""
    return Modules(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that all processes work to the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST_RUN))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a small local session with Delta; leave no view, cache or setting behind."""
    # Imported here, so that tests that need no table need no Spark either.
    from penstock.session import start_test_session

    session = start_test_session(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """Run the lending graph on a small book, by spark-submit, on an executor of its own.

    Returns:
        The state folder, to be copied before it is changed; the outcome; standard error.
    """
    home = tmp_path_factory.mktemp("first_run")
    # An executor in a process of its own proves that the package and its settings reach it.
    code, out, err = do(home, "--master", "local-cluster[1,1,1024]", "run", *SMALL, "--json")
    assert code == 0, err
    return home, json.loads(out.splitlines()[-1]), err


@pytest.fixture(scope="module")
def home(
    first_run: tuple[Path, dict[str, Any], str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a copy of the first run's state folder, for the tests of one module to change."""
    return shutil.copytree(first_run[0], tmp_path_factory.mktemp("home") / "state")
