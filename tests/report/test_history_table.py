import pytest

from penstock.report.history_table import history_table


def _release(number, **changes):
    release = {
        "release_id": number, "released_at": f"2026-03-{27 + number}T08:15:02+00:00",
        "released_by": "anna", "run_id": f"run-{number}", "graph": "lending", "note": "",
        "git_commit": "3f9a1c22d8e04b7fa1d5c9e60b7a42d1f8c3e5a7",
        "changes": ["loans 12 -> 13", "champion 3 -> 4"],
        "causes": {"clean_loans": "code of parse_amount changed"}, "is_current": False,
    }  # fmt: skip
    return release | changes


def test_a_release_says_who_when_what_and_why():
    assert history_table([_release(4, is_current=True)]).splitlines() == [
        "● release 4  2026-03-31 08:15:02 UTC by anna  current",
        "    changed    loans 12 -> 13, champion 3 -> 4",
        "    because    clean_loans: code of parse_amount changed",
        "    from       lending run run-4, commit 3f9a1c22d8e0",
    ]


def test_the_newest_release_stands_first_whatever_the_order():
    releases = [_release(2), _release(4), _release(3)]
    lines = history_table(releases).splitlines()
    assert [line.split()[1] for line in lines if "UTC" in line] == ["4", "3", "2"]
    assert lines.count("") == 2


def test_a_rollback_says_so_and_an_empty_change_too():
    text = history_table([_release(4, note="rollback to 2", changes=[], causes={}, git_commit="")])
    assert text.splitlines()[1:] == [
        "    note       rollback to 2",
        "    changed    nothing",
        "    from       lending run run-4",
    ]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_long_lists_are_cut_and_long_lines_wrapped(width):
    changes = [f"table_{i} {i} -> {i + 1}" for i in range(10)]
    causes = {f"node_{i}": f"parameter folds_of_the_validation {i} -> {i + 1}" for i in range(9)}
    text = history_table([_release(2, changes=changes, causes=causes)], width=width)
    head, *below = text.splitlines()
    assert max(map(len, (head, *below))) <= width
    assert all(line.startswith("    ") for line in below)
    assert "table_7 7 -> 8, and 2 more" in " ".join(text.split())
    assert "node_7" in text
    assert "node_8" not in text
    assert "and 1 more" in text


def test_the_first_release_says_so_and_nodes_with_one_cause_share_a_line():
    made = {f"node_{i}": "never made" for i in range(4)}
    made |= {"fit": "needed by score", "join": "needed by score"}
    first, second = (
        [line for line in history_table([_release(number, causes=made)]).splitlines()[2:-1]]
        for number in (1, 2)
    )
    assert first == ["    because    first release: 6 nodes"]
    assert second == [
        "    because    4 nodes: never made",
        "               fit, join: needed by score",
    ]


def test_without_a_release_the_first_one_is_announced():
    assert history_table([]).startswith("Nothing is released yet")
    assert history_table([], graph="exams") == "Nothing of the graph 'exams' is released."


def test_a_name_with_brackets_is_text_and_colours_are_asked_for():
    release = _release(1, released_by="[red]eve[/red]")
    assert "by [red]eve[/red]" in history_table([release])
    assert "\x1b[" in history_table([release], color=True)
