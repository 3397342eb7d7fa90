"""What has not changed is not run again, what has is, and the cause is named."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.conf import CsvConf, DeltaConf
from penstock.engine.made import records_of
from penstock.engine.nodes import Measure, Transform
from penstock.errors import DataError
from penstock.source import closure
from tests.engine.small_project import CONTRACTS, SETTINGS, measure

BEHIND_TOTAL = {
    "measure": "totals is made anew",
    "gate": "report is made anew",
    "publish": "totals is made anew; verdict is made anew",
}
BEHIND_GATE = {"publish": "verdict is made anew"}
BEHIND_MEASURE = {"gate": "report is made anew", **BEHIND_GATE}
BEHIND_DOUBLE = {"total": "doubled is made anew", **BEHIND_TOTAL}
BEHIND_CLEAN = {"double": "loans is made anew", **BEHIND_DOUBLE}


def statuses(record):
    return {node.name: node.status for node in record.nodes}


def test_a_rerun_with_nothing_changed_runs_no_job_and_publishes_nothing(released):
    project = released
    first = json.loads((project.home.run_folder("run-1") / "run.json").read_text())
    assert {node["cause"] for node in first["nodes"]} == {"never made", "needed by total"}
    releases = project.catalog.delta("releases")
    before = releases.latest_version(project.spark)
    again, error = project.run()
    assert error is None
    assert {node["status"] for node in first["nodes"]} == {"done"} and first["spark_jobs"] > 0
    assert set(statuses(again).values()) == {"skipped"} and again.spark_jobs == 0
    causes = {node.name: node.cause for node in again.nodes}
    assert causes.pop("double") == "nothing that runs needs it"
    assert set(causes.values()) == {"nothing has changed"}
    assert (first["release"], again.release) == (1, 1)
    assert releases.latest_version(project.spark) == before


def test_skipping_can_be_switched_off(released):
    project = released
    off = project.causes(skips=False)
    assert set(off) == {node.name for node in project.graph.nodes}
    assert set(off.values()) == {"skipping is off", "needed by total"}


def test_a_parameter_reruns_what_hangs_on_it(released):
    project = released
    project.params["gate"]["at_least"] = 1
    expected = {"gate": "parameter at_least 0 -> 1", "publish": "verdict is made anew"}
    assert project.causes() == expected
    record, error = project.run()
    assert error is None
    assert {name for name, status in statuses(record).items() if status == "done"} == set(expected)
    assert {node.name: node.cause for node in record.nodes if node.status == "done"} == expected
    assert project.causes() == {}


def test_a_setting_of_spark_that_changes_rows_reruns_everything(released):
    [zone] = SETTINGS
    planned = released.plan(settings={zone: "Europe/Berlin", "spark.sql.x": "1"})
    causes = {p.node.name: p.cause for p in planned.nodes if p.action == "run"}
    told = f"setting {zone} UTC -> Europe/Berlin; setting spark.sql.x none -> 1"
    assert causes.pop("clean") == told
    assert set(causes) == {*BEHIND_CLEAN}
    assert all(cause.startswith(told) for cause in causes.values())
    # What was found on empty tables does not hold under other settings.
    assert planned["clean"].found.key != planned["clean"].before.analysis["key"]


@pytest.mark.parametrize(
    ("edit", "changed", "behind"),
    [
        (
            ("2 * F.col", "3 * F.col", "stages"),
            {"double": "code of double (stages.py) changed"},
            BEHIND_DOUBLE,
        ),
        (
            ('["too little"]', '["too little!"]', "stages"),
            {"gate": "code of gate (stages.py) changed"},
            BEHIND_GATE,
        ),
        (
            ("value, DIGITS", "value + 0, DIGITS", "rates"),
            {"measure": "code of rounded (rates.py) changed"},
            BEHIND_MEASURE,
        ),
        (
            ("DIGITS = 2", "DIGITS = 3", "rates"),
            {"measure": "code of DIGITS (rates.py) changed"},
            BEHIND_MEASURE,
        ),
        (
            ("amount + 0", "amount + 1", "rates"),
            {"double": "needed by total", "total": "code of price (rates.py) changed"},
            BEHIND_TOTAL,
        ),
    ],
    ids=["a literal", "a word", "a helper's literal", "a helper's constant", "a Python UDF"],
)
def test_one_letter_of_code_reruns_what_hangs_on_it(coded, code, edit, changed, behind):
    plans = {p.node.name: p.parts.get("plan totals") for p in coded.plan().nodes}
    coded.graph = code.edit(*edit)
    assert coded.causes() == {**changed, **behind}
    if "total" in changed:  # Spark's plan alone would not have told
        assert coded.plan()["total"].parts["plan totals"] == plans["total"]
        record, error = coded.run()
        assert error is None and coded.released("totals")[0].total == 8
        assert statuses(record)["clean"] == "skipped"


def test_what_says_the_same_in_other_words_is_no_change(coded, code):
    for old, new in (
        ('"""Double the amounts."""', '"""Double them."""'),
        ("    # A bounded table.\n", ""),
        ("def gate(report, *, at_least):", "def gate(\n    report: object, *, at_least: int\n):"),
        ('["too little"]', "['too little']"),
        ("loans.where(", "loans.filter("),
        ('loans.filter(F.col("amount")', "loans.filter(loans.amount"),
        ("loans.amount < 1000", '"amount < 1000"'),
        ('(2 * F.col("amount"))', "doubled()"),
        (
            "def double(loans):",
            'def doubled():\n    return 2 * F.col("amount")\n\n\ndef double(loans):',
        ),
    ):
        coded.graph = code.edit(old, new)
        if "doubled()" not in new or "def doubled" in new:
            assert coded.causes() == {}, new
    record, _ = coded.run()
    assert record.spark_jobs == 0 and record.release == 1


def test_order_of_keys_and_number_of_partitions_are_no_change(released):
    project = released

    def graded(loans, *, grades):
        return loans.selectExpr("id", f"amount > {grades['a']} AS is_a")

    project.grow(Transform(graded, "loans", "grades"), grades=DeltaConf())
    project.params["graded"] = {"grades": {"a": 1, "b": {"c": 2, "d": 3}}}
    project.run()
    project.params["graded"] = {"grades": {"b": {"d": 3, "c": 2}, "a": 1}}
    project.params = dict(reversed(project.params.items()))
    assert project.causes() == {}
    project.params["graded"]["grades"]["a"] = 0
    assert list(project.causes()) == ["graded"]
    project.params["graded"]["grades"]["a"] = 1
    recorded = {p.node.name: p.fingerprint for p in project.plan().nodes}
    partitions = project.spark.conf.get("spark.sql.shuffle.partitions")
    project.spark.conf.set("spark.sql.shuffle.partitions", "7")
    try:
        anew = project.plan(base=replace(project.current, made={}))  # nothing is taken from records
    finally:
        project.spark.conf.set("spark.sql.shuffle.partitions", partitions)
    assert {p.node.name: p.fingerprint for p in anew.nodes} == recorded


def test_a_library_reruns_what_imports_it(coded, monkeypatch):
    real = closure._versions

    def with_other(library):
        return lambda name: ((name, "99.0"),) if name == library else real(name)

    numpy, pyspark = real("numpy")[0][1], real("pyspark")[0][1]
    monkeypatch.setattr(closure, "_versions", with_other("numpy"))
    changed = coded.causes()
    assert changed["total"] == f"numpy {numpy} -> 99.0"
    assert set(changed) == {"double", "total", *BEHIND_TOTAL}  # double as its rows are not kept
    monkeypatch.setattr(closure, "_versions", with_other("pyspark"))
    assert coded.causes()["clean"] == f"pyspark {pyspark} -> 99.0"
    assert set(coded.causes()) == {node.name for node in coded.graph.nodes}


def test_a_contract_and_where_or_how_a_dataset_lies_rerun_what_hangs_on_it(released):
    project, graph, stored = released, released.graph, released.more
    project.grow(contracts={"loans": replace(CONTRACTS["loans"], min_rows=2)})
    assert project.causes() == {"clean": "contract of loans changed", **BEHIND_CLEAN}
    moment = replace(CONTRACTS["loans"], checks={"is_old": "id != string(now())"})
    project.grow(contracts={"loans": moment})
    assert project.causes()["clean"] == "never skipped: now( in a rule of loans"
    project.graph = graph
    # Another promise of a source checks the same rows.
    project.grow(contracts={"raw": replace(CONTRACTS["raw"], checks={"a": "id > ''"})})
    assert project.causes() == {}
    project.more = {**stored, "raw": CsvConf(str(project.csv), delimiter=";")}
    project.csv.write_text(project.csv.read_text().replace(",", ";"))
    # It was written anew as well, and has another version: that is no second cause.
    assert project.causes()["clean"] == "raw is another source, or read in another way"
    project.csv.write_text(project.csv.read_text().replace(";", ","))
    project.more = {**stored, "totals": DeltaConf(path=str(project.home.root / "elsewhere"))}
    assert project.causes()["total"].startswith("storage of totals changed")
    project.graph, project.more = graph, stored
    project.grow(Measure(measure, "totals", "report", reads={"totals": "total BIGINT"}))
    assert project.causes()["measure"].startswith("columns read of totals changed")
    project.csv.write_text("id,amont\na,1\n")  # a record does not hide what is wrong by now
    with pytest.raises(DataError, match=r"'raw' .* lacks 1 column\(s\) of its contract: 'amount'"):
        project.plan()


def test_an_input_reruns_what_hangs_on_it(released):
    project = released
    own = project.home.root / "own"

    def count_own(own):
        return own.selectExpr("count(*) AS n")

    def sampled(loans, *, seed):
        return loans.selectExpr("id", f"rand({seed}) AS drawn")

    project.spark.range(3).write.format("delta").save(str(own))
    project.grow(
        Transform(count_own, "own", "counts"),
        Transform(sampled, "loans", "sample"),
        own=DeltaConf(path=str(own), external=True),
        counts=DeltaConf(),
        sample=DeltaConf(),
    )
    project.params["sampled"] = {"seed": 1}
    project.run()
    assert project.causes() == {}  # drawn by a seed of its own: the same again

    project.params["sampled"]["seed"] = 2
    assert project.causes() == {"sampled": "parameter seed 1 -> 2"}
    project.params["sampled"]["seed"] = 1
    project.spark.range(5).write.format("delta").mode("overwrite").save(str(own))
    assert project.causes() == {"count_own": "own 0 -> 1"}

    project.csv.write_text("id,amount\na,1\nb,2\nc,3\n")
    causes = project.causes()
    then = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
    assert causes.pop("count_own") == "own 0 -> 1"
    assert re.fullmatch(f"raw {then} 18B -> {then} 22B", causes.pop("clean"))
    assert causes == {**BEHIND_CLEAN, "sampled": "loans is made anew"}


def test_an_output_that_is_gone_is_made_again_and_nothing_else(released):
    project = released
    table = Path(project.catalog.delta("totals").path)
    next(table.glob("*.parquet")).unlink()
    expected = {"double": "needed by total", "total": "output missing: totals 0"}
    assert project.causes() == expected
    record, error = project.run()
    assert error is None
    assert {name for name, status in statuses(record).items() if status == "done"} == set(expected)
    assert project.current.pins["totals"] == "1" and project.released("totals")[0].total == 6

    [report] = project.home.root.glob("runs/*/reports/report.json")
    report.unlink()
    assert project.causes() == {"measure": "output missing: report run-1"}
    project.run()
    assert project.causes() == {}


def test_a_record_that_does_not_hold_all_that_a_node_depends_on_is_incomplete(released):
    project = released
    # The fingerprint of a version of penstock that knew of fewer parts; none of these has changed.
    record = replace(records_of(project.current, "small")["gate"], fingerprint="earlier")
    base = replace(project.current, made={**project.current.made, "small.gate": record.to_json()})
    assert project.plan(base=base)["gate"].cause == "done by run run-1"
    (project.home.mlflow / "mlflow.db").unlink()
    assert project.causes(base=base) == {"gate": "its record is incomplete"}


def test_skipping_on_and_off_give_the_same_rows(coded, code):
    tables = ("loans", "totals", "published")
    coded.graph = code.edit("2 * F.col", "5 * F.col")
    record, _ = coded.run()
    assert statuses(record)["clean"] == "skipped" and statuses(record)["total"] == "done"
    with_skipping = {name: sorted(coded.released(name)) for name in tables}
    fingerprints = {p.node.name: p.fingerprint for p in coded.plan().nodes}
    record, _ = coded.run(skips=False)
    assert set(statuses(record).values()) == {"done"}
    assert {name: sorted(coded.released(name)) for name in tables} == with_skipping
    assert {p.node.name: p.fingerprint for p in coded.plan().nodes} == fingerprints
    assert coded.causes() == {}


def test_a_slice_leaves_the_rest_as_it_is(released):
    project = released
    part = project.graph.upto(("totals",), given=("loans",))
    assert project.causes(part) == {}
    project.run(part, skips=False)
    assert project.causes() == {}  # the same again from the same: no reason for anything behind
    assert set(statuses(project.run()[0]).values()) == {"skipped"}
    assert project.current.pins["report"] == "run-1"  # the slice did not measure, the release did
    project.csv.write_text("id,amount\na,10\n")
    assert project.causes(part) == {}  # it takes loans as they were released
    assert set(project.causes()) == {node.name for node in project.graph.nodes}

    project.run(project.graph.upto(("loans",)))
    assert project.causes(part) == {"double": "loans is made anew", "total": "doubled is made anew"}
    project.run(part)
    assert project.released("totals")[0].total == 20
    assert project.causes() == BEHIND_TOTAL
    # A replay takes another version than the one that the record of totals speaks of.
    before = project.causes(part, pinned={"loans": "0"})
    assert before == {"double": "loans is made anew", "total": "doubled is made anew"}
