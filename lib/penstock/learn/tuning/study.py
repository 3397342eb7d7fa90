"""The study: which settings are tried next, which are given up, and what is known already.

Settings come from Optuna's sampler, in batches that are judged side by side. What a batch is asked
depends on nothing but the seed and the batches before it, so the same search has the same trials
however its threads take turns, and after a kill too. Nothing here needs Spark.
"""

import json
import math
import re
import warnings
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigError, DataError, PenstockError, did_you_mean
from penstock.learn.tuning.space import Choices, Settings, Space
from penstock.learn.tuning.trials import OBJECTIVES, FoldScore, Trial, mean_losses

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

Kept = MutableMapping[str, Any]
Judge = Callable[[Settings, int], FoldScore]
Work = Callable[[], Trial]

LEAST_TRIALS_TO_PRUNE = 4  # complete ones; the median of fewer says little
RANDOM_TRIALS = 10  # before the sampler learns from those told, as in Optuna
MOST_REASONS = 3
LONGEST_REASON = 300
_CAUSE = re.compile(r"^(?:: |Caused by: )?(?:[\w$]+\.)*(\w+(?:Exception|Error): .+)$", re.MULTILINE)


@dataclass(frozen=True)
class SearchRules:
    """How long a search goes on, and what for.

    Attributes:
        trials: Settings to try; 0: none, nothing is searched for.
        slots: Trials at work at once. Another number, another search.
        seed: Another number, other settings.
        objective: "log_loss" or "auc".
    """

    trials: int
    slots: int
    seed: int
    objective: str

    def __post_init__(self) -> None:
        for name, value, least in (("trials", self.trials, 0), ("slots", self.slots, 1)):
            if value < least:
                raise ConfigError(f"'{name}' of the search is {value}; it must be {least} or more.")
        if self.objective not in OBJECTIVES:
            raise ConfigError(
                f"The objective of the search is '{self.objective}'; it must be "
                f"{' or '.join(OBJECTIVES)}.{did_you_mean(self.objective, OBJECTIVES)}"
            )


