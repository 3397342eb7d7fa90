"""What a plan finds before anything runs, and which nodes it never skips."""

import datetime as dt
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.ml import Pipeline
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F
from xgboost.spark import SparkXGBClassifier

from penstock.catalyst.internals import count_jobs
from penstock.conf import AliasConf, CsvConf, DeltaConf, MemoryConf, ModelConf
from penstock.engine.contract import Contract
from penstock.engine.made import records_of
from penstock.engine.nodes import Apply, Deploy, Fit, Transform
from penstock.errors import ConfigError, DataError, PenstockError


def labelled(loans):
    return loans.selectExpr("id", "double(amount) AS amount", "amount % 2 AS is_bad")


def forest(*, seed):
    features = VectorAssembler(inputCols=["amount"], outputCol="features")
    chosen = {} if seed is None else {"seed": seed}
    trees = RandomForestClassifier(labelCol="is_bad", numTrees=2, maxDepth=2, **chosen)
    return Pipeline(stages=[features, trees])


def boosted(*, column):
    return SparkXGBClassifier(
        features_col=[column], label_col="is_bad", num_workers=1, n_estimators=2, random_state=1
    )


def fitted_by(project, fit):
    """Add a model fitted on the loans, and the loans scored by it."""
    project.grow(
        Transform(labelled, "loans", "labelled"),
        Fit(fit, "labelled", "model"),
        Apply("model", "labelled", "scored"),
        labelled=MemoryConf(),
        model=ModelConf("small_model"),
        scored=DeltaConf(),
    )


def test_all_faults_are_told_at_once_and_none_of_those_behind_them(project):
    def misspelt(loans):
        return loans.select("amont")

    def not_summed(loans):
        return loans.selectExpr("sum(array(amount))")

    def behind(spoilt):
        return spoilt.select("nothing")

    project.grow(
        Transform(misspelt, "loans", "spoilt"),
        Transform(behind, "spoilt", "behind"),
        Transform(not_summed, "loans", "sums"),
        spoilt=MemoryConf(),
        behind=MemoryConf(),
        sums=DeltaConf(),
    )
    before = count_jobs(project.spark)
    with pytest.raises(DataError, match="2 faults, and nothing was run") as told:
        project.plan()
    assert count_jobs(project.spark) == before
    first, second = str(told.value).split("\n  2. ")
    assert "  1. Node 'misspelt' (test_planner.py, line" in first and "mean 'amount'?" in first
    assert "Node 'not_summed' (test_planner.py, line" in second and "array" in second
    assert not project.home.tables.exists()


def test_a_table_released_under_another_contract_is_to_be_made_again(released):
    def counted(loans):
        return loans.selectExpr("count(*) AS n")

    project, loans = released, released.graph.contracts["loans"]
    project.grow(Transform(counted, "loans", "counts"), counts=DeltaConf())

    def part(columns):
        project.grow(contracts={"loans": replace(loans, columns=columns)})
        return project.graph.upto(("totals", "counts"), given=("loans",))

    again = r"Run the job that makes it \(node 'clean'\) again, or `run`\.$"
    wider = part(f"{loans.columns}, raw_amount STRING")
    with pytest.raises(DataError, match=rf"lacks 1 column\(s\).*: 'raw_amount'\. {again}") as told:
        project.plan(wider)
    assert str(told.value).startswith("The table 'loans' (")  # for both of its readers at once
    with pytest.raises(DataError, match=rf"'amount' is int; the contract asks for .* {again}"):
        project.plan(part("id STRING, amount BIGINT"))
    wider = part(f"{loans.columns}, raw_amount STRING")
    _, error = project.run(project.graph.upto(("loans",)))
    assert error is None
    assert project.causes(wider) == {
        "double": "loans is made anew", "total": "doubled is made anew", "counted": "never made",
    }  # fmt: skip


