"""The study without Spark: a loss in closed form stands for fitting and judging."""

import random
import threading
import time

import pytest

from penstock.errors import ConfigError, DataError
from penstock.learn.tuning.space import read_space
from penstock.learn.tuning.study import LEAST_TRIALS_TO_PRUNE, SearchRules, Stopped, run_search
from penstock.learn.tuning.trials import Findings, FoldScore

SPACE = read_space({"x": {"low": 0.01, "high": 1.0, "log": True}, "depth": {"low": 1, "high": 6}})
FOLDS = (0, 1, 2)


def score_of(loss, auc=0.7):
    return FoldScore(loss, auc, loss / 2, 0.8, 0.0)


def bowl(settings, fold):
    """Return a loss that is least at x = 0.3 and depth = 4, on every fold."""
    return score_of((settings["x"] - 0.3) ** 2 + (settings["depth"] - 4) ** 2 + fold)


def search(judge=bowl, *, kept=None, **changed):
    rules = {"trials": 24, "slots": 2, "seed": 5, "objective": "log_loss"} | changed
    kept = {} if kept is None else kept
    return run_search(SPACE, judge, folds=FOLDS, rules=SearchRules(**rules), kept=kept)


def best_of(trials):
    return Findings("log_loss", FOLDS, by_time=False, trials=trials).best


def test_the_search_comes_near_the_best_settings_and_prunes_the_bad_ones():
    trials = search(trials=40)
    assert [trial.number for trial in trials] == list(range(40))
    best = best_of(trials).settings
    assert best["depth"] == 4 and best["x"] == pytest.approx(0.3, abs=0.1)
    first, later = trials[:LEAST_TRIALS_TO_PRUNE], trials[LEAST_TRIALS_TO_PRUNE:]
    assert {trial.state for trial in first} == {"complete"}
    pruned = [trial for trial in later if trial.state == "pruned"]
    assert pruned and all(len(trial.folds) < len(FOLDS) for trial in pruned)
    assert all("mean log_loss" in t.reason and "median" in t.reason for t in pruned)
    assert min(t.losses("log_loss")[0] for t in pruned) > best_of(trials).losses("log_loss")[0]


def test_the_median_of_earlier_batches_prunes_and_that_of_the_same_batch_does_not():
    for trial in (trials := search(trials=30)):
        earlier = [
            other.losses("log_loss")
            for other in trials[: trial.number // 2 * 2]
            if other.state == "complete"
        ]
        if len(earlier) < LEAST_TRIALS_TO_PRUNE:
            assert trial.state == "complete"
            continue
        limits = [sorted(losses)[len(losses) // 2] if len(losses) % 2 else
                  sum(sorted(losses)[len(losses) // 2 - 1 : len(losses) // 2 + 1]) / 2
                  for losses in zip(*earlier, strict=True)]  # fmt: skip
        reached = zip(trial.losses("log_loss")[:2], limits, strict=False)
        assert (trial.state == "pruned") == any(loss > limit for loss, limit in reached)


def test_trials_depend_on_seed_and_slots_and_not_on_how_threads_take_turns():
    def slow(settings, fold):
        time.sleep(random.random() / 200)
        return bowl(settings, fold)

    assert search(slow) == search(slow) == search()
    assert search(seed=6) != search() != search(slots=3)


def test_as_many_trials_as_slots_are_at_work_at_once():
    meeting = threading.Barrier(3, timeout=60)

    def judge(settings, fold):
        meeting.wait()
        return score_of(1.0)

    assert len(search(judge, slots=3, trials=6)) == 6


def test_what_is_kept_is_not_judged_again():
    kept = {}
    trials = search(kept=kept)

    def never(settings, fold):
        raise AssertionError("judged again")

    assert search(never, kept=kept) == trials
    for key in list(kept)[10:]:
        del kept[key]
    assert search(kept=kept) == trials


def test_the_objective_auc_takes_the_greatest():
    trials = search(lambda settings, fold: score_of(1.0, auc=settings["x"]), objective="auc")
    found = Findings("auc", FOLDS, by_time=False, trials=trials)
    assert found.best.settings["x"] == max(trial.settings["x"] for trial in trials)


def test_a_trial_that_fails_is_told_with_its_reason_and_the_others_go_on():
    def judge(settings, fold):
        if settings["depth"] > 3 and fold == 1:
            raise ValueError("too deep")
        return bowl(settings, fold)

    trials = search(judge)
    failed = [trial for trial in trials if trial.state == "failed"]
    assert failed and {trial.reason for trial in failed} == {"fold 1: too deep"}
    assert all(trial.settings["depth"] > 3 and len(trial.folds) == 1 for trial in failed)
    assert best_of(trials).settings["depth"] <= 3


def test_the_innermost_cause_of_a_trace_is_the_reason():
    trace = (
        "An error occurred while calling o12.fit.\n"
        ": org.apache.spark.SparkException: Job aborted.\n"
        "\tat org.apache.Some.line(Some.scala:1)\n"
        "Caused by: java.lang.IllegalArgumentException: requirement failed: depth\n\tat x\n"
    )

    def judge(settings, fold):
        raise RuntimeError(trace if settings["depth"] > 3 else "")

    with pytest.raises(DataError) as raised:
        search(judge)
    assert "IllegalArgumentException: requirement failed: depth" in str(raised.value)
    assert "fold 0: RuntimeError" in str(raised.value)


def test_a_search_of_which_all_trials_fail_is_one_error():
    def judge(settings, fold):
        raise DataError("no bads")

    with pytest.raises(
        DataError, match="All 24 trials of the search failed: fold 0: no bads. Mend"
    ):
        search(judge)


def test_what_is_no_fault_of_the_settings_ends_the_search_and_the_trials_beside():
    judged = []

    def judge(settings, fold):
        judged.append(fold)
        if len(judged) == 7:
            raise Stopped(OSError("gone"))
        return bowl(settings, fold)

    with pytest.raises(Stopped) as raised:
        search(judge)
    assert isinstance(raised.value.cause, OSError)
    # The other trial of the batch ends with the fold at hand.
    assert len(judged) <= 8


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"trials": -1}, "'trials' of the search is -1; it must be 0 or more"),
        ({"slots": 0}, "'slots' of the search is 0; it must be 1 or more"),
        ({"objective": "logloss"}, "'logloss'.*Did you mean 'log_loss'?"),
    ],
)
def test_rules_out_of_their_range_are_refused(changed, told):
    with pytest.raises(ConfigError, match=told):
        search(**changed)


def test_findings_come_back_from_json():
    found = Findings("log_loss", FOLDS, by_time=True, trials=search())
    assert Findings.from_json(found.to_json()) == found
    assert [a.tags["is_best"] for a in found.attempts].count("true") == 1
