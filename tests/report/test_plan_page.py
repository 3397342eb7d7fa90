import json
import re
from xml.etree import ElementTree

from penstock.report.plan_page import plan_page
from tests.report.pages import HOSTILE, Page
from tests.report.plans import plan_document, with_actions


def _text(document):
    return " ".join(Page(plan_page(document)).text)


def _svg(document):
    [svg] = re.findall(r"<svg.*?</svg>", plan_page(document), re.DOTALL)
    return ElementTree.fromstring(svg)


def test_a_plan_is_one_page_without_outside_resources_or_script():
    page = plan_page(plan_document())
    parsed = Page(page)
    assert parsed.addresses() == []
    assert "script" not in parsed.elements
    assert "@import" not in page
    assert "url(" not in page
    assert len(page.encode()) < 100_000


def test_the_headline_facts_are_on_the_page():
    text = _text(plan_document())
    for shown in (
        "Plan of lending", "8 nodes would run", "release 4", "812 ms", "12 s", "38 s", "20 MB",
        "./spark-submit.sh plan --exclude +champion", "of 14 nodes",
        "6 are as released in release 4, 3 are not selected. 0 Spark jobs were run.",
    ):  # fmt: skip
        assert shown in text


def test_every_node_stands_with_its_causes_and_notes():
    page = plan_page(plan_document())
    for node in plan_document()["nodes"]:
        assert node["name"].replace("_", "_<wbr>") in page
    assert "2010-10-01 -&gt; 2011-01-01<br>parameter train_until" in page
    assert "Note: 16 rows broke amount_positive in the last run" in page


def test_the_graph_is_coloured_by_action_and_what_is_not_selected_is_pale():
    document = plan_document()
    classes = [e.get("class") for e in _svg(document).iter() if e.get("class")]
    runs = sum(node["action"] == "run" for node in document["nodes"])
    assert sum("is-run" in c for c in classes) == runs
    assert sum("is-skip" in c for c in classes) == len(document["nodes"]) - runs
    assert sum(c.startswith("node") and "is-not-selected" in c for c in classes) == 3
    # candidate and pd_verdict belong to no node of the plan; champion is read by one.
    assert classes.count("pill is-not-selected") == 2
    assert classes.count("edge is-not-selected") == 8


def test_hovering_tells_the_cause_the_columns_and_the_version_of_a_source():
    titles = [e.text for e in _svg(plan_document()).iter() if e.tag.endswith("title")]
    columns = "5 columns: loan_id, issue_date, amount, interest_rate, purpose"
    assert f"loans: {columns}" in titles
    assert "champion: alias models:/lending_pd@champion, version 3" in titles
    assert (
        f"clean_loans (transform): run\nloans: {columns}\n"
        "code of parse_amount (lending/parsing.py) changed" in titles
    )


def test_schemas_sources_and_fingerprints_are_there():
    document = plan_document()
    parsed = Page(plan_page(document))
    tables = sum(len(node["columns"]) for node in document["nodes"])
    assert parsed.elements.count("details") == tables + 1
    text = " ".join(parsed.text)
    assert "decimal(12,2)" in text
    assert "models:/lending_pd@champion" in text
    assert "not versioned" in text
    assert document["nodes"][0]["fingerprint"][:12] in text


def test_a_plan_with_nothing_to_do_shows_no_costs():
    text = _text(with_actions(plan_document(), "skip", "nothing has changed"))
    assert "nothing to do" in text
    assert "Nothing to do: all 14 nodes" in text
    assert "Expected" not in text


def test_a_first_plan_has_no_costs_and_no_release_yet():
    document = with_actions(plan_document(release=0, expected=None), "run", "never made")
    nodes = [node | {"expected": None} for node in document["nodes"]]
    text = _text(document | {"nodes": nodes})
    assert "nothing: no release yet" in text
    assert "without 14 nodes of unknown cost" in text


def test_a_plan_without_nodes_is_still_a_page():
    empty = plan_document(nodes=[], left_out=[], sources=[], spark_jobs=-1)
    assert "The plan holds no nodes." in _text(empty)


def test_the_lineage_section_stands_on_the_page_as_it_is():
    section = "<section><h2>Lineage</h2></section>"
    assert section in plan_page(plan_document(), section)


def test_equal_plans_give_equal_bytes():
    document = plan_document()
    assert plan_page(document) == plan_page(json.loads(json.dumps(document)))


def test_hostile_texts_stay_text():
    text = json.dumps(plan_document())
    words = ("lending", "clean_loans", "raw_loans", "loan_id", "decimal(12,2)", "alias", "fit",
             "train is made anew", "16 rows broke", "./spark-submit.sh", "2025-07-01")  # fmt: skip
    for word in words:
        text = text.replace(word, json.dumps(HOSTILE)[1:-1] + word)
    page = plan_page(json.loads(text))
    elements = Page(page).elements
    assert "script" not in elements
    assert "img" not in elements