def test_a_plan_gives_each_node_its_columns_without_a_job(project):
    plan = project.plan()
    assert plan.spark_jobs == 0
    columns = {n: s and s.simpleString() for p in plan.nodes for n, s in p.found.columns.items()}
    assert columns == {
        "loans": "struct<id:string,amount:int>",
        "doubled": "struct<id:string,doubled:int>",
        "totals": "struct<total:bigint>",
        "published": None,  # its function gets a report: only running can tell
    }
    assert list(plan.sources) == ["raw"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"checks": {"rule": "amont > 0"}}, "Did you mean 'amount'"),
        ({"checks": {"rule": "amount"}}, "BOOLEAN"),
        ({"checks": {"rule": "sum(amount) > 0"}}, "GROUP BY"),
        ({"checks": {"rule": "amount >"}}, "PARSE_SYNTAX_ERROR"),
        ({"key": ("idd",)}, "Did you mean 'id'"),
    ],
    ids=["of no column", "no condition", "of many rows", "no SQL", "a key of no column"],
)
def test_a_rule_that_no_row_can_be_held_against_is_refused_by_the_plan(project, rules, said):
    project.grow(contracts={"loans": Contract("id STRING, amount INT", **rules)})
    with pytest.raises(PenstockError, match=f"Node 'clean' (?s:.*){said}"):
        project.plan()


def test_a_table_lies_in_folders_by_columns_that_it_has(project):
    project.more["loans"] = DeltaConf(partition_by=("amont",))
    with pytest.raises(ConfigError, match="Node 'clean'.*'amont', which .*Did you mean 'amount'"):
        project.plan()
    project.more["loans"] = DeltaConf(partition_by=("amount",))
    assert project.run(project.graph.upto(("loans",)))[1] is None
    folders = Path(project.catalog.delta("loans").path).glob("amount=*")
    assert {folder.name for folder in folders} == {"amount=1", "amount=2"}
    assert sorted(project.released("loans")) == [("a", 1), ("b", 2)]


def test_an_xgboost_model_is_typed_without_a_job_and_its_wrong_column_found(project):
    fitted_by(project, boosted)
    project.params["boosted"] = {"column": "amount"}
    plan = project.plan()
    assert plan.spark_jobs == 0
    assert plan["boosted"].cause == "never made"
    scored = plan["apply_model_to_labelled"].found.columns["scored"]
    assert scored.names == [
        "id", "amount", "is_bad", "rawPrediction", "prediction", "probability", "model_version",
    ]  # fmt: skip
    project.params["boosted"] = {"column": "amont"}
    with pytest.raises(PenstockError, match="Node 'boosted'.*'amont'.*Did you mean 'amount'"):
        project.plan()


def clocked(loans):
    return loans.select("id", F.current_date().alias("today"))


def drawn(loans):
    return loans.select("id", F.rand().alias("drawn"))


def drawn_by_a_seed(loans):
    return loans.select("id", F.rand(42).alias("drawn"))


def drawn_in_python(loans):
    draw = F.udf(lambda _: random.random(), "double").asNondeterministic()
    return loans.select("id", draw("id").alias("drawn"))


def dated(loans):
    return loans.select("id", F.lit(str(dt.datetime.now())).alias("now"))


def carried(table):
    return table.select("id")


def test_what_is_not_the_same_twice_is_never_skipped_and_says_so(released):
    project = released
    stages = (clocked, drawn, drawn_by_a_seed, drawn_in_python, dated)
    for stage in stages:
        rows = f"{stage.__name__}_rows"
        project.grow(Transform(stage, "loans", rows), **{rows: DeltaConf()})
    for name in ("clocked", "drawn_by_a_seed"):
        behind = Transform(carried, f"{name}_rows", f"{name}_ids", name=f"behind_{name}")
        project.grow(behind, **{f"{name}_ids": DeltaConf()})
    _, error = project.run()
    assert error is None
    causes = project.causes()
    assert set(causes) == {"clocked", "behind_clocked", "drawn", "drawn_in_python", "dated"}
    assert causes["clocked"].startswith(
        "never skipped: F.current_date() (tests/engine/test_planner.py"
    )
    assert causes["clocked"].count("current_date") == 1  # the plan shows it too
    assert causes["drawn"].startswith("never skipped: F.rand() (tests/engine/test_planner.py, line")
    assert "<lambda>() is not declared deterministic" in causes["drawn_in_python"]
    assert causes["dated"].startswith("never skipped: dt.datetime.now() (")
    assert causes["behind_clocked"] == "clocked_rows is made anew"


