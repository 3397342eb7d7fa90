"""What is found of functions that are not what a stage function should be, and what they return."""

import re

import pandas
import pytest
from pyspark.ml.regression import LinearRegression

from penstock.conf import CsvConf, DeltaConf, MemoryConf, ModelConf, ReportConf
from penstock.engine.analysis import clocks_in
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.nodes import Apply, Fit, Gate, Measure, Solve, Transform
from penstock.errors import NodeFailed
from penstock.evidence import Evidence


def returning(value):
    """Return a function of one table that returns `value` whatever it gets."""

    def wrong(table):
        return value(table)

    return wrong


def alone(project, *nodes, contracts=None, **entries):
    """Let the project's graph be these nodes; `raw` is the CSV file with two rows."""
    project.graph = Graph("small", nodes, contracts or {})
    project.more = entries


@pytest.mark.parametrize(
    ("value", "returned"),
    [
        (lambda raw: None, "NoneType"),
        (lambda raw: (raw, raw), "DataFrame, DataFrame"),
        (lambda raw: [raw], "list"),
        (lambda raw: raw.toPandas(), "DataFrame"),
        (lambda raw: (), ""),
    ],
)
def test_a_transform_that_returns_no_table_for_an_output_is_refused_by_the_plan(
    project, value, returned
):
    alone(project, Transform(returning(value), "raw", "rows", "bad"), rows=DeltaConf())
    with pytest.raises(NodeFailed) as told:
        project.plan()
    assert str(told.value).startswith("Node 'bad' (test_stage_functions.py, line ")
    assert f": wrong returned {returned} for the outputs rows. Return one" in str(told.value)


@pytest.mark.parametrize(
    ("made", "returned"), [(None, "NoneType"), (LinearRegression, "ABCMeta"), (1, "int")]
)
def test_a_fit_that_returns_no_estimator_is_refused_by_the_plan(project, made, returned):
    def wrong():
        return made

    alone(project, Fit(wrong, "raw", "model", "bad"), model=ModelConf("m"))
    with pytest.raises(NodeFailed) as told:
        project.plan()
    assert str(told.value).startswith("Node 'bad' (test_stage_functions.py, line ")
    assert f": wrong returned {returned}; a Fit function returns an unfitted" in str(told.value)


def test_what_only_running_can_tell_of_a_return_fails_its_node_by_name(project):
    def measured(raw):
        return Evidence(metrics={"n": 1.0})

    measures = {
        "nothing": (lambda raw: None, "returned NoneType for 'nothing'"),
        "table": (lambda raw: raw, "returned DataFrame for 'table'"),
        "number": (lambda raw: 0.5, "returned float for 'number'"),
        "pair": (lambda raw: (1, 2), "wrong returned 2 value(s) for the outputs pair."),
    }
    solves = {
        "evidence": (measured, "returned Evidence for 'evidence'"),
        "frame": (lambda raw: pandas.DataFrame(), "returned DataFrame for 'frame'"),
    }
    gates = {
        "text": (lambda report: "too low", "wrong returned str; a Gate function returns a list"),
        "pass": (lambda report: None, "wrong returned NoneType; a Gate function returns a list"),
    }
    alone(
        project,
        Measure(measured, "raw", "report"),
        *[Measure(returning(value), "raw", name, name) for name, (value, _) in measures.items()],
        *[Solve(returning(value), "raw", name, name) for name, (value, _) in solves.items()],
        *[Gate(returning(value), "report", name, name) for name, (value, _) in gates.items()],
        report=ReportConf(),
        **{name: ReportConf() for name in (*measures, *gates)},
        **{name: DeltaConf() for name in solves},
    )
    record, error = project.run()
    assert isinstance(error, NodeFailed) and record.release is None
    reasons = {node.name: node.reason for node in record.nodes if node.status == "failed"}
    expected = {**measures, **solves, **gates}
    assert set(reasons) == set(expected)
    for name, (_, said) in expected.items():
        assert reasons[name].startswith(f"Node '{name}' (test_stage_functions.py, line "), name
        assert said in reasons[name], name
    assert not list(project.home.tables.iterdir())


def by_rows(look, chosen):
    """Return a Transform's function that only looks at `chosen` where the table has rows."""

    def picked(raw):
        return raw.selectExpr(f"{chosen} AS n") if look(raw) else raw.selectExpr("0 AS n")

    return picked


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (lambda raw: not raw.isEmpty(), ".isEmpty() (tests/engine/test_stage_functions.py, line "),
        (lambda raw: raw.where("id > ''").collect(), ".collect() ("),
        (lambda raw: raw.count() > 0, "1 Spark job(s)"),  # it is that of groups, too: no name tells
    ],
    ids=["no job on an empty table", "rows", "a job"],
)
def test_a_transform_that_looks_at_rows_is_told_and_counts_with_all_its_code(project, look, told):
    def planned(chosen):
        alone(project, Transform(by_rows(look, chosen), "raw", "rows"), rows=DeltaConf())
        return project.plan()["picked"]

    [note] = planned(1).found.notes
    assert note.startswith(f"it looks at rows, by {told}") and note.endswith(": declare it Solve")
    assert planned(1).fingerprint == planned(1).fingerprint
    # The same plan of an empty table, and other rows.
    assert planned(1).parts["plan rows"] == planned(222).parts["plan rows"]
    assert planned(1).fingerprint != planned(222).fingerprint


