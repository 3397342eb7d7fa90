import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from penstock.conf import DeltaConf, ReportConf
from penstock.engine.graph import Graph
from penstock.engine.nodes import Measure, Solve, Transform
from penstock.errors import Conflict, DataError, GateClosed, NodeFailed
from penstock.evidence import Evidence
from penstock.store.delta import DeltaTable
from penstock.store.home import Home
from tests.engine.small_project import SmallProject, clean, double, total


def test_a_run_publishes_all_its_outputs_as_one_release(project):
    record, error = project.run()
    assert error is None
    assert record.status == "ok" and record.release == 1
    assert {n.name: n.status for n in record.nodes} == {
        **{name: "done" for name in ("clean", "double", "total", "measure", "gate")},
        "publish": "skipped",  # its output stays in memory, and nothing reads it
    }
    release = project.current
    assert set(release.pins) == {"loans", "totals", "report", "verdict"}
    assert project.released("totals")[0].total == 6


@pytest.fixture(scope="module")
def dirty(spark, tmp_path_factory, empty_mlflow):
    """Return a project on a file with wrong rows and a column too many, and its run up to loans."""
    folder = tmp_path_factory.mktemp("dirty")
    shutil.copytree(empty_mlflow, folder / "mlflow")
    (folder / "raw.csv").write_text(
        "id,amount,colour\na,1,red\nb,x,\nc,-5,\nd,4,\n,7,\ne,8,\ne,8,\ne,8,\nf,2,\nf,3,\n"
    )
    project = SmallProject(spark, Home(folder), folder / "raw.csv")
    record, error = project.run(project.graph.upto(("loans",)))
    assert error is None
    return project, record


def test_good_and_quarantined_rows_together_are_the_input(dirty):
    project, record = dirty
    cleaned = record.nodes[0]
    assert (cleaned.rows_in, cleaned.rows_out, cleaned.quarantined) == (10, {"loans": 3}, 7)
    assert cleaned.broken_rules == {
        "amount_is_a_number": 1, "amount_is_positive": 2, "key_is_known": 1, "key_is_unique": 4,
    }  # fmt: skip
    # Of equal copies one is kept; of contradicting ones none, as nobody knows which is right.
    kept = sorted((row.id, row.amount) for row in project.released("loans"))
    assert kept == [("a", 1), ("d", 4), ("e", 8)]
    put_aside = sorted(
        (json.loads(row.row)["raw_amount"], *row.broken_rules)
        for row in project.released("loans_quarantine")
    )
    assert put_aside == [
        ("-5", "amount_is_positive"),
        ("2", "key_is_unique"),
        ("3", "key_is_unique"),
        ("7", "key_is_known"),
        ("8", "key_is_unique"),
        ("8", "key_is_unique"),
        ("x", "amount_is_a_number", "amount_is_positive"),
    ]


def test_a_column_too_many_is_named_and_does_no_harm(dirty):
    _, record = dirty
    assert record.nodes[0].notes == ("1 columns of raw are beyond its contract: colour",)


def test_a_quarantine_that_is_gone_is_made_again(dirty):
    project, _ = dirty
    part = project.graph.upto(("loans",))
    put_aside = Path(project.catalog.delta("loans_quarantine").path)
    elsewhere = put_aside.rename(project.home.root / "elsewhere")
    assert project.causes(part) == {"clean": "output missing: loans_quarantine 0"}
    elsewhere.rename(put_aside)
    assert project.causes(part) == {}


