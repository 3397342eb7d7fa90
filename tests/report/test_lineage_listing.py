import re

import pytest

from penstock.report.lineage_listing import lineage_listing

PD = {
    "made_from": ["raw_loans.amount", "raw_loans.issued", "raw_payments.paid"],
    "feeds": ["pd_report", "scores.pd", "scores.reasons", "test.*", "train.*"],
}


def test_both_directions_name_each_dataset_once_with_its_columns():
    assert lineage_listing({"chances.pd": PD}).splitlines() == [
        "chances.pd",
        "  made from  raw_loans     amount, issued",
        "             raw_payments  paid",
        "  feeds      pd_report",
        "             scores        pd, reasons",
        "  chooses    rows behind  test, train",
    ]


def test_what_is_raw_constant_or_read_by_none_says_so():
    columns = {
        "raw.a": {"made_from": ["raw.a"], "feeds": []},
        "scores.version": {"made_from": [], "feeds": []},
    }
    assert lineage_listing(columns).splitlines() == [
        "raw.a",
        "  made from  itself: it is raw",
        "  feeds      nothing",
        "",
        "scores.version",
        "  made from  nothing: a constant",
        "  feeds      nothing",
    ]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_long_list_is_wrapped_below_itself_and_loses_nothing(width):
    many = [f"features.mean_of_the_column_{i}" for i in range(30)]
    ways = {"made_from": many, "feeds": [f"table_number_{i}.*" for i in range(30)]}
    _, *below = lineage_listing({"scores.pd": ways}, width=width).splitlines()
    assert max(map(len, below)) <= width
    indent = below[0].index("mean_of")
    assert all(line[:indent].isspace() for line in below[1:] if "mean_of" in line)
    words = set(re.findall(r"\w+", " ".join(below)))
    assert words >= {name.partition(".")[2] for name in many}
    assert words >= {f"table_number_{i}" for i in range(30)}


def test_a_name_with_brackets_is_text_and_colours_are_asked_for():
    columns = {"raw.[red]a[/red]": {"made_from": [], "feeds": []}}
    assert lineage_listing(columns).startswith("raw.[red]a[/red]\n")
    assert "\x1b[" in lineage_listing(columns, color=True)
