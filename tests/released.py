"""Jobs in the tests' session, and what readers of a state folder see by its newest release."""

import io
import json
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest
from mlflow.tracking import MlflowClient

from penstock.cli import run_job
from penstock.engine.fingerprint import NEVER, TOLD
from penstock.engine.made import records_of
from penstock.job import prepare_job
from penstock.store.delta import DeltaTable
from penstock.store.home import Home
from penstock.store.releases import Releases


def mlflow_of(home):
    uri = f"sqlite:///{home}/mlflow/mlflow.db"
    return MlflowClient(uri, uri)


def release_of(spark, home):
    return Releases(DeltaTable("releases", str(home / "tables/releases"))).current(spark)


def table_of(spark, home, name):
    version = release_of(spark, home).pins[name]
    return DeltaTable(name, str(home / "tables" / name)).read(spark, version)


def told_here(spark, home, job, *words):
    """Do a job in the tests' session and return its exit code, standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    Home(home).prepare()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("PENSTOCK_HOME", str(home))
        code = run_job(prepare_job(job, [*words]), spark)
    return code, out.getvalue(), err.getvalue()


def do_here(spark, home, job, *words):
    """Do a job in the tests' session and return its exit code and its record."""
    code, _, _ = told_here(spark, home, job, *words, "--quiet")
    newest = max((home / "runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    return code, json.loads((newest / "run.json").read_text())


def record_of(home, outcome):
    """Return `run.json` of the run that ended with an outcome, as `--json` tells it."""
    return json.loads((home / "runs" / outcome["run_id"] / "run.json").read_text())


class State:
    """A state folder, and jobs done on it in the tests' session, always by the same options."""

    def __init__(self, spark, home, *options):
        self.spark, self.home, self.options = spark, home, options

    def do(self, job, *options):
        """Do a job, by further options, and return its exit code and its record."""
        return do_here(self.spark, self.home, job, *self.options, *options)

    def table(self, name):
        return table_of(self.spark, self.home, name)

    @property
    def release(self):
        return release_of(self.spark, self.home)

    @property
    def mlflow(self):
        return mlflow_of(self.home)


def everything(spark, home):
    """Return the release, the rows of the scores and the champion, to be compared."""
    champion = mlflow_of(home).get_model_version_by_alias("lending_pd", "champion").version
    scores = sorted(map(tuple, table_of(spark, home, "scores").collect()))
    return release_of(spark, home), scores, str(champion)


def contents(spark, home):
    """Return table to (its rows, the sum of their hashes), of every table of the newest release.

    Which run made a row, or which version of a model, does not count.
    """
    pins = release_of(spark, home).pins
    tables = [folder.name for folder in (home / "tables").iterdir() if folder.name in pins]
    found = {}
    for name in tables:
        rows = DeltaTable(name, str(home / "tables" / name)).read(spark, pins[name])
        rows = rows.drop("run_id", "model_version", "reasons_version", "record_hash")
        # As JSON, for a map has no hash.
        total = rows.selectExpr(
            "count(*)", "sum(CAST(xxhash64(to_json(struct(*))) AS DECIMAL(38)))"
        )
        found[name] = tuple(total.first())
    return found


def left_open(spark, home, graph):
    """Return what the plan of the released nodes of a graph could not say of them.

    That is the columns of a table, that a node is the same twice, a cause if it runs again.
    """
    found = []
    for name, made in records_of(release_of(spark, home), graph).items():
        columns, never = made.analysis["columns"], made.analysis["never"]
        found += [f"{name}: columns of {table}" for table, known in columns.items() if not known]
        found += [f"{name}: {never}"] if never or NEVER in made.parts else []
        found += [f"{name}: {part}" for part in made.parts if part.split(" ")[0] not in TOLD]
    return found


@contextmanager
def partitions(spark, number):
    """Let shuffles have so many partitions."""
    name = "spark.sql.shuffle.partitions"
    before = spark.conf.get(name)
    spark.conf.set(name, str(number))
    try:
        yield
    finally:
        spark.conf.set(name, before)


class Outcome:
    """What a job has left behind: the contents of all tables, and what it says of its own nodes."""

    def __init__(self, spark, home, *words):
        code, record = do_here(spark, home, *words)
        assert code == 0
        self.statuses = {node["name"]: node["status"] for node in record["nodes"]}
        self.tables, self.evidence = contents(spark, home), record["evidence"]


def both_ways(spark, home, *words):
    """Do a job with skipping, then without and with other partitions."""
    with_skipping = Outcome(spark, home, *words)
    with partitions(spark, 3):
        without = Outcome(spark, home, *words, "--no-skip")
    assert set(without.statuses.values()) == {"done"}
    return with_skipping, without
