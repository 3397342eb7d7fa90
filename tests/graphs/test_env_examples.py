"""The example environments on the public tables that they describe, if beside the repository."""

import json
from dataclasses import dataclass, field

import pytest
import yaml
from pyspark.sql import functions as F

from penstock.catalyst.internals import count_jobs
from penstock.engine.checking import check_rows
from penstock.graphs.scorecard import GRAPH
from penstock.job import PROJECT, prepare_job
from penstock.learn.observations import (
    AS_OF,
    BAD_ON,
    DATE,
    INDETERMINATE,
    ROW_ID,
    read_observations,
)
from penstock.learn.pd_columns import LABEL
from penstock.planning import plan_job
from penstock.store.stores import Stores
from tests.processes import do
from tests.shared_data import shared

CATALOGS = {file.parent.name: file for file in (PROJECT / "conf").glob("*/catalog.yaml")}


@dataclass(frozen=True)
class Example:
    """What is known of a table from who published it.

    Attributes:
        file: Below the folder of all tables.
        least_auc: What scorecard and challenger reach at least, by the one part that judges them.
        missing: Feature to the rows that lack it; those of which nothing was published are left
            out.
        path: Setting that says where the table lies.
    """

    file: str
    goods: int
    bads: int
    least_auc: float
    indeterminate: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    path: str = "catalog.raw_table.path"


EXAMPLES = {
    "german_credit": Example("german_credit/german.data.gz", goods=700, bads=300, least_auc=0.7),
    "hmeq": Example(
        "hmeq/hmeq.csv.gz",
        goods=4771,
        bads=1189,
        least_auc=0.88,
        missing={"DEBTINC": 1267, "DEROG": 708, "DELINQ": 580, "MORTDUE": 518, "LOAN": 0},
    ),
    "give_me_some_credit": Example(
        "give_me_some_credit/cs-training.csv.gz",
        goods=139_974,
        bads=10_026,
        least_auc=0.84,
        missing={"monthly_income": 29_731, "dependants": 3_924},
    ),
    # Loans that did not meet the credit policy are neither good nor bad, whatever became of them.
    "lendingclub": Example(
        "lendingclub/loans_2007-06_to_2011-09.csv.gz",
        goods=28_587,
        bads=4_582,
        least_auc=0.68,
        indeterminate=1_988 + 761,
        missing={"pub_rec_bankruptcies": 1_365, "emp_length": 872, "revol_util": 87},
        path="catalog.raw_loans.path",
    ),
    "credit_approval": Example(
        "credit_approval/crx.data.gz",
        goods=307,
        bads=383,
        least_auc=0.85,
        missing={"a1": 12, "a2": 12, "a4": 6, "a5": 6, "a6": 9, "a7": 9, "a14": 13, "a3": 0},
    ),
}


@pytest.fixture(params=EXAMPLES)
def env(request):
    return request.param


@pytest.fixture
def job(env, tmp_path, monkeypatch):
    """Return what asks for the plan of the graph on the real table, as the example says."""
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    example = EXAMPLES[env]
    where = f"{example.path}={shared(example.file)}"
    return prepare_job("plan", ["--graph", "scorecard", "--env", env, "--set", where])


def test_each_environment_that_describes_a_table_of_its_own_is_an_example():
    described = {
        env for env, file in CATALOGS.items() if "raw_table" in yaml.safe_load(file.read_text())
    }
    assert described - {"base"} == EXAMPLES.keys()


def test_an_environment_says_how_its_table_is_given(env):
    assert f"--set {EXAMPLES[env].path}=" in CATALOGS[env].read_text()


def test_the_whole_run_is_planned_on_the_real_table_without_a_spark_job(spark, job):
    jobs = count_jobs(spark)
    plan = plan_job(job, spark, Stores.of(job.conf, job.home), token="x")
    whole = GRAPH.upto(GRAPH.jobs["run"].targets)
    assert {p.node.name: p.action for p in plan.nodes} == {n.name: "run" for n in whole.nodes}
    assert (plan.spark_jobs, count_jobs(spark)) == (0, jobs)
    assert [*job.home.root.iterdir()] == []


@pytest.mark.slow
def test_a_public_table_comes_from_its_file_to_a_champion_by_one_command(tmp_path, env):
    from tests.released import mlflow_of

    where = f"{EXAMPLES[env].path}={shared(EXAMPLES[env].file)}"
    code, out, told = do(
        tmp_path, "run", "--graph", "scorecard", "--env", env, "--set", where, "--json"
    )
    assert code == 0, told
    outcome = json.loads(out.splitlines()[-1])
    assert {node["status"] for node in outcome["nodes"]} == {"done"}
    aliases = mlflow_of(tmp_path).get_registered_model("credit_pd").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "1"}
    folder = tmp_path / "runs" / outcome["run_id"]
    evidence = json.loads((folder / "run.json").read_text())["evidence"]
    for model in ("scorecard", "challenger"):
        assert evidence[f"{model}_report"]["metrics"]["auc"] > EXAMPLES[env].least_auc
        page = (folder / f"validation-{model}-1.html").read_text()
        assert ("Approved by sex_and_status" in page) == (env == "german_credit")
    # Their columns are known at the application, all of them.
    assert evidence["leak_report"]["metrics"]["leaks"] == 0
    assert evidence["scorecard_page"]["metrics"]["leak_alarms"] == 0


def test_rows_outcomes_and_gaps_of_the_real_table_are_as_published_and_no_row_is_put_aside(
    spark, env, job
):
    example, described = EXAMPLES[env], job.params["read_observations"]
    raw = Stores.of(job.conf, job.home).catalog.read_file(spark, "raw_table")
    # Without the row as it came, and other columns that no rule asks for, most is not even read.
    asked = (ROW_ID, LABEL, DATE, BAD_ON, AS_OF, INDETERMINATE, "group", "fault")
    observations = read_observations(raw, **described).select(*asked, *example.missing)
    checked = check_rows(observations, GRAPH.contracts["observations"])
    gaps = {name: F.count_if(F.col(name).isNull()) for name in (LABEL, *example.missing)}
    found = checked.good.agg(
        F.count_if(F.col(LABEL) == 0).alias("goods"),
        F.count_if(F.col(LABEL) == 1).alias("bads"),
        F.count(INDETERMINATE).alias("told"),
        *(gap.alias(name) for name, gap in gaps.items()),
    ).first()
    assert (found.goods, found.bads) == (example.goods, example.bads)
    assert found.told == example.indeterminate
    assert {name: found[name] for name in gaps} == {LABEL: example.indeterminate, **example.missing}
    counts = checked.counts()
    assert counts.rows == example.goods + example.bads + example.indeterminate
    assert counts.broken_rules == {}
