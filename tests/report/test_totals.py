from dataclasses import replace

import pytest

from penstock.record import NodeRecord
from penstock.report.totals import broken_rows, rows_into, run_totals


def test_rows_in_are_rows_out_and_rows_in_quarantine(lending_run):
    totals = run_totals(lending_run)
    assert (totals.rows_in, totals.rows_out, totals.quarantined) == (25_000, 24_842, 158)
    assert (totals.auc, totals.ks, totals.champion) == (0.7103, 0.3127, "3")


def test_dropped_rows_are_not_out_and_warned_ones_are(make_run):
    clean = NodeRecord(
        "clean", "transform", ("raw",), ("loans",), "done",
        rows_in=100, rows_out={"loans": 87}, quarantined=10, dropped=3, warned=40,
    )  # fmt: skip
    copy = replace(clean, name="copy", rows_in=None, quarantined=0, dropped=0, warned=5)
    totals = run_totals(make_run([clean, copy]))
    assert (totals.rows_in, totals.rows_out) == (100, 87)
    assert (totals.quarantined, totals.dropped, totals.warned) == (10, 3, 45)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((0, 0, 0), "0 quarantined"),
        ((12, 3, 4000), "12 quarantined, 3 dropped, 4,000 warned"),
        ((0, 0, 1), "0 quarantined, 1 warned"),
    ],
)
def test_what_became_of_the_rows_that_broke_a_rule_is_told(counts, told):
    assert broken_rows(*counts) == told


def test_rows_that_no_quarantine_watches_are_not_counted(make_run):
    clean = NodeRecord(
        "clean", "transform", ("raw",), ("loans",), "done",
        rows_in=100, rows_out={"loans": 90}, quarantined=10,
    )  # fmt: skip
    copy = replace(clean, name="copy", outputs=("copy",), rows_in=None, quarantined=0)
    assert run_totals(make_run([clean, copy])).rows_in == 100


def test_a_run_without_counts_has_unknown_rows(make_run):
    totals = run_totals(make_run([], evidence={}))
    assert (totals.rows_in, totals.rows_out, totals.quarantined) == (None, None, 0)
    assert (totals.auc, totals.champion) == (None, None)


def test_rows_into_a_node_are_those_of_the_inputs_that_were_counted(lending_run):
    by_name = {node["name"]: node for node in lending_run["nodes"]}
    assert rows_into(by_name["label_defaults"], lending_run["nodes"]) == 19_874 + 512_337
    assert rows_into(by_name["pd_gate"], lending_run["nodes"]) is None


def test_a_champion_that_was_not_deployed_is_unknown(failed_run):
    assert run_totals(failed_run).champion is None


def test_a_champion_of_a_run_that_was_not_released_and_another_alias_are_none(lending_run):
    assert run_totals(lending_run).champion == "3"
    assert run_totals(lending_run | {"status": "failed"}).champion is None
    renamed = [
        node | {"versions": {f"{name}_beside": v for name, v in node["versions"].items()}}
        for node in lending_run["nodes"]
    ]
    assert run_totals(lending_run | {"nodes": renamed}).champion is None
