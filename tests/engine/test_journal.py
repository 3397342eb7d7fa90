"""What is written down of a run that Ctrl-C stops, or that cannot be written down."""

import json
import os
import signal
import threading
import time

import pytest

from penstock.engine.journal import Journal
from penstock.engine.runner import Runner
from penstock.errors import Interrupted, NodeFailed, SetupError
from penstock.store.tracking import Tracking
from tests.engine.test_scheduling import measuring, wait_for


def press():
    os.kill(os.getpid(), signal.SIGINT)


def pressing(function, times=1):
    """Return the function, before and behind which Ctrl-C is pressed."""

    def pressed(*given, **named):
        for _ in range(times):
            press()
        made = function(*given, **named)
        press()
        return made

    return pressed


def status_of(project, record):
    file = project.home.run_folder(record.run_id) / "run.json"
    return json.loads(file.read_text())["status"]


def no_node_at_work():
    return not [t for t in threading.enumerate() if t.name.startswith("node")]


@pytest.mark.parametrize("name", ["open", "close", "_close_tracking"])
def test_ctrl_c_while_a_run_is_opened_or_closed_changes_nothing(project, monkeypatch, name):
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Journal, name, pressing(getattr(Journal, name)))
    record, error = project.run()
    assert (record.status, record.release, error) == ("ok", 1, None)
    assert status_of(project, record) == "ok" and project.unended() == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("owner, name", [(Journal, "close"), (Tracking, "end_run")])
def test_a_second_ctrl_c_does_not_stop_what_the_first_has_begun(project, monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, pressing(getattr(owner, name), times=2))
    record, error = project.run(measuring(project, lambda number: press()))
    assert isinstance(error, Interrupted) and record.status == "interrupted"
    assert status_of(project, record) == "interrupted"
    wait_for(no_node_at_work, 60)
    assert project.unended() == [] and project.current.release_id == 0


def test_a_node_without_a_job_when_ctrl_c_comes_begins_none_afterwards(project):
    ended, runners = [], []

    def work(number):
        press()
        wait_for(lambda: runners[0].journal.is_closed, 60)
        try:
            project.spark.range(10**15).selectExpr("max(hash(id))").collect()
        except Exception as error:
            ended.append(str(error))
            raise

    project.nodes_at_once = 1
    runners.append(project.runner(measuring(project, work)))
    assert isinstance(runners[0].run()[1], Interrupted)
    wait_for(no_node_at_work, 60)
    assert len(ended) == 1 and "cancelled" in ended[0]
    assert project.unended() == []
    # Its thread may serve another run of this process.
    assert project.run(measuring(project, lambda number: project.spark.range(9).count()))[1] is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_a_function_that_would_end_the_process_has_failed(project, error):
    def work(number):
        if number == 2:
            raise error

    record, told = project.run(measuring(project, work))
    assert isinstance(told, NodeFailed) and "ends a process, and would end the run" in str(told)
    assert [n.name for n in record.nodes if n.status == "failed"] == ["measure_2"]
    assert record.status == "failed" and project.unended() == []


@pytest.mark.parametrize("name", ["start_run", "log", "log_inputs", "end_run"])
@pytest.mark.parametrize("at_once", [1, 2])
def test_what_mlflow_does_not_take_is_told_as_that_and_leaves_no_run_open(
    project, monkeypatch, name, at_once
):
    real, failed = getattr(Tracking, name), []

    def fail_once(tracking, *given, **named):
        at_node = name != "start_run" or given[0] == "measure_2"
        if at_node and threading.current_thread() is not threading.main_thread() and not failed:
            failed.append(given)
            raise RuntimeError("database is\nread-only") from OSError("attempt to write")
        return real(tracking, *given, **named)

    monkeypatch.setattr(Tracking, name, fail_once)
    project.nodes_at_once = at_once
    record, error = project.run(measuring(project, lambda number: None))
    [node] = [n for n in record.nodes if n.status == "failed"]
    assert isinstance(error, SetupError) and record.release is None
    assert str(error) == node.reason
    assert node.reason.startswith(
        f"Node '{node.name}': it could not be written down, in MLflow or as run.json in the state "
        "folder: OSError: attempt to write. What is published is untouched. See that"
    )
    assert project.unended() == []
    assert project.run()[1] is None and project.unended() == []


def test_without_a_place_for_the_run_no_node_begins(project):
    runner = project.runner()
    (project.home.run_folder("run-1") / "run.json").mkdir(parents=True)
    with pytest.raises(SetupError, match=r"^The run could not be written down.*IsADirectoryError"):
        runner.run()
    assert {record.status for record in runner.journal.records.values()} <= {"skipped"}
    assert project.unended() == []
    assert project.run()[1] is None


def test_ctrl_c_as_a_node_is_written_down_leaves_nothing_by_halves(project, monkeypatch):
    real, pressed_at = Runner._finish, []

    def finish(runner, node, record):
        if node.name in pressed_at:
            press()
            time.sleep(0.01)
        return real(runner, node, record)

    monkeypatch.setattr(Runner, "_finish", finish)
    for name in ("clean", "double", "total"):
        pressed_at[:] = [name]
        record, error = project.run()
        wait_for(no_node_at_work, 60)
        assert isinstance(error, Interrupted) and record.status == "interrupted"
        assert status_of(project, record) == "interrupted"
        assert project.unended() == [] and project.current.release_id == 0
    pressed_at.clear()
    record, error = project.run()
    assert error is None and project.released("totals")[0].total == 6