def test_rows_that_a_function_brings_along_count(project):
    def listing(*names):
        def listed(raw):
            own = [(name,) for name in names]
            return raw.join(raw.sparkSession.createDataFrame(own, "id STRING"), "id")

        return listed

    def fingerprint(*names):
        alone(project, Transform(listing(*names), "raw", "rows"), rows=DeltaConf())
        return project.plan()["listed"].fingerprint

    assert fingerprint("a", "b") == fingerprint("a", "b") != fingerprint("a", "c")


def test_a_transform_that_fails_on_an_empty_table_is_told_why(project):
    def first_id(raw):
        return raw.selectExpr(f"'{raw.first().id}' AS id")

    alone(project, Transform(first_id, "raw", "rows"), rows=DeltaConf())
    with pytest.raises(NodeFailed, match=r"'first_id' .*'NoneType'.* called on empty tables"):
        project.plan()


def test_what_reads_by_itself_or_by_the_clock_is_never_skipped_and_says_so(project):
    other = str(project.home.root / "other")
    project.spark.range(3).selectExpr("string(id) AS id").write.parquet(other)

    def joined(raw):
        return raw.join(raw.sparkSession.read.parquet(other), "id", "left")

    def named(raw):
        return raw.sparkSession.sql(f"SELECT r.id FROM {{r}} r, parquet.`{other}` o", r=raw)

    def measured(raw):
        return Evidence(metrics={"n": float(len(pandas.read_csv(other)))})

    def copied(table):
        return table.selectExpr("id")

    today = Contract("id STRING", checks={"is_past": "id > string(current_date())"})
    alone(
        project,
        *[Transform(f, "raw", f.__name__) for f in (joined, named)],
        Measure(measured, "raw", "measured"),
        Transform(copied, "raw", "ruled", "ruled"),
        Solve(copied, "raw", "solved", "solved"),
        Transform(copied, "filtered", "kept", "kept"),
        Transform(copied, "raw", "ids", "ids"),
        contracts={"ruled": today, "solved": today},
        **{name: DeltaConf() for name in ("joined", "named", "ruled", "solved", "kept", "ids")},
        measured=ReportConf(),
        filtered=CsvConf(str(project.csv), filter="id > string(NOW())"),
    )
    causes = project.causes()
    assert causes.pop("ids") == "never made"
    assert causes.pop("measured").startswith("never skipped: pandas.read_csv() (")
    by_itself = r"never skipped: .*it reads a .+ by itself: make that a dataset of the catalog"
    for name in ("joined", "named"):
        cause = causes.pop(name)
        assert re.fullmatch(by_itself, cause), cause
    assert causes == {
        "ruled": "never skipped: current_date in a rule of ruled",
        "solved": "never skipped: current_date in a rule of solved",
        "kept": "never skipped: NOW( in the filter of a source",
    }


def test_a_clock_in_a_rule_of_scores_is_told(project):
    def numbers(raw):
        return raw.selectExpr("id", "double(amount) AS x", "double(amount) AS y")

    def line():
        from pyspark.ml import Pipeline
        from pyspark.ml.feature import VectorAssembler

        features = VectorAssembler(inputCols=["x"], outputCol="f")
        return Pipeline(stages=[features, LinearRegression(featuresCol="f", labelCol="y")])

    rule = Contract("id STRING", checks={"is_new": "id > string(now())"}, is_open=True)
    alone(
        project,
        Transform(numbers, "raw", "numbers"),
        Fit(line, "numbers", "model"),
        Apply("model", "numbers", "scores"),
        contracts={"scores": rule},
        numbers=MemoryConf(),
        model=ModelConf("m"),
        scores=DeltaConf(),
    )
    cause = project.plan()["apply_model_to_numbers"].cause
    assert cause == "never skipped: now( in a rule of scores"


@pytest.mark.parametrize(
    ("rule", "clock"),
    [
        ("at <= Current_Timestamp", "Current_Timestamp"),
        ("at <= unix_timestamp( )", "unix_timestamp( )"),
        ("random() < 2", "random("),
        ("id != 'now' AND at <= unix_timestamp(day) AND known(day)", None),
        ("current_dates > 0", None),
    ],
)
def test_a_rule_by_the_clock_or_by_chance_is_told_from_others(rule, clock):
    told = [f"{clock} in a rule of loans"] if clock else []
    assert clocks_in({"loans": Contract("id STRING", checks={"a": rule})}) == told
