import json
import re
from dataclasses import replace

import pytest

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.record import DatasetRecord, NodeRecord
from penstock.report.node_section import node_section
from penstock.report.run_page import run_page
from tests.report.pages import HOSTILE, Page


def test_a_good_run_is_one_page_without_outside_resources(lending_run):
    page = run_page(lending_run)
    parsed = Page(page)
    outside = [(tag, value) for tag, value in parsed.addresses() if not value.startswith("#")]
    assert outside == [("a", lending_run["links"]["MLflow run"])]
    assert "@import" not in page
    assert "script" not in parsed.elements
    assert len(page.encode()) < 600_000


def test_a_good_run_shows_its_headline_numbers(lending_run):
    text = " ".join(Page(run_page(lending_run)).text)
    for shown in ("lending", "25,000", "4,968", "158", "0.7103", "20260331T081502Z-3f9a", "58.1 s"):
        assert shown in text
    for section in (
        "Timeline",
        "Broken rules",
        "ROC curve, out of time",
        "By vintage",
        "sha256:9f31c2",
    ):
        assert section in text


def test_a_node_says_how_many_rows_were_dropped_and_warned_of(make_run, lending_run):
    clean = NodeRecord(
        "clean", "transform", ("raw",), ("loans",), "done", rows_in=2000, rows_out={"loans": 1871},
        quarantined=126, dropped=3, warned=1040, broken_rules={"amount_positive": 1169},
    )  # fmt: skip
    text = "".join(Page(run_page(make_run([clean]))).text)
    assert "Rows that broke a rule: 126 quarantined, 3 dropped, 1,040 warned" in text
    assert "126 quarantined, 3 dropped, 1,040 warned; a row counts for each rule" in text
    assert "Rows that broke a rule" not in "".join(Page(run_page(lending_run)).text)


def test_a_node_says_what_it_cost_and_nothing_of_what_it_did_not_need(make_run):
    fit = NodeRecord(
        "fit", "fit", ("train",), ("model",), "done", ms=12_000, cpu_ms=21_400,
        shuffle_bytes=2_100_000, spill_bytes=512,
    )  # fmt: skip
    gate = NodeRecord("gate", "gate", ("report",), ("verdict",), "done", ms=40)
    table = node_section(make_run([fit, gate])["nodes"])
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    assert [row[6:10] for row in rows] == [
        ["12.0 s", "21.4 s", "2.1 MB", "512 B"],
        ["40 ms", *3 * [""]],
    ]
    assert "<th class=number>CPU</th>" in table and "<th class=number>Spill</th>" in table


def test_equal_records_give_equal_bytes(lending_run):
    assert run_page(lending_run) == run_page(json.loads(json.dumps(lending_run)))


def test_no_two_elements_share_an_id(lending_run):
    ids = [v for _, name, v in Page(run_page(lending_run)).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_a_failed_run_shows_the_cause_and_the_command_that_resumes(failed_run):
    text = "".join(Page(run_page(failed_run)).text)
    assert "Node fit_pd failed" in text
    assert "Column 'emp_length' of 'train' is all null." in text
    assert "6 nodes did not run. Go on from here" in text
    assert failed_run["command"] in text


def test_an_interrupted_run_without_nodes_or_reports_is_still_a_page(make_run):
    record = make_run([], status="interrupted", ended_at=None, evidence={}, datasets=(), links={})
    text = "".join(Page(run_page(record)).text)
    assert "The run was interrupted." in text
    assert "The run has no nodes." in text


def test_a_graph_of_forty_nodes_stays_small(make_run, nodes_of_a_big_graph):
    page = run_page(make_run(nodes_of_a_big_graph))
    assert "".join(Page(page).text).count("prepare_part_39") >= 3
    assert len(page.encode()) < 600_000


def test_hostile_names_and_values_stay_text(make_run):
    node = NodeRecord(
        HOSTILE, HOSTILE, (), (HOSTILE,), "failed", HOSTILE, "2026-03-31T08:15:02+00:00", 5,
        rows_in=1, rows_out={HOSTILE: 1}, quarantined=1, broken_rules={HOSTILE: 1},
        versions={HOSTILE: HOSTILE}, metrics={HOSTILE: 1.0}, notes=(HOSTILE,),
    )  # fmt: skip
    evidence = Evidence(
        {HOSTILE: 0.5},
        {HOSTILE: Table(HOSTILE, (HOSTILE,), ((HOSTILE,),))},
        {HOSTILE: Figure(HOSTILE, HOSTILE, HOSTILE, (Series(HOSTILE, (1.0,), (1.0,)),), HOSTILE)},
    )
    texts = ("run_id", "graph", "env", "as_of", "command", "git_commit")
    record = make_run(
        [node, replace(node, name=HOSTILE + "2", outputs=(), status="not run")],
        status="failed", evidence={HOSTILE: evidence.to_json()}, config={HOSTILE: HOSTILE},
        datasets=(DatasetRecord(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "source"),),
        versions={HOSTILE: HOSTILE}, links={HOSTILE: HOSTILE, "x": 'http://x/"><script>'},
        **dict.fromkeys(texts, HOSTILE),
    )  # fmt: skip
    parsed = Page(run_page(record))
    assert not {"script", "img"} & set(parsed.elements)
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert "".join(parsed.text).count("<script>alert(1)</script>") > 10


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "file:///etc/x"])
def test_only_web_addresses_become_links(make_run, address):
    parsed = Page(run_page(make_run([], evidence={}, links={"MLflow": address})))
    assert ("a", address) not in parsed.addresses()
    assert address in parsed.text


def test_unknown_values_are_an_en_dash(make_run):
    table = Table("Unknown", ("a", "b"), ((None, None), (1.5, float("nan"))))
    evidence = {"report": Evidence({"slope": None}, {"t": table}).to_json()}
    page = run_page(make_run([], evidence=evidence))
    assert "None" not in page
    assert "nan" not in page.lower().replace("finance", "")
    assert '<div class="value">–</div>' in page
