from dataclasses import replace

from penstock.engine.record import NodeRecord
from penstock.report.totals import rows_into, run_totals


def test_rows_in_are_rows_out_and_rows_in_quarantine(lending_run):
    totals = run_totals(lending_run)
    assert (totals.rows_in, totals.rows_out, totals.quarantined) == (25_000, 24_842, 158)
    assert (totals.auc, totals.ks, totals.champion) == (0.7103, 0.3127, "3")


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
