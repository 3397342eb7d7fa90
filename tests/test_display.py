import io
import logging
import re
import sys
from dataclasses import replace
from threading import Thread

import pytest
from rich.console import Console

from penstock.display import (
    LogProgress,
    QuietProgress,
    TerminalProgress,
    make_progress,
)
from penstock.record import NodeRecord

CLEANED = NodeRecord(
    "clean_loans", "transform", ("raw",), ("loans",), "done",
    ms=3210, rows_out={"loans": 19_874}, quarantined=126,
)  # fmt: skip
FAILED = NodeRecord(
    "fit_pd", "fit", ("train",), ("pd_model",), "failed", "no [b]bads[/b]\nlook", ms=90
)
NOT_RUN = NodeRecord("apply_pd", "apply", ("pd_model",), (), "not run", "behind 'fit_pd'")
SKIPPED = NodeRecord("book", "transform", (), ("raw",), "skipped", "nothing changed")
NODES = [
    ("book", "transform"),
    ("clean_loans", "transform"),
    ("fit_pd", "fit"),
    ("apply_pd", "apply"),
]

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def _run(progress):
    progress.run_started(NODES)
    progress.node_started("clean_loans")
    for record in (SKIPPED, CLEANED, FAILED, NOT_RUN):
        progress.node_finished(record)
    progress.run_finished("failed")


def _terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)


def test_a_log_has_a_utc_time_stamp_on_every_line():
    stream = io.StringIO()
    _run(LogProgress(stream))
    lines = [
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (.*)", s)
        for s in stream.getvalue().splitlines()
    ]
    assert [line[1] for line in lines[:-1]] == [
        "run started: 4 nodes",
        "clean_loans started",
        "book skipped: nothing changed",
        "clean_loans done: 19,874 rows, 126 quarantined, 3.2 s",
        "fit_pd failed: 0.1 s, no [b]bads[/b]",
        "apply_pd not run: behind 'fit_pd'",
    ]
    assert lines[-1][1].startswith("run failed: ")


def test_rows_dropped_and_warned_of_are_told_beside_the_quarantined():
    stream = io.StringIO()
    LogProgress(stream).node_finished(replace(CLEANED, dropped=3, warned=4000))
    told = "done: 19,874 rows, 126 quarantined, 3 dropped, 4,000 warned, 3.2 s\n"
    assert stream.getvalue().endswith(told)


def test_a_terminal_keeps_a_line_for_each_finished_node():
    console = _terminal()
    _run(TerminalProgress(console))
    shown = re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", console.file.getvalue())
    assert "✓ clean_loans  19,874 rows  126 quarantined  3.2 s\n" in shown
    assert "✗ fit_pd       0.1 s  no [b]bads[/b]\n" in shown
    assert "· apply_pd     behind 'fit_pd'\n" in shown
    assert "» book         nothing changed\n" in shown


def test_a_terminal_gets_its_cursor_back():
    console = _terminal()
    progress = TerminalProgress(console)
    progress.run_started(NODES)
    progress.node_started("book")
    progress.run_finished("interrupted")
    progress.run_finished("interrupted")
    written = console.file.getvalue()
    assert written.count(HIDE_CURSOR) == 1
    assert written.rindex(SHOW_CURSOR) > written.rindex(HIDE_CURSOR)


@pytest.mark.parametrize(
    "make", [lambda: LogProgress(io.StringIO()), lambda: TerminalProgress(_terminal())]
)
def test_nodes_may_finish_in_many_threads(make):
    progress = make()
    stream = progress._stream if isinstance(progress, LogProgress) else progress._console.file
    progress.run_started(NODES)

    def work(name):
        progress.node_started(name)
        progress.node_finished(NodeRecord(name, "transform", (), (), "done"))

    threads = [Thread(target=work, args=(f"node_{i}_",)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.run_finished("ok")
    assert all(f"node_{i}_" in stream.getvalue() for i in range(20))


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_run_of_no_nodes_says_that_nothing_runs(is_terminal):
    console = _terminal()
    progress = TerminalProgress(console) if is_terminal else LogProgress(console.file)
    progress.run_started([])
    progress.run_finished("ok")
    shown = console.file.getvalue()
    assert "nothing has changed: no node runs\n" in shown
    assert "0 node" not in shown and HIDE_CURSOR not in shown


def test_quiet_writes_nothing(capsys):
    make_progress(quiet=False)
    _run(make_progress(quiet=True))
    logging.getLogger("penstock.portfolio.searching").info("pass 1")
    assert capsys.readouterr() == ("", "")


def test_what_a_stage_says_is_shown_while_it_works(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "dumb")
    make_progress(quiet=False)
    make_progress(quiet=False)
    logging.getLogger("penstock.portfolio.searching").info("pass %d: gap %.1g", 3, 2e-5)
    make_progress(quiet=True)
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("Z   pass 3: gap 2e-05")


def test_a_terminal_shows_it_above_the_live_lines():
    console = _terminal()
    progress = TerminalProgress(console)
    progress.run_started(NODES)
    progress.note("pass 3: gap [b]2e-05")
    progress.run_finished("ok")
    assert "  pass 3: gap [b]2e-05" in console.file.getvalue()


@pytest.mark.parametrize(
    ("is_terminal", "variables", "kind"),
    [
        (True, {"TERM": "xterm"}, TerminalProgress),
        (True, {"TERM": "dumb"}, LogProgress),
        (True, {"TERM": "xterm", "CI": "true"}, LogProgress),
        (False, {"TERM": "xterm"}, LogProgress),
    ],
)
def test_the_progress_fits_where_standard_error_goes(monkeypatch, is_terminal, variables, kind):
    monkeypatch.delenv("CI", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    assert type(make_progress(quiet=False)) is kind
    assert type(make_progress(quiet=True)) is QuietProgress
