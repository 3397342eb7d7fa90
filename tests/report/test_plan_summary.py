import re

import pytest

from penstock.report.plan_summary import expected_time, plan_sentence, plan_summary
from tests.report.plans import plan_document, with_actions

UNCHANGED = "nothing has changed"


def _lines(document, width=140):
    return plan_summary(document, width=width).splitlines()


def test_a_plan_says_of_each_node_what_would_happen_and_why_in_one_line():
    lines = _lines(plan_document())
    assert lines[0] == "lending · local · as of 2025-07-01 · planned in 812 ms"
    for line in (
        "» generate_book                           transform  skip           nothing has changed",
        "▸ logistic_pd                             fit        RUN     5.8 s  train is made anew",
        "▸ explain_pd                              measure    RUN    350 ms  pd_model is made anew",
    ):
        assert line in lines


def test_the_last_line_says_what_it_all_comes_to():
    document = plan_document(left_out=[])
    known = [node | {"expected": node["expected"] or {"ms": 1}} for node in document["nodes"]]
    assert _lines(document | {"nodes": known})[-1] == (
        "8 of 14 nodes would run, about 12 s (38 s CPU, 20 MB shuffled), "
        "6 are as released in release 4. 0 Spark jobs were run."
    )


def test_where_the_last_line_is_too_long_a_count_stays_with_its_noun():
    widths = range(60, 140)
    last = [plan_summary(plan_document(), width=width).splitlines()[-3:] for width in widths]
    assert all(any("0 Spark job" in line for line in lines) for lines in last)


def test_nodes_that_were_never_timed_and_those_not_selected_are_named_as_such():
    sentence = plan_sentence(plan_document(release=0))
    assert "20 MB shuffled, 2 nodes of unknown cost not counted)" in sentence
    assert "6 are made already, 3 are not selected." in sentence
    assert "known after the first run" in plan_sentence(plan_document(expected=None))


def test_a_plan_with_nothing_to_do_says_so():
    document = with_actions(plan_document(left_out=[]), "skip", UNCHANGED)
    assert _lines(document)[-1] == (
        "Nothing to do: all 14 nodes are as released in release 4. 0 Spark jobs were run."
    )
    one = document | {"nodes": document["nodes"][:1], "spark_jobs": -1}
    assert plan_sentence(one) == "Nothing to do: the one node is as released in release 4."
    none = document | {"nodes": []}
    assert _lines(none)[-1] == "The plan holds no nodes. 0 Spark jobs were run."


def test_several_causes_stand_below_each_other_where_one_line_does_not_hold_them():
    lines = _lines(plan_document())
    first = next(i for i, line in enumerate(lines) if "test_from" in line)
    column = lines[first].index("parameter")
    assert [line[column:] for line in lines[first : first + 4]] == [
        "parameter test_from 2010-10-01 -> 2011-01-01",
        "parameter train_until 2010-03-31 -> 2010-06-30",
        "loans is made anew",
        "and 2 more",
    ]


@pytest.mark.parametrize("width", [80, 100, 140, 300])
def test_a_line_is_never_wider_than_the_terminal_and_loses_nothing(width):
    document = plan_document()
    text = plan_summary(document, width=width)
    assert max(map(len, text.splitlines())) <= width
    words = set(text.replace(";", " ").split())
    for node in document["nodes"]:
        assert node["name"] in words
        assert words.issuperset(node["cause"].replace(";", " ").split())
        assert words.issuperset(word for note in node["notes"] for word in note.split())


def test_on_a_very_narrow_terminal_only_long_names_jut_out():
    lines = _lines(plan_document(), width=54)
    assert [line for line in lines if len(line) > 54] == [
        "» apply_champion_to_application_features  apply      skip"
    ]


def test_a_cause_with_brackets_is_shown_as_it_is():
    cause = "code of [bold]f[/bold] changed"
    assert cause in plan_summary(with_actions(plan_document(), "run", cause), width=140)


def test_colours_change_nothing_but_the_colour():
    plain, coloured = (plan_summary(plan_document(), color=color) for color in (False, True))
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert re.sub(r" *\x1b\[[\d;]*m", "", coloured).replace(" ", "") == plain.replace(" ", "")


def test_a_long_time_has_no_digits_that_nobody_knows():
    times = [expected_time(ms) for ms in (None, 350, 9_940, 12_300, 59_700, 125_000)]
    assert times == ["–", "350 ms", "9.9 s", "12 s", "1 min 00 s", "2 min 05 s"]
