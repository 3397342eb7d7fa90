"""A run killed behind each of its nodes, and between its release and its alias.

At random moments, JVM and all: `test_kills.py`.
"""

import json
import shutil
import signal

import pytest

from penstock.store.home import Home
from tests.engine.killed_project import SHORT, KilledProject, kill_at
from tests.engine.test_kills import alias_of, coefficients

pytestmark = pytest.mark.slow

NODES = tuple(node.name for node in SHORT.order())


def project_in(spark, folder):
    project = KilledProject.of(spark, Home(folder))
    project.graph = SHORT
    return project


def seen(project):
    """Return what readers see through the release, without the versions."""
    pins = project.current.pins
    found = {"coefficients": coefficients(project, pins["champion"])}
    for name in ("loans", "loans_quarantine", "scored"):
        rows = project.catalog.delta(name).log.rows(int(pins[name]))
        for row in rows:
            row.pop("run_id", None)
            row.pop("model_version", None)
        found[name] = sorted(map(repr, rows))
    return found


def statuses(project, number):
    """Return node to how it went in a run, or to the run whose work was taken over."""
    path = project.home.run_folder(f"run-{number}") / "run.json"
    record = json.loads(path.read_text())
    told = {n["name"]: n["reason"] if n["status"] == "skipped" else n["status"]
            for n in record["nodes"]}  # fmt: skip
    return record["status"], told


def test_a_kill_at_any_boundary_harms_nothing_and_the_next_run_goes_on_from_there(
    spark, tmp_path, empty_mlflow
):
    shutil.copytree(empty_mlflow, tmp_path / "mlflow")
    project = project_in(spark, tmp_path)
    project.write_input(2)
    assert project.run()[1] is None
    undisturbed = seen(project)
    project.write_input(1)
    assert project.run()[1] is None
    base, before = project.current, seen(project)
    assert before != undisturbed

    project.write_input(2)
    done = {}
    for number, node in enumerate(NODES, start=3):
        code, said = kill_at(spark, tmp_path, number, node)
        assert code == -signal.SIGKILL, said
        # One more node than the run before, and no work done twice.
        assert statuses(project, number) == ("running", {**done, node: "done"})
        done[node] = f"done by run run-{number}"
        assert (project.current, alias_of(project)) == (base, base.pins["champion"])
        assert seen(project) == before

    code, said = kill_at(spark, tmp_path, number + 1, "release")
    assert code == -signal.SIGKILL, said
    released = project.current
    assert released.release_id == base.release_id + 1 and seen(project) == undisturbed
    assert alias_of(project) == base.pins["champion"] != released.pins["champion"]
    project.runs = number + 1
    record, error = project.run()
    assert error is None and {n.status for n in record.nodes} == {"skipped"}
    assert (project.current, alias_of(project)) == (released, released.pins["champion"])
