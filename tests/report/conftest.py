"""Run records as `RunRecord.to_json()` gives them: a good lending run, and variants of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.record import DatasetRecord, NodeRecord, RunRecord

BEGAN = datetime(2026, 3, 31, 8, 15, 2, tzinfo=UTC)
# name, kind, inputs, outputs with rows, seconds after the start, seconds taken
LENDING = (
    ("generate_book", "transform", (), {"raw_loans": 20_000, "raw_applications": 5_000}, 0.1, 6.4),
    ("generate_payments", "transform", ("raw_loans",), {"raw_payments": 512_337}, 6.6, 9.1),
    ("clean_loans", "transform", ("raw_loans",), {"loans": 19_874}, 6.6, 3.2),
    ("clean_applications", "transform", ("raw_applications",), {"applications": 4_968}, 6.7, 2.0),
    ("label_defaults", "transform", ("loans", "raw_payments"), {"labelled": 14_211}, 15.8, 2.7),
    ("add_loan_features", "transform", ("labelled",), {"features": 14_211}, 18.6, 2.3),
    ("split_by_issue_date", "transform", ("features",),
     {"train": 8_930, "calibration": 1_702, "out_of_time": 3_579}, 21.0, 2.9),
    ("fit_pd", "fit", ("train",), {"pd_model": None}, 24.0, 17.8),
    ("calibrate_pd", "fit", ("pd_model", "calibration"), {"calibrated_pd": None}, 41.9, 4.4),
    ("apply_pd", "apply", ("calibrated_pd", "out_of_time"), {"test_scores": 3_579}, 46.4, 1.9),
    ("evaluate_pd", "measure", ("test_scores",), {"pd_report": None}, 48.4, 5.2),
    ("pd_gate", "gate", ("pd_report",), {"pd_approval": None}, 53.7, 0.04),
    ("deploy_champion", "deploy", ("calibrated_pd", "pd_approval"), {"champion": None}, 53.8, 0.6),
    ("add_application_features", "transform", ("applications",),
     {"application_features": 4_968}, 8.8, 1.4),
    ("score_applications", "apply", ("champion", "application_features"),
     {"scores": 4_968}, 54.5, 3.3),
)  # fmt: skip


def lending_nodes() -> list[NodeRecord]:
    """Return the records of a lending run in which every node did its work."""
    broken = {
        "clean_loans": {"amount_positive": 41, "issue_date_known": 38, "income_in_range": 52},
        "clean_applications": {"amount_positive": 32},
    }
    rows_in = {"clean_loans": 20_000, "clean_applications": 5_000}
    quarantined = {"clean_loans": 126, "clean_applications": 32}
    versions = {"deploy_champion": {"champion": "3"}, "fit_pd": {"pd_model": "3"}}
    return [
        NodeRecord(
            name=name, kind=kind, inputs=inputs, outputs=tuple(rows), status="done",
            started_at=(BEGAN + timedelta(seconds=after)).isoformat(), ms=int(took * 1000),
            rows_out={n: r for n, r in rows.items() if r is not None},
            rows_in=rows_in.get(name),
            quarantined=quarantined.get(name, 0), broken_rules=broken.get(name, {}),
            versions=versions.get(name, {n: "0" for n, r in rows.items() if r is not None}),
            metrics={"auc": 0.7103, "ece": 0.0071} if name == "evaluate_pd" else {},
        )
        for name, kind, inputs, rows, after, took in LENDING
    ]  # fmt: skip


def pd_evidence() -> Evidence:
    """Return a report of a PD model as `measure` makes it: metrics, two tables, four figures."""
    share = tuple(i / 199 for i in range(200))
    quarters = tuple(f"{year}Q{q}" for year in (2009, 2010, 2011) for q in (1, 2, 3, 4))
    bad = (.131, .128, .142, .125, .119, .111, .124, .13, .138, .127, .122, .134)  # fmt: skip
    pds = tuple(b * (1.04 if i % 2 else 0.97) for i, b in enumerate(bad))
    deciles = tuple(str(i) for i in range(1, 11))
    means = (.021, .038, .054, .07, .088, .108, .133, .165, .211, .312)  # fmt: skip
    seen = (.019, .041, .05, .074, .085, .112, .129, .171, .204, .318)  # fmt: skip
    roc = Figure(
        "ROC curve, out of time", "share of good loans refused", "share of bad loans refused",
        (Series("model", share, tuple(s**0.45 for s in share)),
         Series("chance", (0.0, 1.0), (0.0, 1.0), "reference")),
        "The further above the dashed line, the better the order of the loans.",
    )  # fmt: skip
    calibration = Figure(
        "Calibration by decile", "mean PD", "observed share of bad loans",
        (Series("deciles", means, seen, "points"),
         Series("perfect", (0.0, 0.32), (0.0, 0.32), "reference")),
        "Points on the dashed line: the PD says what then happens.",
    )  # fmt: skip
    vintages = Figure(
        "Bad rate and mean PD by vintage", "quarter of issue", "share",
        (Series("observed", quarters, bad, "bars"), Series("mean PD", quarters, pds)),
    )  # fmt: skip
    lift = Figure("Lift by decile", "decile, riskiest last", "times the average",
                  (Series("lift", deciles, tuple(b / .12 for b in seen), "bars"),
                   Series("average", ("1", "10"), (1.0, 1.0), "reference")))  # fmt: skip
    by_vintage = Table(
        "By vintage", ("vintage", "n", "bad_rate", "mean_pd", "auc", "ks"),
        tuple((q, 271 + 13 * i, b, p, .69 + .004 * i, None if i == 0 else .301 + .003 * i)
              for i, (q, b, p) in enumerate(zip(quarters, bad, pds, strict=True))),
    )  # fmt: skip
    by_decile = tuple((d, 358, m, s) for d, m, s in zip(deciles, means, seen, strict=True))
    bins = Table("Deciles", ("decile", "n", "mean_pd", "observed"), by_decile)
    return Evidence(
        metrics={"auc": .7103, "auc_low": .6891, "auc_high": .7315, "ks": .3127, "gini": .4206,
                 "brier": .09871, "ece": .0071, "loans": 3579.0, "bads": 449.0, "slope": None},
        tables={"by_vintage": by_vintage, "deciles": bins},
        figures={"roc": roc, "calibration": calibration, "vintages": vintages, "lift": lift},
    )  # fmt: skip


def run_json(nodes: list[NodeRecord], **changes: Any) -> dict[str, Any]:
    """Return a run record with these nodes as it is read back from `run.json`."""
    fields: dict[str, Any] = {
        "run_id": "20260331T081502Z-3f9a", "graph": "lending", "env": "local",
        "as_of": "2026-03-31", "command": "./spark-submit.sh run --env local --as-of 2026-03-31",
        "status": "ok", "started_at": BEGAN.isoformat(),
        "ended_at": (BEGAN + timedelta(seconds=58.1)).isoformat(), "release": 7, "spark_jobs": 84,
        "datasets": (
            DatasetRecord("macro_index", "csv", "data/macro_index.csv", "sha256:9f31c2", "source"),
            DatasetRecord("loans", "delta", "var/tables/loans", "0", "output"),
            DatasetRecord("pd_model", "model", "models:/lending_pd/3", "3", "output"),
            DatasetRecord("scores", "delta", "var/tables/scores", "6", "released"),
            DatasetRecord("draft", "memory", "", None, "output"),
        ),
        "config": {"params": {"split_by_issue_date": {"test_from": "2010-10-01"},
                              "fit_pd": {"regularisation": 0.01, "elastic_net": 0.0}},
                   "catalog": {"scores": {"kind": "delta", "table": "scores"}}},
        "evidence": {"pd_report": pd_evidence().to_json()},
        "git_commit": "3f9a1c22d8e04b7fa1d5c9e60b7a42d1f8c3e5a7", "git_dirty": True,
        "versions": {"python": "3.11.7", "pyspark": "4.2.0", "delta-spark": "4.4.0"},
        "lineage": {},
        "links": {"MLflow run": "http://127.0.0.1:5000/#/experiments/1/runs/ab12"},
    }  # fmt: skip
    record = RunRecord(nodes=tuple(nodes), **(fields | changes))
    return json.loads(json.dumps(record.to_json()))


def failed_nodes() -> list[NodeRecord]:
    """Return the lending nodes of a run in which `fit_pd` failed after a resumed start."""
    nodes = []
    behind: set[str] = set()
    for node in lending_nodes():
        changes: dict[str, Any] = {}
        if node.name in {"generate_book", "clean_loans"}:
            reason = "outputs of run 20260330T1802Z are current"
            changes = {"status": "skipped", "reason": reason, "started_at": None, "ms": 0}
        if node.name == "fit_pd":
            reason = "Column 'emp_length' of 'train' is all null.\nDrop it from the features."
            changes = {"status": "failed", "reason": reason, "rows_out": {}, "versions": {}}
        if behind & set(node.inputs):
            changes = {"status": "not run", "reason": "behind 'fit_pd'", "started_at": None}
            changes |= {"ms": 0, "rows_out": {}, "versions": {}, "metrics": {}}
        if changes.get("status") in {"failed", "not run"}:
            behind |= set(node.outputs)
        nodes.append(NodeRecord(**(vars(node) | changes)))
    return nodes


def many_nodes(count: int) -> list[NodeRecord]:
    """Return a graph of `count` nodes, each reading up to two of its last seven predecessors."""
    nodes = []
    for i in range(count):
        reads = sorted({i - 1 - (i * 5) % 7, i - 1 - (i * 3) % 5} - {-1}) if i else []
        nodes.append(
            NodeRecord(
                name=f"prepare_part_{i}",
                kind=("transform", "fit", "apply", "measure")[i % 4],
                inputs=tuple(f"part_{r}" for r in reads if r >= 0),
                outputs=(f"part_{i}",),
                status="done",
                started_at=(BEGAN + timedelta(seconds=i)).isoformat(),
                ms=1000 + 37 * i,
                rows_out={f"part_{i}": 1000 * i},
            )  # fmt: skip
        )
    return nodes


@pytest.fixture
def lending_run() -> dict[str, Any]:
    """Return a good lending run."""
    return run_json(lending_nodes())


@pytest.fixture
def failed_run() -> dict[str, Any]:
    """Return a lending run that failed in the middle."""
    return run_json(failed_nodes(), status="failed", release=None, evidence={})


@pytest.fixture
def make_run() -> Callable[..., dict[str, Any]]:
    """Return the builder of run records: nodes, then fields that differ from a good run's."""
    return run_json


@pytest.fixture
def nodes_of_a_big_graph() -> list[NodeRecord]:
    """Return the records of a graph of forty nodes."""
    return many_nodes(40)
