"""The choice between trainers, by hand: no Spark."""

from math import sqrt

import pytest

from penstock.learn.challenger.contest import TRAINER, Contest
from penstock.learn.tuning.study import judge_each
from penstock.learn.tuning.trials import Findings, FoldScore, Trial

CHEAP, MIDDLE, DEAR = "logistic", "xgboost", "gbt"


def trial(number, trainer, losses, core_seconds=3.0):
    folds = tuple(FoldScore(loss, 1 - loss, 0.1, 0.9, 2.0, core_seconds, 0.5) for loss in losses)
    return Trial(number, {TRAINER: trainer}, "complete", folds)


def contest(by_trainer, objective="log_loss", costs=None):
    costs = costs or {}
    trials = [
        trial(n, name, losses, costs.get(name, 3.0))
        for n, (name, losses) in enumerate(by_trainer.items())
    ]
    folds = tuple(range(len(trials[0].folds)))
    return Contest(Findings(objective, folds, by_time=False, trials=tuple(trials)))


def test_the_cheapest_within_one_standard_error_of_the_best_by_fold_differences_is_taken():
    # Behind the best by .01, .03, -.01, .01: mean .01, standard deviation .01633, error .00816.
    losses = [0.50, 0.40, 0.60, 0.45]
    ahead = [0.49, 0.37, 0.61, 0.44]
    found = contest({CHEAP: losses, DEAR: ahead})
    worse, best = found.standings
    assert (worse.mean, best.mean) == pytest.approx((0.4875, 0.4775))
    assert worse.behind == pytest.approx(0.01)
    assert worse.behind_error == pytest.approx(sqrt(0.0008 / 3) / 2)
    assert worse.error == pytest.approx(sqrt(0.021875 / 3) / 2)
    assert found.chosen == DEAR
    # One fold's difference of .03 -> .09 moves the mean to .025 and its error to .0222; .04, not.
    nearly = contest({CHEAP: [0.50, 0.46, 0.60, 0.45], DEAR: ahead})
    assert nearly.standings[0].behind > nearly.standings[0].behind_error
    as_good = contest({CHEAP: [0.50, 0.40, 0.58, 0.45], DEAR: ahead})
    # .01, .03, -.03, .01: mean .005, error sqrt(.0019 / 3) / 2 = .0126.
    assert as_good.chosen == CHEAP


def test_each_trainer_is_told_why_it_was_taken_or_not():
    found = contest(
        {
            CHEAP: [0.60, 0.60, 0.61],
            MIDDLE: [0.50, 0.40, 0.56],
            DEAR: [0.49, 0.41, 0.55],
            "third": [0.495, 0.405, 0.565],
        }
    )
    assert found.chosen == MIDDLE
    table = found.table()
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert {name: row["reason"] for name, row in rows.items()} == {
        CHEAP: "worse than the best by more than one standard error",
        MIDDLE: "as good as the best within one standard error, and none is clearly cheaper",
        DEAR: "the best; xgboost is as good within one standard error, and cheaper or named before",
        "third": "as good within one standard error; xgboost is clearly cheaper or named before",
    }
    assert [name for name, row in rows.items() if row["chosen"]] == [MIDDLE]
    costs = [rows[MIDDLE][c] for c in ("core seconds", "CPU seconds of the JVM", "seconds")]
    assert costs == [9.0, 1.5, 6.0]
    attempts = {attempt.name: attempt for attempt in found.attempts}
    assert attempts["trainer xgboost"].tags["is_best"] == "true"
    assert attempts["trainer xgboost"].metrics["core_seconds"] == 9.0
    assert Contest.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("costs", "chosen"),
    [
        ({CHEAP: 3.0, DEAR: 1.6}, CHEAP),  # less than twice as dear: the order decides
        ({CHEAP: 3.3, DEAR: 1.6}, DEAR),
        ({CHEAP: 9.0, MIDDLE: 2.0, DEAR: 1.1}, MIDDLE),
        ({CHEAP: 9.0, MIDDLE: None, DEAR: 1.1}, CHEAP),  # what one took is not known
        ({CHEAP: 9.0, MIDDLE: 0.1, DEAR: 8.0}, MIDDLE),
    ],
)
def test_of_trainers_as_good_the_cheapest_by_what_they_took_is_taken(costs, chosen):
    losses = [0.5, 0.4, 0.6]
    assert contest(dict.fromkeys(costs, losses), costs=costs).chosen == chosen
    worse = dict.fromkeys(costs, losses) | {chosen: [0.7, 0.6, 0.8]}
    assert contest(worse, costs=costs | {chosen: 0.001}).chosen != chosen


def test_with_one_fold_the_best_is_taken_and_by_auc_the_greatest():
    assert contest({CHEAP: [0.5], DEAR: [0.49]}).chosen == DEAR
    assert contest({CHEAP: [0.5], DEAR: [0.5]}).chosen == CHEAP
    by_auc = contest({CHEAP: [0.5, 0.4], DEAR: [0.3, 0.2]}, objective="auc")
    assert by_auc.chosen == DEAR and by_auc.standings[1].mean == pytest.approx(0.75)


def test_what_is_kept_is_not_judged_again_and_what_fails_is_not_passed_over():
    judged = []

    def judge(settings, fold):
        judged.append((settings[TRAINER], fold))
        return FoldScore(0.5, 0.6, 0.4, 0.7, 1.0, 2.0, 1.5)

    kept, candidates = {}, [{TRAINER: CHEAP}, {TRAINER: DEAR}]
    asked = {"folds": (0, 1), "objective": "log_loss", "kept": kept}
    first = judge_each(candidates, judge, **asked)
    assert judged == [(CHEAP, 0), (CHEAP, 1), (DEAR, 0), (DEAR, 1)]
    assert judge_each(candidates, judge, **asked) == first and len(judged) == 4

    def fail(settings, fold):
        if settings[TRAINER] == DEAR:
            raise ConnectionError("an executor is lost")
        return judge(settings, fold)

    kept.clear()
    with pytest.raises(ConnectionError, match="an executor is lost"):
        judge_each(candidates, fail, **asked)
    assert len(kept) == 2
