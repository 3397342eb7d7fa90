"""The small project of the engine's tests, each in a state folder of its own."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """Return an MLflow folder without runs: to create its tables takes seconds, to copy it none."""
    from penstock.conf import RunConf
    from penstock.store.home import Home
    from penstock.store.tracking import open_tracking

    home = Home(tmp_path_factory.mktemp("mlflow"))
    home.prepare()
    open_tracking(RunConf("", "", "tests", 4), home)
    return home.mlflow


@pytest.fixture
def project(spark, tmp_path: Path, empty_mlflow):
    """Return the small graph on a state folder of its own, with two good rows in its CSV file."""
    from penstock.store.home import Home
    from tests.engine.small_project import SmallProject

    shutil.copytree(empty_mlflow, tmp_path / "mlflow")
    small = SmallProject(spark, Home(tmp_path))
    small.csv.write_text("id,amount\na,1\nb,2\n")
    return small


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
