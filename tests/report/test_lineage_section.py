import re
from html import unescape

from penstock.report.lineage_section import lineage_section

RAW = [["raw_loans", "annual_inc"], ["raw_loans", "fico_low"]]
ISSUED = ["raw_loans", "issued"]
DOCUMENT = {
    "loans": {
        "fico": {"from": [RAW[1]], "raw": [RAW[1]]},
        "income": {"from": [RAW[0]], "raw": [RAW[0]]},
        "*": {"from": [ISSUED, ["raw_loans", "*"]], "raw": [ISSUED]},
    },
    "pd_model": {"": {"from": [["loans", "fico"], ["loans", "income"]], "raw": RAW}},
    "scores": {
        "pd": {"from": [["pd_model", ""]], "raw": RAW},
        "as_of_date": {"from": [], "raw": []},
        "*": {"from": [["pd_model", "*"]], "raw": []},
    },
}  # fmt: skip


def _parts(section):
    """Return each dataset's part as text, in order: what it is made from, then what it feeds."""
    parts = section.replace("<wbr>", "").split("<details")[1:]
    texts = [unescape(re.sub(r"<[^>]*>", " ", part.partition(">")[2])) for part in parts]
    return {text.split()[0]: " ".join(text.split()) for text in texts}


def test_results_come_first_and_are_open():
    section = lineage_section(DOCUMENT)
    assert list(_parts(section)) == ["scores", "pd_model", "loans", "raw_loans"]
    assert section.index("<details open>") < section.index("scores")
    assert section.count("<details open>") == 1


def test_a_number_is_shown_with_the_raw_fields_that_feed_it():
    parts = _parts(lineage_section(DOCUMENT))
    assert "pd raw_loans annual_inc, fico_low pd_model" in parts["scores"]
    assert "as_of_date – –" in parts["scores"]
    assert "as a whole raw_loans annual_inc, fico_low loans fico, income" in parts["pd_model"]
    assert parts["loans"].startswith("loans 2 columns")
    assert "The rows are chosen by raw_loans issued" in parts["loans"]


def test_a_raw_field_is_shown_with_all_that_it_feeds():
    raw = _parts(lineage_section(DOCUMENT))["raw_loans"]
    assert "fico_low loans fico ; pd_model ; scores pd" in raw
    assert "issued loans which rows" in raw


def test_names_are_escaped_and_no_lineage_is_no_section():
    hostile = "<script>alert(1)</script>"
    made = {"from": [[hostile, hostile]], "raw": [[hostile, hostile]]}
    section = lineage_section({hostile: {hostile: made, "*": made}})
    assert "<script" not in section
    assert "&lt;script&gt;" in section
    assert lineage_section({}) == ""
