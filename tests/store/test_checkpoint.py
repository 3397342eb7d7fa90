"""A checkpoint outlives a kill: a search that is killed and started again goes on where it was."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.store.checkpoint import Checkpoint

ROOT = Path(__file__).parents[2]
# Judges 36 folds, kills itself at the fold of the number given, and writes down what it judged.
SEARCH = """
import os, signal, sys, threading
from pathlib import Path
from penstock.learn.tuning.space import read_space
from penstock.learn.tuning.study import SearchRules, run_search
from penstock.learn.tuning.trials import FoldScore
from penstock.store.checkpoint import Checkpoint

kept, log, kill_at = Checkpoint(Path(sys.argv[1])), open(sys.argv[2], "a"), int(sys.argv[3])
lock, judged = threading.Lock(), [0]

def judge(settings, fold):
    with lock:
        judged[0] += 1
        if judged[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        log.write(f"{settings} {fold}\\n")
        log.flush()
    return FoldScore((settings["x"] - 0.3) ** 2 + fold, settings["x"], 0.1, 0.9, 0.0)

trials = run_search(read_space({"x": {"low": 0.0, "high": 1.0}}), judge, folds=(0, 1, 2),
                    rules=SearchRules(12, 2, 7, "log_loss"), kept=kept)
print([(t.number, t.settings, t.state, t.folds) for t in trials])
"""


def do_search(folder, kill_at):
    command = [sys.executable, "-c", SEARCH, folder / "kept" / "a.jsonl", folder / "log", kill_at]
    return subprocess.run(
        list(map(str, command)),
        env=os.environ | {"PYTHONPATH": str(ROOT / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_search_killed_twice_repeats_no_finished_fold_and_ends_with_the_same_trials(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    wanted = do_search(whole, kill_at=0)
    assert wanted.returncode == 0, wanted.stderr
    finished = {}
    for kill_at in (5, 7):
        assert do_search(killed, kill_at).returncode == -signal.SIGKILL
        at_hand = Checkpoint(killed / "kept" / "a.jsonl")
        assert len(at_hand) > len(finished)
        finished = dict(at_hand)
    again = do_search(killed, kill_at=0)
    assert again.stdout == wanted.stdout
    judged = (killed / "log").read_text().splitlines()
    # Of the two trials at work at each kill, one fold each may have been judged and not yet kept.
    assert len(judged) - len(set(judged)) <= 2
    assert set(judged) == set((whole / "log").read_text().splitlines())


def test_entries_come_back_and_the_last_of_a_name_counts(tmp_path):
    file = tmp_path / "deep" / "a.jsonl"
    checkpoint = Checkpoint(file)
    assert not checkpoint and not file.parent.exists()
    checkpoint["a"] = {"loss": 0.1 + 0.2}
    checkpoint["b"] = None
    checkpoint["a"] = {"loss": 1 / 3}
    assert dict(Checkpoint(file)) == {"a": {"loss": 1 / 3}, "b": None}
    Checkpoint(file.with_name("b.jsonl"))["c"] = 1
    checkpoint.remove()
    assert not Checkpoint(file) and not file.parent.exists()
    checkpoint.remove()


@pytest.mark.parametrize("torn", ['["b", {"lo', "[", "7", '["b"]', "\x00\x00"])
def test_a_torn_line_counts_for_nothing_and_harms_no_other(tmp_path, torn):
    file = tmp_path / "a.jsonl"
    Checkpoint(file)["a"] = 1
    with file.open("a") as end:
        end.write(f"\n{torn}")
    checkpoint = Checkpoint(file)
    assert dict(checkpoint) == {"a": 1}
    checkpoint["c"] = 3
    assert dict(Checkpoint(file)) == {"a": 1, "c": 3}
