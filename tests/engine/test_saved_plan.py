"""A saved plan, or a recorded run, is done as it was written down, or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.conf import CsvConf, DeltaConf
from penstock.engine.graph import Graph
from penstock.engine.nodes import Transform
from penstock.errors import Conflict, DataError, UsageError
from penstock.job import prepare_job
from penstock.launch import Place, Request, recorded_options
from penstock.planning import _refuse_moved, plan_job
from tests.engine.small_project import GRAPH, publish
from tests.engine.test_planner import clocked, fitted_by, forest

SAVED = {
    "job": "score",
    "arguments": ["--graph", "lending", "--env", "cluster", "--set", "run.nodes_at_once=3"],
    "nodes": [],
    "sources": [],
    "release": 0,
    "code": {},
}


def saved(plan):
    sources = [{"name": name, "version": version} for name, version in plan.sources.items()]
    return json.loads(json.dumps({**plan.to_json(), "sources": sources}, default=str))


def test_a_saved_plan_is_refused_when_anything_has_moved(released):
    project = released
    kept = saved(project.plan())
    _refuse_moved(kept, project.plan())

    project.params["gate"]["at_least"] = 1
    moved = "nothing was run: what node 'gate' does; node 'publish' skip -> run. Make it anew"
    with pytest.raises(Conflict, match=moved):
        _refuse_moved(kept, project.plan())
    project.run()
    with pytest.raises(Conflict, match="release 1 -> 2"):
        _refuse_moved(kept, project.plan())

    kept = saved(project.plan())
    project.csv.write_text("id,amount\na,5\n")
    with pytest.raises(Conflict, match=r"raw 20\S+ 18B -> 20\S+ 14B"):
        _refuse_moved(kept, project.plan())
    part = Graph("small", GRAPH.nodes[:1], {})
    kept = saved(project.plan(part))
    _refuse_moved(kept, project.plan(part))
    assert Conflict.exit_code == 6


def test_a_saved_plan_is_refused_when_its_nodes_or_what_would_be_done_with_them_differ(released):
    project = released
    kept, whole = saved(project.plan()), project.graph

    def refusal():
        with pytest.raises(Conflict) as told:
            _refuse_moved(kept, project.plan())
        return str(told.value).partition("nothing was run: ")[2].partition(". Make it")[0]

    project.graph = Graph("small", whole.nodes[:-1], whole.contracts)
    assert refusal() == "node 'publish' is gone"
    project.grow(Transform(publish, ("totals", "verdict"), "published", "publish_anew"))
    assert refusal() == "node 'publish' is gone; node 'publish_anew' is new"
    project.graph = whole

    here = project.csv
    there = Path(shutil.copy2(here, here.with_name("there.csv")))  # of the same size and time
    project.more["raw"] = CsvConf(str(there))
    assert refusal().startswith("what node 'clean' does; node 'double' skip -> run; ")
    del project.more["raw"]

    [report] = project.home.root.glob("runs/*/reports/report.json")
    report.unlink()
    assert refusal() == "node 'measure' skip -> run"


def test_a_saved_plan_of_what_is_made_anew_each_time_can_be_run(project):
    fitted_by(project, forest)  # what is behind a Fit that runs depends on the run
    project.params["forest"] = {"seed": 1}
    project.grow(
        Transform(clocked, "loans", "clocked_rows"),
        Transform(publish, ("clocked_rows", "verdict"), "behind", "behind"),
        clocked_rows=DeltaConf(),
        behind=DeltaConf(),
    )
    first, second = project.plan(), project.plan()
    for name in ("apply_model_to_labelled", "behind"):
        assert first[name].fingerprint != second[name].fingerprint
    _refuse_moved(saved(first), second)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def plan_file(home):
    file = home / "plan.json"
    file.write_text(json.dumps(SAVED))
    return str(file)


def test_a_saved_plan_is_run_with_the_options_it_was_made_with(plan_file):
    job = prepare_job("score", ["--plan", plan_file, "--quiet"])
    assert (job.conf.env, job.conf.run.nodes_at_once, job.options.quiet) == ("cluster", 3, True)
    assert job.graph == prepare_job("score", []).graph != job.whole
    assert job.saved == SAVED


@pytest.mark.parametrize(
    ("job", "beside"),
    [
        ("run", []),
        ("score", ["--set", "run.nodes_at_once=4"]),
        ("score", ["--select", "scores"]),
        ("score", ["--exclude", "scores"]),
        ("score", ["--as-of", "2020-01-01"]),
        ("score", ["--no-skip"]),
    ],
)
def test_a_saved_plan_of_another_job_or_with_options_beside_it_is_refused(plan_file, job, beside):
    with pytest.raises(UsageError, match=r"the job 'score' with options of its own. Start it by"):
        prepare_job(job, ["--plan", plan_file, *beside])


@pytest.mark.parametrize("arguments", [7, ["--plan", "plan.json"]])
def test_a_saved_plan_that_leads_to_itself_or_nowhere_is_none(home, plan_file, arguments):
    Path(plan_file).write_text(json.dumps({**SAVED, "arguments": arguments}))
    with pytest.raises(UsageError, match=r"plan.json is no record of a plan"):
        prepare_job("score", ["--plan", plan_file])


@pytest.fixture
def earlier(home):
    """Write down a run of the scores."""
    folder = home / "runs" / "old"
    folder.mkdir(parents=True)
    command = "./spark-submit.sh score --env cluster --set run.nodes_at_once=3"
    datasets = [
        {"name": "application_numbers", "role": "source", "version": "400 rows"},
        {"name": "champion", "role": "input", "version": "3"},
        {"name": "lgd_champion", "role": "input", "version": "2"},
        {"name": "scores", "role": "output", "version": "9"},
    ]
    record = {"command": command, "datasets": datasets, "nodes": [], "graph": "lending"}
    (folder / "run.json").write_text(json.dumps(record))
    nodes = [{"name": node.name, "parts": {}} for node in prepare_job("score", []).graph.nodes]
    plan = {**SAVED, "nodes": nodes}
    (folder / "plan.json").write_text(json.dumps(plan))


def test_a_replay_takes_options_and_versions_of_its_run_and_no_others(earlier):
    job = prepare_job("replay", ["old", "--json"])
    assert (job.conf.env, job.conf.run.nodes_at_once, job.options.json) == ("cluster", 3, True)
    read = {"application_numbers": "400 rows", "champion": "3", "lgd_champion": "2"}
    assert job.pinned == read
    assert not job.skips
    for option in ("--set", "--env", "--as-of"):
        with pytest.raises(UsageError, match=f"unrecognized arguments: {option}"):
            prepare_job("replay", ["old", option, "x"])


def test_a_run_that_does_not_know_what_it_read_cannot_be_replayed(home, earlier):
    file = home / "runs" / "old" / "run.json"
    file.write_text(file.read_text().replace('"400 rows"', "null"))
    with pytest.raises(DataError, match="'old' does not say which version of 'application_numbers"):
        prepare_job("replay", ["old"])


def test_a_run_whose_plan_was_not_kept_cannot_be_replayed(home, earlier):
    (home / "runs" / "old" / "plan.json").unlink()
    with pytest.raises(DataError, match="'old' has kept no plan.json, and nobody can tell"):
        prepare_job("replay", ["old"])


def test_a_replay_does_the_nodes_of_its_run_whatever_would_be_selected_today(home, earlier):
    file = home / "runs" / "old" / "run.json"
    command = "score --set run.nodes_at_once=3 --select state:changed --exclude result:failed"
    file.write_text(file.read_text().replace("score --env cluster", command))
    job = prepare_job("replay", ["old"])
    assert job.graph == prepare_job("score", []).graph
    assert job.command.startswith(f"./spark-submit.sh {command}")
    assert not job.needs_states and not job.asks_results


def place(home):
    return Place(project=home, environment=home, home=home, java=home, spark=home)


def test_spark_starts_with_the_settings_of_the_plan_or_the_run_that_is_done_again(
    home, plan_file, earlier
):
    def told(job, *options):
        return list(recorded_options(Request((), job, options), place(home)))

    assert told("score", "--plan", plan_file) == SAVED["arguments"]
    assert told("replay", "--json", "old") == ["--env", "cluster", "--set", "run.nodes_at_once=3"]
    # What is wrong with these the job itself says.
    assert told("run", "--env", "cluster") == told("replay", "new") == told("replay") == []


def test_code_edited_while_a_job_starts_is_refused(project, code):
    project.graph = code.graph
    loaded = {node.name: node.code for node in project.graph.nodes}
    job = replace(
        prepare_job("run", []),
        whole=project.graph,
        graph=project.graph,
        params=project.request().params,
        code=loaded,
    )
    plan = plan_job(job, project.spark, project.stores, token="a")
    assert plan["double"].found.code == loaded["double"]
    code.write("2 * F.col", "3 * F.col")  # and what is loaded still doubles
    with pytest.raises(Conflict, match=r"code of 'double' was edited while the job started"):
        plan_job(job, project.spark, project.stores, token="b")
