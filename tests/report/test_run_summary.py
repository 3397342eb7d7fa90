from dataclasses import replace

import pytest

from penstock.evidence import Evidence, Table
from penstock.record import NodeRecord
from penstock.report.run_summary import run_summary


def test_a_good_run_says_how_it_went_and_where_to_look(lending_run):
    assert run_summary(lending_run, page="var/runs/1/index.html").splitlines() == [
        "lending ok in 58.1 s  (15 done, 84 Spark jobs)",
        "  rows      25,000 in, 24,842 out, 158 quarantined",
        "  model     AUC 0.7103, KS 0.3127",
        "  champion  version 3",
        "  release   7",
        "  report    var/runs/1/index.html",
    ]


def test_the_page_of_a_validated_model_is_named_after_that_of_the_run(lending_run):
    pages = ["var/runs/1/validation-cards-7.html"]
    lines = run_summary(lending_run, page="index.html", validated=pages).splitlines()
    assert lines[-2:] == [
        "  report    index.html", "  validated var/runs/1/validation-cards-7.html"
    ]  # fmt: skip


def test_rows_that_were_dropped_or_warned_of_stand_with_the_quarantined(make_run):
    clean = NodeRecord(
        "clean", "transform", ("raw",), ("loans",), "done",
        rows_in=100, rows_out={"loans": 85}, quarantined=12, dropped=3, warned=40,
    )  # fmt: skip
    told = "  rows      100 in, 85 out, 12 quarantined, 3 dropped, 40 warned"
    assert told in run_summary(make_run([clean]), page="index.html").splitlines()


ONE, TWO = ("left out", "no outcome", 1_200), ("left out", "without a day", 34)
USED = ("judged", None, 700)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ([ONE, TWO], ["  left out  1,234 rows, 1,200 of them: no outcome"]),
        ([TWO], ["  left out  34 rows: without a day"]),
        ([("left out", "no outcome", 1)], ["  left out  1 row: no outcome"]),
        ([], []),
    ],
)
def test_rows_left_out_are_told_with_the_commonest_cause_if_there_are_any(make_run, left, told):
    table = Table("Rows by use", ("use", "cause", "rows"), (USED, *left))
    evidence = {"sample_report": Evidence({}, {"rows_by_use": table}).to_json()}
    lines = run_summary(make_run([], evidence=evidence), page="index.html").splitlines()
    assert [line for line in lines if "left out" in line] == told


def test_a_failed_run_ends_with_the_cause_and_the_command_that_resumes(failed_run):
    lines = run_summary(failed_run, page="index.html").splitlines()
    assert lines[-2:] == [
        "  failed    fit_pd: Column 'emp_length' of 'train' is all null.",
        "  resume    ./spark-submit.sh run --env local --as-of 2026-03-31",
    ]


def test_many_failures_still_fit_in_twelve_lines(make_run, lending_run):
    failed = NodeRecord("a", "fit", (), (), "failed", reason="no")
    nodes = [replace(failed, name=f"node_{i}") for i in range(30)]
    lines = run_summary(make_run(nodes, status="failed"), page="index.html").splitlines()
    assert len(lines) <= 12
    assert "            and 27 more nodes" in lines
