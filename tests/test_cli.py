"""Commands done as a user does them, on a graph of three nodes: what they print, move and refuse.

They run in the tests' session and share one state folder. Each test makes what it starts from.
"""

import io
import json
import shutil
import subprocess
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from penstock import cli
from penstock.cli import main
from penstock.engine.graph import Graph
from penstock.engine.nodes import Deploy, Transform
from penstock.errors import Conflict
from penstock.graphs import GRAPHS

MODEL = "line"
TABLES = ("loans", "sums")


def scaled(raw, *, unit, policy):
    most = policy.files[0].value["most"]
    return raw.selectExpr("id", f"least(amount, {most}) * {unit} AS amount")


def summed(loans, *, by):
    return loans.selectExpr(f"sum(amount) * {by} AS total")


GRAPH = Graph(
    "small",
    (
        Transform(scaled, "raw", "loans"),
        Transform(summed, "loans", "sums"),
        Deploy("line", "champion", after="sums"),
    ),
)
CONF = {
    "catalog": """
raw: {{kind: delta, external: true, path: {raw}}}
loans: {{kind: delta}}
sums: {{kind: delta}}
releases: {{kind: delta}}
line: {{kind: model, name: line, version: 1}}
champion: {{kind: alias, model: line}}
""",
    "params": """
common: {{as_of: 2024-01-01}}
scaled: {{unit: 1, policy: "${{files:base/policy.yaml}}"}}
summed: {{by: 7}}
""",
    "policy": "most: 1000",
    "run": "{{tables: '', tracking_uri: '', experiment: tests, nodes_at_once: 2}}",
    "spark": "{{spark.scheduler.mode: FAIR}}",
}
GONE = {"name": "a node of then", "parts": {}}
FIRST = ("--set", "params.summed.by=1")
LATER = ("--set", "params.summed.by=10", "--set", "catalog.line.version=2")


