"""The runner's threads over real Spark jobs: Ctrl-C, a failed branch, a worker that is killed."""

import os
import signal
import threading
import time

import pytest
from pyspark import TaskContext

from penstock.conf import DeltaConf, ReportConf
from penstock.engine.graph import Graph
from penstock.engine.journal import Journal
from penstock.engine.nodes import Measure, Transform
from penstock.errors import Interrupted, NodeFailed
from penstock.evidence import Evidence
from penstock.store.releases import Releases
from tests.processes import PATIENCE_S

AMOUNTS = "id STRING, doubled INT"
MOST_TICKS = 8000


def with_double(project, function):
    """Put a function in the place of `double`, whose output is then kept in memory."""
    nodes = [Transform(function, n.inputs, n.outputs) if n.name == "double" else n
             for n in project.graph.nodes]  # fmt: skip
    project.graph = Graph("small", tuple(nodes), project.graph.contracts)


def in_workers(work, schema=AMOUNTS):
    """Return a stage function whose rows pass through `work` in Python workers."""

    def passed_on(loans):
        return loans.selectExpr("id", "amount AS doubled").mapInPandas(work, schema)

    return passed_on


def wait_for(is_so, seconds):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.05)


def at_rest(ticks):
    ticked = ticks.stat().st_size
    time.sleep(1)
    return ticks.stat().st_size == ticked


def test_ctrl_c_cancels_running_jobs_and_leaves_what_is_published(released, tmp_path):
    project = released
    ticks, tracker = tmp_path / "ticks", project.spark.sparkContext.statusTracker()

    def sleep(frames):
        for frame in frames:
            for _ in range(MOST_TICKS):  # minutes, unless it is stopped
                with open(ticks, "a") as file:
                    file.write(".")
                time.sleep(0.05)
            yield frame

    def press():
        wait_for(ticks.exists, PATIENCE_S)
        os.kill(os.getpid(), signal.SIGINT)

    project.csv.write_text("id,amount\na,7\n")
    with_double(project, in_workers(sleep))
    ctrl_c = threading.Thread(target=press)
    ctrl_c.start()
    record, error = project.run()
    ctrl_c.join()
    assert isinstance(error, Interrupted) and record.status == "interrupted"
    wait_for(lambda: not tracker.getActiveJobsIds(), 60)
    wait_for(lambda: at_rest(ticks), 60)  # Spark gives a worker seconds before it is killed
    assert ticks.stat().st_size < MOST_TICKS
    assert project.current.release_id == 1
    assert project.released("totals")[0].total == 6


def test_ctrl_c_comes_too_late_once_the_release_is_on_its_way(released, monkeypatch):
    project, publish, before = released, Releases.publish, signal.getsignal(signal.SIGINT)

    def press_and_publish(*given):
        os.kill(os.getpid(), signal.SIGINT)
        publish(*given)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Releases, "publish", press_and_publish)
    project.csv.write_text("id,amount\na,7\n")
    record, error = project.run()
    assert (record.status, record.release, error) == ("ok", 2, None)
    assert project.released("totals")[0].total == 14
    assert signal.getsignal(signal.SIGINT) is before


def test_a_failed_branch_does_not_stop_the_other(project):
    def wrong(loans):
        return loans.selectExpr("CAST(raise_error('no such loan') AS INT) AS n")

    def right(loans):
        time.sleep(2)  # so that the other branch fails first
        return loans.selectExpr("count(*) AS n")

    branches = (Transform(wrong, "loans", "totals"), Transform(right, "loans", "loans_count"))
    project.more = {"loans_count": DeltaConf()}
    project.graph = Graph(
        "small", (project.graph.nodes[0], *branches), {"raw": project.graph.contracts["raw"]}
    )
    record, error = project.run()
    assert isinstance(error, NodeFailed) and "no such loan" in str(error)
    assert {n.name: n.status for n in record.nodes} == {
        "clean": "done", "wrong": "failed", "right": "done",
    }  # fmt: skip
    assert record.release is None and not project.current.pins
    assert project.plan()["right"].cause == "done by run run-1"


def measuring(project, work):
    """Let four nodes measure the loans, each by calling `work` with its number."""

    def measure(number):
        def measured(loans):
            work(number)
            return Evidence({"loans": float(number)})

        return Measure(measured, "loans", f"report_{number}", name=f"measure_{number}")

    numbers = (1, 2, 3, 4)
    entries = {f"report_{number}": ReportConf() for number in numbers}
    project.grow(*map(measure, numbers), **entries)
    return project.graph.upto([*entries])


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_nodes_are_at_work_than_asked_for(project, at_once):
    at_work, seen, met = [], [], threading.Barrier(at_once, timeout=60)

    def work(number):
        at_work.append(number)
        seen.append(len(at_work))
        met.wait()  # fewer at once would wait here in vain
        time.sleep(0.5)  # one more could begin
        at_work.remove(number)

    project.nodes_at_once = at_once
    assert project.run(measuring(project, work))[1] is None
    assert len(seen) == 4 and max(seen) == at_once


def test_a_node_is_written_down_while_the_next_is_at_work(project, monkeypatch):
    begun, add = [], Journal.add

    def add_later(journal, node, record, made):
        if node.kind == "measure":
            place = begun.index(int(node.name[-1])) + 1
            wait_for(lambda: place == 4 or len(begun) > place, 60)
        add(journal, node, record, made)

    monkeypatch.setattr(Journal, "add", add_later)
    project.nodes_at_once = 1
    assert project.run(measuring(project, begun.append))[1] is None
    assert sorted(begun) == [1, 2, 3, 4]


def test_a_node_that_waits_when_ctrl_c_comes_does_not_begin(project):
    begun, runners = [], []

    def press(number):
        begun.append(number)
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(lambda: runners[0].journal.is_closed, 60)

    project.nodes_at_once = 1
    runners.append(project.runner(measuring(project, press)))
    record, error = runners[0].run()
    assert isinstance(error, Interrupted) and record.status == "interrupted"
    wait_for(lambda: not [t for t in threading.enumerate() if t.name.startswith("node")], 60)
    assert len(begun) == 1 and project.unended() == []


def test_a_node_whose_python_worker_is_killed_is_done_again(released, tmp_path):
    project = released
    killed = tmp_path / "killed"

    def die_once(frames):
        if not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from frames

    with_double(project, in_workers(die_once))
    record, error = project.run(project.graph.upto(("totals",)))
    assert error is None and killed.exists()
    [note] = next(n for n in record.nodes if n.name == "total").notes
    assert note.startswith("Attempt 1 was lost and repeated: ")
    assert project.released("totals")[0].total == 3


def test_an_error_in_a_python_worker_is_not_tried_again(released, tmp_path):
    project = released
    calls = tmp_path / "calls"

    def fail(frames):
        with open(calls, "a") as file:
            file.write(f"{TaskContext.get().partitionId()}\n")
        raise ValueError("no such loan")
        yield from frames

    with_double(project, in_workers(fail))
    record, error = project.run()
    assert isinstance(error, NodeFailed) and "no such loan" in str(error)
    partitions = calls.read_text().split()
    assert record.status == "failed" and len(partitions) == len(set(partitions)) > 0
