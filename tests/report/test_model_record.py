from dataclasses import replace

import pytest

from penstock.evidence import Evidence, Table
from penstock.record import DatasetRecord, NodeRecord
from penstock.report.model_record import model_records

NODES = (
    ("split", "transform", ("raw",), ("development", "judged")),
    ("fit", "fit", ("development",), ("scorecard",)),
    ("explain", "measure", ("scorecard",), ("page",)),
    ("apply", "apply", ("scorecard", "judged"), ("scores",)),
    ("validate", "measure", ("scores",), ("report",)),
    ("gate", "gate", ("report",), ("verdict",)),
    ("deploy", "deploy", ("scorecard", "verdict", "fair"), ("candidate",)),
    ("other_gate", "gate", ("report",), ("of_another",)),
    ("count_rows", "measure", ("raw",), ("rows",)),
    ("count_left_out", "measure", ("judged",), ("left_out",)),
    ("split_others", "transform", ("others",), ("other_rows",)),
    ("count_others", "measure", ("other_rows",), ("others_left_out",)),
)
BY_USE = Table("Rows by use", ("use", "rows"), (("judged", 9),))
SAMPLES = Table("Samples", ("sample",), (("judged",),))
EVIDENCE = {
    "page": Evidence({"variables_used": 3.0}),
    "report": Evidence({"auc": 0.7}, {"samples": SAMPLES}),
    "verdict": Evidence({"passed": 1.0}),
    "of_another": Evidence({"passed": 0.0}),
    "rows": Evidence({"rows": 9.0}),
    "left_out": Evidence({"left_out": 0.0}, {"rows_by_use": BY_USE}),
    "others_left_out": Evidence({"left_out": 0.0}, {"rows_by_use": BY_USE}),
}


@pytest.fixture
def record(make_run):
    """Return the record of a run that made and validated a scorecard, with changes."""

    def make(nodes=NODES, evidence=EVIDENCE, **statuses):
        kinds = {"raw": "csv", "scorecard": "model", "base": "model", "candidate": "alias"}
        kinds |= dict.fromkeys(EVIDENCE, "report")
        names = dict.fromkeys(n for _, _, read, made in nodes for n in (*read, *made))
        return make_run(
            [
                NodeRecord(name, kind, read, made, statuses.get(name, "done"))
                for name, kind, read, made in nodes
            ],
            datasets=tuple(
                DatasetRecord(
                    name, kinds.get(name, "delta"), f"models:/{name}", "4",
                    "source" if name == "raw" else "output",
                )
                for name in names
            ),
            evidence={name: e.to_json() for name, e in evidence.items()},
            config={"params": {"fit": {"folds": 5}, "validate": {"bins": 10}, "count_rows": {}}},
        )  # fmt: skip

    return make


def test_a_model_that_another_began_with_is_not_validated_by_its_reports(record):
    begun = ("fit", "fit", ("development", "base"), ("scorecard",))
    [model] = model_records(record([begun if node[0] == "fit" else node for node in NODES]))
    assert model["model"] == "scorecard" and "base" in {d["name"] for d in model["datasets"]}


def test_a_model_version_comes_with_its_reports_and_with_what_they_are_made_from(record):
    [model] = model_records(record())
    assert (model["model"], model["version"], model["fitted_by"]) == ("scorecard", "4", "fit")
    assert (model["validation"], model["gates"], model["passed"]) == ("report", ["verdict"], True)
    # A verdict that no alias of the model waits for speaks of another one.
    assert set(model["evidence"]) == {"page", "report", "verdict", "of_another", "left_out"}
    assert [d["name"] for d in model["datasets"]] == [
        "raw", "development", "judged", "scorecard", "scores"
    ]  # fmt: skip
    assert model["params"] == {"fit": {"folds": 5}, "validate": {"bins": 10}}


def test_of_the_reports_on_rows_those_on_rows_behind_the_validation_come_with_it(record):
    made = record()
    [model] = model_records(made)
    assert model["data"] == ["left_out"]
    assert model["evidence"]["left_out"] == made["evidence"]["left_out"]
    assert "left_out" not in {dataset["name"] for dataset in model["datasets"]}
    # Counted once more, they are no reason to tell of the model again.
    skipped = {name: "skipped" for name, *_ in NODES}
    assert model_records(record(**skipped | {"count_left_out": "done"})) == []


def test_a_model_that_its_gate_refused_is_told_as_such(record):
    refused = EVIDENCE | {"verdict": Evidence({"passed": 0.0})}
    statuses = {name: "skipped" for name, *_ in NODES} | {"gate": "failed"}
    [model] = model_records(record(evidence=refused, **statuses))
    assert model["passed"] is False


def test_one_gate_of_two_is_enough_to_refuse_a_model(record):
    nodes = (*NODES, ("fairness_gate", "gate", ("report",), ("fair",)))
    [model] = model_records(record(nodes, EVIDENCE | {"fair": Evidence({"passed": 0.0})}))
    assert (model["gates"], model["passed"]) == (["verdict", "fair"], False)


def test_before_its_gate_a_model_has_neither_passed_nor_failed(record):
    [model] = model_records(record(NODES[:5], {n: EVIDENCE[n] for n in ("page", "report")}))
    assert (model["gates"], model["passed"]) == ([], None)


def test_a_model_that_an_earlier_run_fitted_is_validated_all_the_same(record):
    nodes = [node for node in NODES if node[0] not in ("split", "fit")]
    [model] = model_records(record(nodes))
    assert (model["fitted_by"], model["version"]) == (None, "4")


def test_what_was_validated_before_is_not_told_again(record):
    skipped = {name: "skipped" for name, *_ in NODES}
    assert model_records(record(**skipped | {"count_rows": "done"})) == []
    assert len(model_records(record(**skipped | {"gate": "done"}))) == 1


def test_a_model_that_was_only_evaluated_or_never_made_has_no_validation(record):
    evaluated = EVIDENCE | {"report": replace(EVIDENCE["report"], tables={})}
    assert model_records(record(evidence=evaluated)) == []
    unmade = record(evidence={}, fit="failed")
    for dataset in unmade["datasets"]:
        dataset["version"] = None
    assert model_records(unmade) == []