class World:
    """A project of its own: configuration, a source that others write, a registry, a state."""

    def __init__(self, spark, folder, empty_mlflow):
        self.spark, self.folder, self.home = spark, folder, folder / "home"
        self.raw = str(folder / "raw")
        for name, text in CONF.items():
            file = folder / "conf" / "base" / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.format(raw=self.raw))
        (folder / "conf" / "local").mkdir()
        shutil.copytree(empty_mlflow, self.home / "mlflow")
        self.append("a", 1)
        self.append("b", 2)

    def append(self, name, amount):
        rows = self.spark.createDataFrame([(name, amount)], "id STRING, amount INT")
        rows.write.format("delta").mode("append").save(self.raw)

    def do(self, *words):
        """Do a command and return its exit code, standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            # The graph of commands that name none; `rollback` cannot name one.
            patch.setitem(GRAPHS, "lending", __name__)
            patch.setattr("penstock.job.PROJECT", self.folder)
            patch.setattr("penstock.session.lazy_session", lambda _: nullcontext(self.spark))
            patch.setenv("PENSTOCK_HOME", str(self.home))
            patch.setenv("MPLCONFIGDIR", str(self.home / "cache" / "matplotlib"))
            patch.setattr("sys.argv", [*words])
            with pytest.raises(SystemExit) as left:
                main(words[0])
        return left.value.code, out.getvalue(), err.getvalue()

    def told(self, *words):
        """Do a command that must end well and return its JSON."""
        code, out, err = self.do(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def actions(self, *words):
        """Return what a plan would do: node to its cause, or to "skip"."""
        nodes = self.told("plan", *words)["nodes"]
        return {n["name"]: n["cause"] if n["action"] == "run" else "skip" for n in nodes}

    @property
    def mlflow(self):
        from tests.released import mlflow_of

        return mlflow_of(self.home)

    @property
    def champion(self):
        return str(self.mlflow.get_model_version_by_alias(MODEL, "champion").version)

    @property
    def release(self):
        from tests.released import release_of

        return release_of(self.spark, self.home)

    def table(self, name):
        from penstock.store.delta import DeltaTable

        return DeltaTable(name, str(self.home / "tables" / name))

    def rows(self, release):
        """Return the rows of both tables as of a release."""
        tables = {name: self.table(name).log.rows(int(release.pins[name])) for name in TABLES}
        return {name: sorted(tuple(row.values()) for row in rows) for name, rows in tables.items()}


def register_versions(home, number):
    """Register versions of a model, of which only the name and a file matter here."""
    from penstock.conf import RunConf
    from penstock.store.home import Home
    from penstock.store.tracking import open_tracking

    tracking = open_tracking(RunConf("", "", "tests", 4), Home(home))
    tracking.client.create_registered_model(MODEL)
    for _ in range(number):
        run = tracking.start_run("fit", {})
        tracking.log_text(run, "flavors: {}", "model/MLmodel")
        source = f"{tracking.client.get_run(run).info.artifact_uri}/model"
        tracking.client.create_model_version(MODEL, source, run)


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory, empty_mlflow):
    """Return a world with two releases: of other rows, other parameters and another champion."""
    world = World(spark, tmp_path_factory.mktemp("world"), empty_mlflow)
    register_versions(world.home, 2)
    world.runs = [world.told("run", *FIRST)]
    world.releases = [world.release]
    world.append("c", 40)
    world.runs.append(world.told("run", *LATER))
    world.releases.append(world.release)
    return world


def test_a_run_moves_tables_and_alias_on(world):
    first, second = world.releases
    assert [run["release"] for run in world.runs] == [1, 2]
    assert world.rows(first) == {"loans": [("a", 1), ("b", 2)], "sums": [(3,)]}
    assert world.rows(second) == {"loans": [("a", 1), ("b", 2), ("c", 40)], "sums": [(430,)]}
    assert (first.pins["champion"], second.pins["champion"]) == ("1", "2")
    assert world.champion == "2"


def test_an_alias_that_was_moved_by_hand_is_put_back_by_the_next_run(world):
    world.told("run", *LATER)
    world.mlflow.set_registered_model_alias(MODEL, "champion", "1")
    outcome = world.told("run", *LATER)
    assert {node["status"] for node in outcome["nodes"]} == {"skipped"}
    assert world.champion == world.release.pins["champion"] == "2"


def test_a_replay_makes_the_rows_of_its_run_again_from_what_that_run_read_and_was_told(world):
    first, before = world.releases[0], world.release
    outcome = world.told("replay", world.runs[0]["run_id"])
    assert {node["status"] for node in outcome["nodes"]} == {"done"}
    run = json.loads((world.home / "runs" / outcome["run_id"] / "run.json").read_text())
    assert {d["name"]: d["version"] for d in run["datasets"] if d["role"] == "source"} == {
        "raw": "1", "line": "1",
    }  # fmt: skip
    release = world.release
    assert release.release_id == outcome["release"] == before.release_id + 1
    # Written anew, and not only released again.
    assert all(int(release.pins[name]) > int(before.pins[name]) for name in TABLES)
    assert world.rows(release) == world.rows(first)
    assert world.champion == "1"


def test_a_replay_that_would_make_other_rows_is_refused_with_what_changed_since(world):
    run_id, before = world.runs[0]["run_id"], world.release
    folder = world.home / "runs" / run_id
    run, plan = (json.loads((folder / name).read_text()) for name in ("run.json", "plan.json"))
    policy = world.folder / "conf" / "base" / "policy.yaml"

    def refusal():
        code, _, err = world.do("replay", run_id)
        assert code == Conflict.exit_code and "and nothing was run" in err
        assert f"commit {run['git_commit'][:12]}" in err or "is not known" in err
        return err

    policy.write_text("most: 1")
    told = "scaled: parameter policy \"[{'most': 1000}]\" -> \"[{'most': 1}]\". "
    assert f"Run '{run_id}' would not be the same again, and nothing was run: {told}" in refusal()
    policy.write_text("# As it was.\nmost: 1000")

    parts = {node["name"]: node["parts"] for node in plan["nodes"]}
    parts["scaled"]["library pyspark"] = "3.5.0"
    parts["summed"]["plan sums"] = "another"
    [function] = [name for name in plan["code"]["summed"] if name.endswith(":summed")]
    plan["code"]["summed"][function] = "another"
    (folder / "plan.json").write_text(json.dumps(plan | {"nodes": [*plan["nodes"], GONE]}))
    told = refusal()
    assert "scaled: pyspark 3.5.0 -> " in told and "summed: code of summed (" in told
    assert "a node of then: gone" in told
    assert world.release == before


def test_a_rollback_makes_tables_and_alias_of_an_earlier_release_current(world):
    world.told("run", *LATER)
    first, before = world.releases[0], world.release
    assert world.champion == "2"
    back = world.told("rollback", "--to", "1")
    assert (back["release"], back["note"]) == (before.release_id + 1, "rollback to 1")
    assert {"champion 2 -> 1", f"sums {before.pins['sums']} -> 0"} <= set(back["changes"])
    assert dict(world.release.pins) == dict(first.pins) and world.champion == "1"

    code, _, err = world.do("rollback", "--to", "99")
    assert code == 2 and "There is no release 99" in err
    code, out, _ = world.do("rollback")
    told = f"Release {before.release_id + 2} is a rollback to {before.release_id}: champion 1 -> 2"
    assert code == 0 and out.startswith(told)
    assert dict(world.release.pins) == dict(before.pins) and world.champion == "2"


@contextmanager
def away(path):
    """Take a file or folder away for as long as the block lasts."""
    kept = path.rename(path.with_name(f"{path.name}.away"))
    try:
        yield
    finally:
        kept.rename(path)


def test_a_release_whose_tables_or_models_are_gone_does_not_come_back(world):
    world.told("run", *LATER)
    first, before = world.releases[0], world.release
    [data] = [a["path"] for a in world.table("sums").log.actions(int(first.pins["sums"]), "add")]
    model = world.mlflow.get_model_version(MODEL, "1").source.removeprefix("file://")
    for lost, path in (("sums", Path(world.table("sums").path, data)), ("champion", Path(model))):
        with away(path):
            code, _, err = world.do("rollback", "--to", "1")
        assert code == 3
        assert f"Release 1 cannot come back: {lost} of it are gone (vacuumed or deleted)" in err
        assert world.release == before and world.champion == "2"
    assert world.told("rollback", "--to", "1")["release"] == before.release_id + 1


def test_what_is_selected_is_run_and_all_else_is_as_released(world):
    world.told("run", *LATER)
    before = world.release
    both = (*LATER, "--set", "params.scaled.unit=2", "--set", "params.summed.by=100")
    outcome = world.told("run", *both, "--select", "summed")
    assert {n["name"]: n["status"] for n in outcome["nodes"]} == {"summed": "done"}
    after, rows = world.release, world.rows(world.release)
    assert {name for name, v in after.pins.items() if before.pins[name] != v} == {"sums"}
    assert rows["loans"] == world.rows(before)["loans"]
    assert rows["sums"] == [(100 * sum(amount for _, amount in rows["loans"]),)]
    assert world.actions(*both)["scaled"] == "parameter unit 1 -> 2"

    _, drawn, _ = world.do("plan", *both, "--exclude", "scaled", "--mermaid")
    assert "scaled<br/>transform · not selected" in drawn and "summed<br/>transform · skip" in drawn
    outcome = world.told("run", *LATER, "--exclude", "scaled,summed deploy_champion")
    assert {n["name"] for n in outcome["nodes"]} == {"scaled", "summed"}


def test_a_plan_is_drawn_kept_and_run_as_it_stands(world, tmp_path):
    from penstock.catalyst.internals import count_jobs

    world.told("run", *LATER)
    before, jobs = world.release, count_jobs(world.spark)
    file, page = tmp_path / "plan.json", tmp_path / "plan.html"
    files = ("--save", str(file), "--page", str(page))
    code, drawn, err = world.do(
        "plan", *LATER, "--set", "params.summed.by=1000", "--mermaid", *files
    )
    assert (code, err) == (0, "") and count_jobs(world.spark) == jobs
    assert drawn.startswith("flowchart TD\n")
    for box in ("scaled<br/>transform · skip", "summed<br/>transform · RUN<br/>parameter by 10 -"):
        assert box in drawn
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>") and "parameter by 10 -&gt; 1000" in text
    assert world.release == before

    outcome = world.told("run", "--plan", str(file))
    assert {n["name"]: n["status"] for n in outcome["nodes"]} == {
        "scaled": "skipped", "summed": "done", "deploy_champion": "done",
    }  # fmt: skip
    rows = world.rows(world.release)
    assert rows["sums"] == [(1000 * sum(amount for _, amount in rows["loans"]),)]


def test_a_kept_plan_is_refused_once_an_input_has_moved(world, tmp_path):
    world.told("run", *LATER)
    before, runs = world.release, sorted((world.home / "runs").iterdir())
    file = tmp_path / "plan.json"
    assert world.do("plan", *LATER, "--no-skip", "--save", str(file))[0] == 0
    version = world.spark.sql(f"DESCRIBE HISTORY delta.`{world.raw}`").first().version
    world.append("d", 500)
    code, out, err = world.do("run", "--plan", str(file))
    assert (code, out) == (6, "")
    moved = f"out of date, and nothing was run: raw {version} -> {version + 1}. Make it anew"
    assert moved in err
    assert world.release == before and sorted((world.home / "runs").iterdir()) == runs
    assert world.actions(*LATER)["scaled"] == f"raw {version} -> {version + 1}"


def test_a_run_knows_its_commit_and_whether_anything_differs_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "PROJECT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert cli._git() == ("", False)

    def git(*words):
        user = ("-c", "user.name=x", "-c", "user.email=x@y.z")
        done = subprocess.run(
            ["git", *user, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    file = tmp_path / "stage.py"
    file.write_text("one")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    assert cli._git() == (git("rev-parse", "HEAD"), False)
    file.write_text("two")
    assert cli._git() == (git("rev-parse", "HEAD"), True)
    git("commit", "-q", "-a", "-m", "second")
    (tmp_path / "new.py").write_text("a file nobody has added")
    assert cli._git() == (git("rev-parse", "HEAD"), True)
