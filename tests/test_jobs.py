"""The jobs as a user starts them: real processes, real executors, real kills."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penstock.cli import main
from penstock.errors import UsageError
from penstock.graphs.lending import GRAPH
from tests.processes import PATIENCE_S, PROJECT, SMALL, do, start


def newest_run(home):
    runs = sorted((home / "runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(runs[-1].read_text()) if runs else {"nodes": [], "run_id": ""}


def test_a_run_by_spark_submit_on_executors_of_their_own_publishes(first_run):
    _, outcome, _ = first_run
    assert (outcome["status"], outcome["release"]) == ("ok", 1)
    assert {node["status"] for node in outcome["nodes"]} == {"done"}
    assert 0.5 < outcome["metrics"]["auc"] < 1
    assert outcome["spark_jobs"] > 0


def test_the_jobs_of_each_node_share_the_cores_fairly_in_a_pool_of_its_own(first_run):
    home, outcome, _ = first_run
    [log] = (home.parent / "events").iterdir()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    [session] = [e for e in events if e["Event"] == "SparkListenerEnvironmentUpdate"]
    assert session["Spark Properties"]["spark.scheduler.mode"] == "FAIR"
    pools = {}
    for job in (e["Properties"] for e in events if e["Event"] == "SparkListenerJobStart"):
        run, *in_run = job.get("spark.jobGroup.id", "").split("/")
        if run == outcome["run_id"]:
            pools.setdefault(in_run[-1], set()).add(job.get("spark.scheduler.pool"))
    assert {"clean_loans", "clean_applications", "logistic_pd"} <= set(pools)
    assert pools == {node: {node} for node in pools}


def test_a_run_leaves_one_page_that_needs_nothing_from_elsewhere(first_run):
    page = Path(first_run[1]["report"]).read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "<svg" in page and "clean_loans" in page
    assert "src=" not in page and "<link" not in page


def test_what_a_log_shows_is_plain_lines_and_no_noise_of_spark(first_run):
    lines = first_run[2].splitlines()
    stamped = [line for line in lines if line[:2] == "20" and line[19:20] == "Z"]
    closing = lines[lines.index(next(ln for ln in lines if ln.startswith("lending ok"))) :]
    assert any("clean_loans done: " in line and "quarantined" in line for line in stamped)
    assert set(lines) == {*stamped, *closing}
    assert [line.split()[0] for line in closing[1:]] == [
        "rows", "model", "champion", "release", "report",
    ]  # fmt: skip


def test_history_is_told_without_a_jvm(first_run):
    # Past the launcher, which looks for a Java: this one could start none.
    variables = {**os.environ, "PENSTOCK_HOME": str(first_run[0]), "JAVA_HOME": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "jobs/history.py", "--graph", "lending"],
        cwd=PROJECT,
        env=variables | {"PYTHONPATH": "lib"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search("● release 1 .* current\n", done.stdout)
    assert f"because    first release: {len(GRAPH.nodes)} nodes\n" in done.stdout


def test_plan_says_what_would_run_and_runs_no_job(home):
    files = sorted((home / "tables").rglob("*"))
    code, out, err = do(home, "plan", *SMALL, "--no-skip", "--json")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert (plan["graph"], plan["release"], plan["spark_jobs"]) == ("lending", 1, 0)
    assert plan["nodes"][0]["outputs"] == ["raw_loans", "raw_payments", "true_risk"]
    assert {node["action"] for node in plan["nodes"]} == {"run"}
    assert plan["nodes"][0]["cause"] == "skipping is off"
    assert sorted((home / "tables").rglob("*")) == files


def everything(spark, home):
    from tests.released import everything

    return everything(spark, home)


@pytest.mark.slow
def test_a_killed_run_harms_nothing_and_is_gone_on_from(first_run, home, spark, tmp_path):
    from tests.released import contents, do_here

    before, tables = everything(spark, home), contents(spark, home)
    other_book = ("--set", "params.generate_book.seed=11")
    other_book += ("--set", "catalog.loan_numbers.rows=1000")
    process = start(home, "prepare", *SMALL, *other_book)

    def is_half_done():
        run = newest_run(home)
        done = {n["name"] for n in run["nodes"] if n["status"] == "done"}
        return run["run_id"] != first_run[1]["run_id"] and "clean_loans" in done

    while not is_half_done():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    killed = newest_run(home)
    assert killed["status"] == "running" and killed["release"] is None
    assert everything(spark, home) == before and contents(spark, home) == tables

    code, again = do_here(spark, home, "prepare", *SMALL, *other_book)
    assert code == 0
    done_before = {
        n["name"] for n in killed["nodes"]
        if n["status"] == "done" and "memory" not in kinds(killed, n)
    }  # fmt: skip
    assert done_before == {
        n["name"] for n in again["nodes"] if n["reason"] == f"done by run {killed['run_id']}"
    }
    release, scores, champion = everything(spark, home)
    assert (release.release_id, release.pins["train"]) == (2, "1")
    assert (scores, champion) == before[1:]  # nothing asked to make these anew
    undisturbed = tmp_path / "undisturbed"
    assert do_here(spark, undisturbed, "prepare", *SMALL, *other_book)[0] == 0
    whole, gone_on = contents(spark, undisturbed), contents(spark, home)
    assert {"loans", "train", "test"} <= whole.keys()
    assert {name: gone_on[name] for name in whole} == whole


def kinds(run, node):
    kind_of = {dataset["name"]: dataset["kind"] for dataset in run["datasets"]}
    return {kind_of[name] for name in node["outputs"]}


@pytest.mark.slow
def test_ctrl_c_ends_a_run_with_130_and_harms_nothing(home, spark):
    before = everything(spark, home)
    process = start(home, "run", "--no-skip", *SMALL)
    while "started" not in (line := process.stderr.readline()):
        assert line, "the run ended before it began"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert "what is published is untouched" in err
    stopped = newest_run(home)
    assert stopped["status"] == "interrupted"
    assert "resume    ./spark-submit.sh run" in err
    assert (home / "runs" / stopped["run_id"] / "index.html").exists()
    assert everything(spark, home) == before


def refused(said, home):
    """Return the exit code and the sentence of a command that said that, and did nothing."""
    code, out, err = said
    assert err.startswith("penstock: ") and "Traceback" not in err and not out
    assert not (home / "tables/releases").exists()
    return code, " ".join(err.split())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("rum",), 2, "There is no job 'rum'.*Did you mean 'run'"),
        (("run", "--env", "lendingclub", "--set", "catalog.raw_loans.path=/nowhere.csv"), 3,
         "/nowhere.csv of 'raw_loans' does not exist"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_command_is_said_in_a_sentence(tmp_path, words, code, message):
    returned, sentence = refused(do(tmp_path, *words), tmp_path)
    assert returned == code and re.search(message, sentence), sentence


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--grph", "x"), "unrecognized arguments: --grph.*Did you mean '--graph'"),
        (("run", "--graph", "lendin"), "no graph 'lendin'.*Did you mean 'lending'"),
        (("run", "--env", "locla"), "no environment 'locla'.*Did you mean 'local'"),
        (("run", "--set", "params.pd_gate.min_acu=1"), "Did you mean 'min_auc'"),
        (("run", "--as-of", "2024-13-01"), "--as-of 2024-13-01"),
        (("replay", "nothing"), "no run 'nothing'"),
        (("run", "--plan", "nothing"), "nothing cannot be read as a plan"),
        (("run", "--select", "clean_lons"), "Did you mean 'clean_loans'"),
        (("rollback",), "Nothing is released yet, so there is nothing to go back to"),
    ],
)
def test_what_is_wrong_with_the_options_of_a_job_is_said_alike(
    tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", [*words])
    with pytest.raises(SystemExit) as left:
        main(words[0])
    code, sentence = refused((left.value.code, *capsys.readouterr()), tmp_path)
    assert code == UsageError.exit_code and re.search(message, sentence), sentence


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = do(tmp_path / "file" / "state", "run", *SMALL)
    assert code == 2
    assert "file/state cannot be written" in err and "PENSTOCK_HOME" in err