def test_what_reads_files_whose_version_cannot_be_told_is_never_skipped(released):
    project = released
    # Of a pattern only Spark can say which files it means, as of an address elsewhere.
    project.more["raw"] = CsvConf(str(project.csv.with_name("r?w.csv")))
    never = "never skipped: the version of raw cannot be told"
    assert project.causes()["clean"] == never
    record, error = project.run()
    assert error is None and record.nodes[0].cause == never
    assert project.causes()["clean"] == never
    assert {d.name: d.version for d in record.datasets}["raw"] is None


def test_a_model_that_is_gone_is_made_again_and_one_without_a_seed_is_never_skipped(released):
    project = released
    fitted_by(project, forest)
    project.params["forest"] = {"seed": 1}
    _, error = project.run()
    assert error is None and project.causes() == {}

    # The same estimator, fitted again by a run of its own, is another version.
    again = replace(records_of(project.current, "small")["forest"], run_id="run-9").to_json()
    base = replace(project.current, made={**project.current.made, "small.forest": again})
    part = project.graph.only(["labelled", "apply_model_to_labelled"])
    assert project.causes(part) == {}
    assert project.causes(part, base=base)["apply_model_to_labelled"] == "model is made anew"

    [files] = [file.parent for file in Path(project.home.mlflow).rglob("MLmodel")]
    kept = shutil.move(files, project.home.root / "kept")
    assert project.causes() == {
        "labelled": "needed by forest",
        "forest": f"output missing: model {project.current.pins['model']}",
        "apply_model_to_labelled": "model is made anew",  # its version stands in what it scored
    }
    shutil.move(kept, files)
    assert project.causes() == {}

    project.params["forest"] = {"seed": 2}
    assert project.causes() == {
        "labelled": "needed by forest",
        "forest": "parameter seed 1 -> 2",
        "apply_model_to_labelled": "model is made anew",
    }
    project.params["forest"] = {"seed": None}
    assert project.causes() == {
        "labelled": "needed by forest",
        "forest": "never skipped: RandomForestClassifier has no seed of its own: set one",
        "apply_model_to_labelled": "model is made anew",
    }


def test_a_rollback_takes_an_alias_back_that_was_not_given_yet(released):
    project = released
    fitted_by(project, forest)
    project.params["forest"] = {"seed": 1}
    assert project.run()[1] is None
    project.grow(Deploy("model", "best", after="report"), best=AliasConf("small_model"))
    assert project.run()[1] is None
    registry = project.stores.registry
    assert set(registry.client.get_registered_model("small_model").aliases) == {"best"}
    last = project.current
    project.roll_back(last.release_id - 1)
    for _ in range(2):  # whoever comes second finds nothing to take
        project.stores.follow(project.spark)
        assert not registry.client.get_registered_model("small_model").aliases
    assert project.causes() == {}
    assert project.run()[0].release == last.release_id + 2
    assert set(registry.client.get_registered_model("small_model").aliases) == {"best"}


def test_a_rollback_takes_the_records_back_too(released):
    project = released
    project.params["gate"]["at_least"] = 1
    project.run()
    second = project.current
    project.roll_back(1)

    project.params["gate"]["at_least"] = 0
    assert project.causes() == {}  # the first release is as it was
    assert project.run()[0].release == 3
    project.params["gate"]["at_least"] = 2
    assert project.causes()["gate"] == "parameter at_least 0 -> 2"
    project.params["gate"]["at_least"] = 1
    assert project.causes() == {}  # what the second run made is still there
    assert project.plan()["gate"].cause == "done by run run-2"
    record, error = project.run()
    assert error is None and record.release == 4
    assert {node.status for node in record.nodes} == {"skipped"}
    assert dict(project.current.pins) == dict(second.pins)


def test_a_node_is_run_for_what_it_keeps_in_memory_though_its_table_is_there(released):
    project = released

    def split(loans):
        return loans, loans.selectExpr("id")

    def counted(ids, *, by):
        return ids.selectExpr(f"count(*) * {by} AS n")

    project.grow(
        Transform(split, "loans", ("copied", "ids")),
        Transform(counted, "ids", "counts"),
        copied=DeltaConf(),
        ids=MemoryConf(),
        counts=DeltaConf(),
    )
    project.params["counted"] = {"by": 1}
    project.run()
    assert project.causes() == {}
    project.params["counted"] = {"by": 2}
    assert project.causes() == {"split": "needed by counted", "counted": "parameter by 1 -> 2"}
    assert project.run()[1] is None and project.released("counts")[0].n == 4