def test_rows_put_aside_by_an_earlier_run_are_not_current_after_a_clean_one(dirty):
    project, _ = dirty
    assert "loans_quarantine" in project.current.pins
    project.csv.write_text("id,amount\na,1\n")
    record, _ = project.run(project.graph.upto(("loans",)))
    release = project.current
    assert record.release == release.release_id == 2
    assert "loans_quarantine" not in release.pins


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"raw.csv of 'raw' does not exist. Set catalog.raw.path"),
        ("", r"raw.csv of 'raw' is empty"),
        ("id,amont\na,1\n", r"lacks 1 column\(s\).*'amount' \(did you mean 'amont'\?\)"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_written(project, text, message):
    project.csv.unlink() if text is None else project.csv.write_text(text)
    with pytest.raises(DataError, match=message):
        project.run()
    assert list(project.home.tables.iterdir()) == []


def test_a_header_without_rows_fails_and_publishes_nothing(project):
    project.csv.write_text("id,amount\n")
    record, error = project.run()
    assert isinstance(error, DataError)
    assert "'loans' would have 0 rows, and its contract asks for at least 1" in str(error)
    assert record.release is None


def test_a_closed_gate_publishes_nothing_and_the_run_is_gone_on_from_there(released):
    project = released
    project.params["gate"]["at_least"] = 100
    project.csv.write_text("id,amount\na,10\n")
    record, error = project.run()
    assert isinstance(error, GateClosed)
    assert "total 20 is below 100 (at_least)" in str(error)
    assert {n.name: n.status for n in record.nodes if n.status != "done"} == {
        "gate": "failed", "publish": "not run",
    }  # fmt: skip
    assert project.released("totals")[0].total == 6

    project.params["gate"]["at_least"] = 1
    record, error = project.run()
    assert error is None
    assert {n.name: n.status for n in record.nodes} == {
        "clean": "skipped", "double": "skipped", "total": "skipped", "measure": "skipped",
        "gate": "done", "publish": "done",
    }  # fmt: skip
    assert record.nodes[0].reason == "done by run run-2"
    assert project.released("totals")[0].total == 20


def test_a_failed_run_names_the_place_and_leaves_what_is_published(released):
    project = released

    def wrong(doubled):
        return doubled.selectExpr("CAST(raise_error(concat('no ', id)) AS BIGINT) AS total")

    nodes = [Transform(wrong, n.inputs, n.outputs) if n.name == "total" else n
             for n in project.graph.nodes]  # fmt: skip
    project.graph = Graph("small", tuple(nodes), project.graph.contracts)
    record, error = project.run()
    assert isinstance(error, NodeFailed)
    assert re.match(r"Node 'wrong' \(test_runner.py, line .*\bno [ab]\b", str(error))
    assert [n.status for n in record.nodes[:5]] == [
        "skipped", "done", "failed", "not run", "not run",
    ]  # fmt: skip
    assert project.released("totals")[0].total == 6


def test_what_is_lost_through_no_fault_of_the_node_is_tried_three_times(released, monkeypatch):
    monkeypatch.setattr("penstock.engine.runner.PAUSE_S", 0.0)
    project, attempts = released, []

    def lost(times):
        def unlucky(totals):
            attempts.append(times)
            if attempts.count(times) <= times:
                raise RuntimeError("Job aborted: ExecutorLostFailure (executor 1 exited)")
            return Evidence(metrics={"total": 1.0})

        return Measure(unlucky, "totals", f"lost_{times}", f"lost_{times}_times")

    project.grow(*map(lost, (1, 2, 3)), **{f"lost_{n}": ReportConf() for n in (1, 2, 3)})
    record, error = project.run()
    assert [attempts.count(times) for times in (1, 2, 3)] == [2, 3, 3]
    nodes = {node.name: node for node in record.nodes}
    told = [note.partition(":")[0] for note in nodes["lost_2_times"].notes]
    assert told == ["Attempt 1 was lost and repeated", "Attempt 2 was lost and repeated"]
    assert nodes["lost_1_times"].status == nodes["lost_2_times"].status == "done"
    assert nodes["lost_3_times"].status == "failed" and "ExecutorLostFailure" in str(error)


def test_what_is_wrong_with_the_node_is_not_tried_again(released):
    project, attempts = released, []

    def wrong(totals):
        attempts.append(totals)
        raise ValueError("no such thing")

    nodes = [Measure(wrong, n.inputs, n.outputs) if n.name == "measure" else n
             for n in project.graph.nodes]  # fmt: skip
    project.graph = Graph("small", tuple(nodes), project.graph.contracts)
    _, error = project.run()
    assert isinstance(error, NodeFailed) and len(attempts) == 1


def test_a_function_that_ends_the_process_fails_its_node_and_no_more(released):
    project = released

    def leave(totals):
        sys.exit(3)

    def vanish(totals):
        raise GeneratorExit

    def stop(raw):
        sys.exit("no more")

    project.grow(
        Measure(leave, "totals", "left"),
        Measure(vanish, "totals", "vanished"),
        left=ReportConf(),
        vanished=ReportConf(),
    )
    record, error = project.run()
    assert isinstance(error, NodeFailed) and error.exit_code == 5
    kept = json.loads((project.home.run_folder(record.run_id) / "run.json").read_text())
    assert kept["status"] == "failed" and kept["release"] is None
    assert {n["name"]: n["status"] for n in kept["nodes"] if n["status"] != "skipped"} == {
        "leave": "failed", "vanish": "failed",
    }  # fmt: skip
    [told] = [n["reason"] for n in kept["nodes"] if n["name"] == "leave"]
    assert re.match(r"Node 'leave' \(test_runner.py, line \d+\): SystemExit\(3\) ends a proc", told)

    project.grow(Transform(stop, "raw", "loans", name="clean"))
    message = r"Node 'clean' \(test_runner.py, line \d+\): SystemExit\('no more'\) ends"
    with pytest.raises(NodeFailed, match=message):
        project.plan()


def test_of_two_runs_at_once_one_publishes_and_the_other_is_told(released):
    project = released
    project.params["gate"]["at_least"] = 1
    first, second = project.runner(), project.runner()
    assert first.run()[1] is None
    record, error = second.run()
    assert isinstance(error, Conflict)
    assert "Run run-2 of tester published release 2 while this run was at work" in str(error)
    assert record.status == "failed" and record.release is None
    release = project.current
    assert (release.release_id, release.run_id) == (2, "run-2")


def test_an_external_table_is_read_at_its_newest_version_and_never_written(released):
    project = released

    def count_ids(own, totals):
        rows = own.selectExpr("count(*) AS n")
        return rows, Evidence(metrics={"n": float(rows.first().n)})

    own = project.home.root / "own"
    project.spark.range(3).write.format("delta").save(str(own))
    project.spark.range(5).write.format("delta").mode("overwrite").save(str(own))
    project.grow(
        Solve(count_ids, ("own", "totals"), ("n", "n_report")),
        own=DeltaConf(path=str(own), external=True),
        n=DeltaConf(),
        n_report=ReportConf(),
    )
    record, error = project.run()
    assert error is None
    versions = {dataset.name: (dataset.role, dataset.version) for dataset in record.datasets}
    assert versions["own"] == ("source", "1")
    assert project.released("n")[0].n == 5
    assert record.evidence["n_report"]["metrics"] == {"n": 5.0}
    assert DeltaTable("own", str(own)).latest_version(project.spark) == 1


def test_stage_functions_are_plain_functions(spark):
    raw = spark.createDataFrame([("a", "1"), ("b", "oops")], "id STRING, amount STRING")
    assert total(double(clean(raw))).first().total == 2