class Stopped(Exception):
    """The search is to end: what happened was no fault of the settings.

    Attributes:
        cause: What happened.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def run_search(
    space: Space,
    judge: Judge,
    *,
    folds: Sequence[int],
    rules: SearchRules,
    kept: Kept,
    on_thread: Callable[[Work, int], Work] = lambda work, slot: work,
) -> tuple[Trial, ...]:
    """Try settings, several at once, and return the trials in order of their numbers.

    A trial goes from fold to fold. It is pruned where its mean loss so far is above the median of
    the complete trials of earlier batches on the same folds, and fails where `judge` raises.

    Args:
        space: What to try; not empty.
        judge: Fits by settings, and judges by the fold of that number. Called from threads.
        folds: Numbers of the folds, in the order to take them.
        rules: How many trials, for what.
        kept: Scores by settings and fold: what is there is not judged again, what is judged is put
            there.
        on_thread: Makes a trial's work ready to be done on a thread of its own, in the slot of that
            number; called on this thread.

    Raises:
        Stopped: `judge` raised it.
        DataError: All trials failed.
    """
    study, distributions = _study(rules), _distributions(space)
    course = _Course(judge, tuple(folds), rules.objective, kept)
    trials: list[Trial] = []
    with ThreadPoolExecutor(rules.slots, thread_name_prefix="trial") as threads:
        for begin in range(0, rules.trials, rules.slots):
            batch = range(begin, min(begin + rules.slots, rules.trials))
            asked = [study.ask(distributions) for _ in batch]
            limits = _limits(trials, course)
            works = [partial(course.run, one.number, one.params, limits) for one in asked]
            at_work = [threads.submit(on_thread(work, n)) for n, work in enumerate(works)]
            judged = [future.result() for future in at_work]
            for one, trial in zip(asked, judged, strict=True):
                _tell(study, one, trial, rules.objective)
            trials += judged
    _refuse_failure(trials)
    return tuple(trials)


def judge_each(
    candidates: Sequence[Settings],
    judge: Judge,
    *,
    folds: Sequence[int],
    objective: str,
    kept: Kept,
) -> tuple[Trial, ...]:
    """Judge what is given on all folds, one after the other, so that none is in another's way.

    Args: As `run_search`.

    Raises:
        Exception: Whatever `judge` raised: which candidates there are to choose from must not hang
            on what went wrong.
    """
    course = _Course(judge, tuple(folds), objective, kept)
    return tuple(
        Trial(n, candidate, "complete", tuple(course.score(candidate, fold) for fold in folds))
        for n, candidate in enumerate(candidates)
    )


@dataclass(frozen=True)
class _Course:
    """The way of each trial from fold to fold."""

    judge: Judge
    folds: tuple[int, ...]
    objective: str
    kept: Kept
    stopped: list[Stopped] = field(default_factory=list)

    def run(self, number: int, settings: Settings, limits: Sequence[float]) -> Trial:
        scores: list[FoldScore] = []
        for fold, limit in zip(self.folds, limits, strict=True):
            try:
                scores.append(self.score(settings, fold))
            except Stopped as stopped:
                self.stopped.append(stopped)
                raise
            except Exception as error:
                reason = f"fold {fold}: {_told(error)}"
                return Trial(number, settings, "failed", tuple(scores), reason)
            loss = mean_losses(scores, self.objective)[-1]
            if loss > limit and fold != self.folds[-1]:
                is_mean = f"mean {self.objective} {abs(loss):.5g}"
                reason = f"after fold {fold}: {is_mean}, worse than the median {abs(limit):.5g}"
                return Trial(number, settings, "pruned", tuple(scores), reason)
        return Trial(number, settings, "complete", tuple(scores))

    def score(self, settings: Settings, fold: int) -> FoldScore:
        if self.stopped:  # a trial beside it was: nobody waits for this one
            raise self.stopped[0]
        key = json.dumps({"fold": fold, "settings": dict(settings)}, sort_keys=True)
        if (known := self.kept.get(key)) is not None:
            return FoldScore(**known)
        score = self.judge(settings, fold)
        self.kept[key] = asdict(score)
        return score


def _limits(trials: Sequence[Trial], course: _Course) -> list[float]:
    """Return the loss above which a trial is pruned after each fold."""
    complete = [t.losses(course.objective) for t in trials if t.state == "complete"]
    if len(complete) < LEAST_TRIALS_TO_PRUNE:
        return [math.inf] * len(course.folds)
    return [median(of_fold) for of_fold in zip(*complete, strict=True)]


def _study(rules: SearchRules) -> "Study":
    # Optuna takes most of a second to import, and a plan does not need it.
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        # What may change in it shows as another version of the library, and reruns the search.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=rules.seed, n_startup_trials=RANDOM_TRIALS, constant_liar=True
        )
    return optuna.create_study(sampler=sampler, direction="minimize")


def _distributions(space: Space) -> dict[str, "BaseDistribution"]:
    from optuna import distributions as of  # noqa: PLC0415

    found: dict[str, BaseDistribution] = {}
    for name, at in space.dimensions.items():
        if isinstance(at, Choices):
            found[name] = of.CategoricalDistribution(at.values)
        elif at.is_whole:
            step = int(at.step or 1)
            high = int(at.low) + (int(at.high) - int(at.low)) // step * step
            found[name] = of.IntDistribution(int(at.low), high, log=at.is_log, step=step)
        else:
            found[name] = of.FloatDistribution(at.low, at.high, log=at.is_log, step=at.step)
    return found


def _tell(study: "Study", asked: "optuna.trial.Trial", trial: Trial, objective: str) -> None:
    from optuna.trial import TrialState  # noqa: PLC0415

    losses = trial.losses(objective)
    for place, loss in enumerate(losses):
        asked.report(loss, place)
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    is_complete = trial.state == "complete"
    study.tell(asked, losses[-1] if is_complete else None, states.get(trial.state, TrialState.FAIL))


def _told(error: Exception) -> str:
    """Return the sentence of an error that tells most: of a trace the innermost cause."""
    text = str(error).strip() or type(error).__name__
    is_ours = isinstance(error, PenstockError)
    causes = [] if is_ours else _CAUSE.findall(text)
    return str(causes[-1] if causes else text.splitlines()[0])[:LONGEST_REASON].rstrip(".")


def _refuse_failure(trials: Sequence[Trial]) -> None:
    if any(trial.state == "complete" for trial in trials):
        return
    reasons = list(dict.fromkeys(trial.reason for trial in trials))
    more = f" (and {len(reasons) - MOST_REASONS} other reasons)" * (len(reasons) > MOST_REASONS)
    raise DataError(
        f"All {len(trials)} trials of the search failed: {'; '.join(reasons[:MOST_REASONS])}{more}."
        " Mend what they name, in the rows or in the space of the search."
    )
