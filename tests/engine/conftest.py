"""The small project of the engine's tests, each in a state folder of its own."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    """Return the path of the CSV file, the same for all tests: a file is known by its path."""
    return tmp_path_factory.mktemp("source") / "raw.csv"


@pytest.fixture
def project(spark, tmp_path: Path, source: Path, empty_mlflow):
    """Return the small graph on a state folder of its own, with two good rows in its CSV file."""
    from penstock.store.home import Home
    from tests.engine.small_project import SmallProject

    shutil.rmtree(source.parent)
    source.parent.mkdir()
    source.write_text("id,amount\na,1\nb,2\n")
    shutil.copytree(empty_mlflow, tmp_path / "home" / "mlflow")
    return SmallProject(spark, Home(tmp_path / "home"), source)


@pytest.fixture(scope="session")
def first_runs(tmp_path_factory) -> Path:
    """Return the folder of what first runs left: each is run once, and copied from then on."""
    return tmp_path_factory.mktemp("first_runs")


@pytest.fixture
def released(project, first_runs):
    """Return the project as its first run left it; that each node has an output, all are stored."""
    return _after_first_run(project, first_runs / "small")


@pytest.fixture
def coded(project, code, first_runs):
    """Return a released project whose stage functions are in files that can be edited."""
    project.graph = code.graph
    return _after_first_run(project, first_runs / "coded")


def _after_first_run(project, kept: Path):
    from penstock.conf import DeltaConf

    project.more = {"published": DeltaConf()}
    if not kept.exists():
        assert project.run()[1] is None
        shutil.copytree(project.home.root, kept / "home")
        shutil.copy2(project.csv, kept / "raw.csv")
        return project
    shutil.copytree(kept / "home", project.home.root, dirs_exist_ok=True)
    shutil.copy2(kept / "raw.csv", project.csv)  # with its time, by which it is known
    project.runs = 1
    return project


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Return the stage functions in two files of their own; an edit is seen at once."""
    from tests.engine.edited_code import EditedCode

    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    # A compiled file is told from its source by size and full seconds: too coarse for a test.
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    edited = EditedCode(folder)
    yield edited
    edited.forget()
