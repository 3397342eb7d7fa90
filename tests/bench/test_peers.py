import json
import re
import signal
import time
from dataclasses import replace

import pyarrow
import pyarrow.parquet
import pytest
from bench.peers.layout import lay_out, plant, write_loans
from bench.peers.observed import (
    AS_BEFORE,
    EMPTY,
    MISSING,
    NEW,
    UNREADABLE,
    compare,
    error_message,
    spark_jobs,
    table_state,
)
from bench.peers.penstock_lending import GRAPH, PARAMETERS
from bench.peers.projects import KEDRO, PENSTOCK, SDP, Edit
from bench.peers.running import Project

RELEASES = pyarrow.schema(
    {"release_id": pyarrow.int64(), "pins": pyarrow.map_(pyarrow.string(), pyarrow.string())}
)


def commit(folder, version, *actions):
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("\n".join(json.dumps(action) for action in actions))


def add(folder, name, *rows, schema=None):
    folder.mkdir(parents=True, exist_ok=True)
    table = pyarrow.Table.from_pylist(list(rows), schema=schema)
    pyarrow.parquet.write_table(table, folder / name)
    return {"add": {"path": name}}


def remove(name):
    return {"remove": {"path": name}}


@pytest.fixture
def table(tmp_path):
    folder = tmp_path / "decisions"
    commit(folder, 0, add(folder, "a.parquet", {"loan_id": "1", "pd": 0.1}))
    return folder


def test_a_table_with_no_log_is_missing(tmp_path, table):
    assert compare(table_state(table), table_state(tmp_path / "nowhere")) == MISSING


def test_a_data_file_without_its_commit_changes_nothing(table):
    before = table_state(table)
    add(table, "b.parquet", {"loan_id": "2", "pd": 0.2})
    assert compare(before, table_state(table)) == AS_BEFORE


def test_equal_rows_in_other_files_and_order_are_as_before(table):
    two = {"loan_id": "2", "pd": 0.2}
    commit(table, 1, add(table, "b.parquet", two))
    before = table_state(table)
    both = add(table, "c.parquet", two, {"loan_id": "1", "pd": 0.1 + 1e-12})
    commit(table, 2, both, remove("a.parquet"), remove("b.parquet"))
    assert compare(before, table_state(table)) == AS_BEFORE
    assert table_state(table).rows == 2


def test_another_value_in_a_nested_column_is_new(table):
    commit(table, 1, add(table, "b.parquet", {"v": {"values": [0.1, 0.9]}}), remove("a.parquet"))
    before = table_state(table)
    commit(table, 2, add(table, "c.parquet", {"v": {"values": [0.2, 0.8]}}), remove("b.parquet"))
    assert compare(before, table_state(table)) == NEW


def test_a_truncated_table_is_empty(table):
    before = table_state(table)
    commit(table, 1, remove("a.parquet"))
    assert compare(before, table_state(table)) == EMPTY


def test_a_table_whose_file_is_gone_is_unreadable(table):
    before = table_state(table)
    (table / "a.parquet").unlink()
    assert compare(before, table_state(table)) == UNREADABLE


def test_the_message_is_the_last_error_not_the_frames_around_it():
    output = (
        "ValueError: first\n  File 'x.py', line 1\n"
        "pyspark.errors.AnalysisException: [UNRESOLVED_COLUMN] No column 'incme'.\n"
        "Run again with --verbose.\n"
    )
    assert error_message(output) == (
        "pyspark.errors.AnalysisException: [UNRESOLVED_COLUMN] No column 'incme'."
    )
    assert error_message("\x1b[31mnothing known\x1b[0m went wrong\n").endswith("went wrong")
    assert error_message("") == ""


def test_jobs_are_counted_by_event_log(tmp_path):
    (tmp_path / "local-1").write_text('{"Event":"SparkListenerJobStart","Job ID":0}\n{"Event":"x"}')
    assert spark_jobs(tmp_path) == {"local-1": 1}


def test_the_loans_are_the_same_bytes_every_time_and_some_are_malformed(tmp_path):
    write_loans(tmp_path / "a.csv", 1000)
    write_loans(tmp_path / "b.csv", 1000)
    text = (tmp_path / "a.csv").read_text()
    assert text == (tmp_path / "b.csv").read_text()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    well_formed = [r for r in rows if r[1] != "2015-02-31" and re.fullmatch(r"[\d.]+,[\d.]+",
                   f"{r[2]},{r[3]}")]  # fmt: skip
    assert (len(rows), len(well_formed)) == (1000, 990)


@pytest.mark.parametrize("tool", [KEDRO, SDP, PENSTOCK], ids=lambda tool: tool.name)
def test_every_edit_of_a_project_fits_its_text(tmp_path, tool):
    for number, edit in enumerate(
        (*tool.faults.values(), tool.features, tool.cut_off, tool.comment)
    ):
        work = tmp_path / str(number)
        lay_out(tool, work)
        before = (work / edit.file).read_text()
        plant(work, edit)
        assert (work / edit.file).read_text() != before


def test_our_tables_are_read_as_the_last_release_names_them(tmp_path):
    lay_out(PENSTOCK, tmp_path / "work")
    project = Project(PENSTOCK, tmp_path / "work", environment=tmp_path)
    scores, releases = project.table("scores"), project.table("releases")
    commit(scores, 0, add(scores, "a.parquet", {"pd": 0.1}))
    first, second = ({"release_id": n, "pins": {"scores": str(n - 1), "report": "run-1"}}
                     for n in (1, 2))  # fmt: skip
    commit(releases, 0, add(releases, "r1.parquet", first, schema=RELEASES))
    before = project.tables()
    commit(scores, 1, add(scores, "b.parquet", {"pd": 0.2}), remove("a.parquet"))
    assert project.tables() == before
    commit(releases, 1, add(releases, "r2.parquet", second, schema=RELEASES))
    assert compare(before["scores"], project.tables()["scores"]) == NEW


def test_edits_are_undone_when_what_runs_meanwhile_fails(tmp_path):
    lay_out(SDP, tmp_path / "work")
    project = Project(SDP, tmp_path / "work", environment=tmp_path)
    file = tmp_path / "work" / SDP.cut_off.file
    before = file.read_text()
    with pytest.raises(RuntimeError), project.edited(SDP.cut_off, SDP.comment):
        assert file.read_text() != before
        raise RuntimeError
    assert file.read_text() == before


def test_a_command_is_killed_once_its_condition_holds_with_all_it_started(tmp_path):
    shell = "(sleep 0.3; touch begun; sleep 2; touch survived) & wait"
    program = tmp_path / "program"
    program.write_text(shell)
    tool = replace(SDP, program=("bash", program.name))
    (tmp_path / "events").mkdir()
    project = Project(tool, tmp_path, environment=tmp_path)
    ended = project.call(kill_when=(tmp_path / "begun").exists)
    time.sleep(2.2)
    assert ended.code == -signal.SIGKILL
    assert not (tmp_path / "survived").exists()


def test_an_edit_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "x").write_text("twice twice")
    with pytest.raises(ValueError, match="stands 2 times"):
        plant(tmp_path, Edit("x", "twice", "once"))


def test_our_own_graph_is_the_same_five_nodes_with_the_same_parameters():
    assert [node.name for node in GRAPH.order()] == [
        "clean_loans", "add_features", "logistic", "apply_model_to_heldout", "decide",
    ]  # fmt: skip
    needed = {node.function.__name__: set(node.parameters) for node in GRAPH.nodes
              if node.function and node.parameters}  # fmt: skip
    assert needed == {section: set(values) for section, values in PARAMETERS.items()}
