"""The contest of trainers: which of them is taken, and why. Values only.

Quality decides, by folds held out; among trainers that are as good as the best the cheapest is
taken, by what each took on these folds. A machine has moods, and the same rows must give the same
model: where two took about as much, the order of the candidates decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from penstock.evidence import Attempt, Table
from penstock.learn.tuning.trials import Findings, Trial

TRAINER = "trainer"
TITLE = "Trainers on folds held out, in the order of the candidates"
CLEAR = 2.0  # times as dear: less than that may be the machine


@dataclass(frozen=True)
class Standing:
    """How one trainer did.

    Attributes:
        mean: Of its log loss or AUC on folds held out.
        error: Standard error of the mean over folds; None of fewer than two.
        behind: How much worse it is than the best, mean over folds, >= 0.
        behind_error: Standard error of that, from the differences by fold; None of fewer than two.
        reason: Why it was taken or not.
    """

    trial: Trial
    mean: float
    error: float | None
    behind: float
    behind_error: float | None
    reason: str = ""

    @property
    def trainer(self) -> str:
        """Its name."""
        return str(self.trial.settings[TRAINER])

    @property
    def is_as_good(self) -> bool:
        """Whether it lies within one standard error of the best."""
        return self.behind <= (self.behind_error or 0.0)


@dataclass(frozen=True)
class Contest:
    """Trainers judged on the same folds.

    Trainers are as good whose loss is no more than one standard error above the least, by the
    differences on the same folds; with one fold there is no standard error, and the best alone is.
    Of these the first is taken that took at most `CLEAR` times the core seconds of the cheapest;
    where Spark does not tell what one took, the first.

    Attributes:
        found: A trial for each trainer, in the order of the candidates; settings: {"trainer": its
            name}.

    Source:
        The one-standard-error rule: Breiman, Friedman, Olshen and Stone, Classification and
        Regression Trees (1984), section 3.4.3; Hastie, Tibshirani and Friedman, Elements of
        Statistical Learning (2009), section 7.10. Folds share rows to fit on, so that the standard
        error is somewhat too small: Bengio and Grandvalet, JMLR 5 (2004).
    """

    found: Findings

    @property
    def standings(self) -> tuple[Standing, ...]:
        """How each trainer did, in the order of the candidates."""
        best = self.found.best
        standings = [_standing(trial, best, self.found.objective) for trial in self.found.trials]
        chosen = _cheapest([one for one in standings if one.is_as_good])
        return tuple(replace(one, reason=_reason(one, chosen, best)) for one in standings)

    @property
    def chosen(self) -> str:
        """The trainer that is taken."""
        return _cheapest([one for one in self.standings if one.is_as_good]).trainer

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The trainers as MLflow shall keep them."""
        return tuple(
            replace(
                one.trial.attempt(is_best=one.trainer == self.chosen),
                name=f"trainer {one.trainer}",
            )
            for one in self.standings
        )

    def table(self) -> Table:
        """Return the standings for people."""
        name = {"log_loss": "log loss", "auc": "AUC"}[self.found.objective]
        columns = (
            TRAINER, f"mean {name}", "standard error", "behind the best", "its standard error",
            "core seconds", "CPU seconds of the JVM", "seconds", "chosen", "reason",
        )  # fmt: skip
        rows = tuple(
            (
                one.trainer, one.mean, one.error, one.behind, one.behind_error,
                *(one.trial.total(cost) for cost in ("core_seconds", "cpu_seconds", "seconds")),
                "yes" if one.trainer == self.chosen else "", one.reason,
            )
            for one in self.standings
        )  # fmt: skip
        return Table(TITLE, columns, rows)

    def to_json(self) -> dict[str, Any]:
        """Return the contest as plain values."""
        return self.found.to_json()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Contest":
        """Rebuild the contest from `to_json`'s document."""
        return cls(Findings.from_json(document))


def _standing(trial: Trial, best: Trial, objective: str) -> Standing:
    losses = [score.loss(objective) for score in trial.folds]
    least = [score.loss(objective) for score in best.folds]
    behind = [loss - of_best for loss, of_best in zip(losses, least, strict=True)]
    mean = fmean(getattr(score, objective) for score in trial.folds)
    return Standing(trial, mean, _error(losses), fmean(behind), _error(behind))


def _cheapest(as_good: Sequence[Standing]) -> Standing:
    costs = [one.trial.total("core_seconds") for one in as_good]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return as_good[0]
    pairs = zip(as_good, known, strict=True)
    return next(one for one, cost in pairs if cost <= CLEAR * min(known))


def _error(values: Sequence[float]) -> float | None:
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else None


def _reason(one: Standing, chosen: Standing, best: Trial) -> str:
    if one.trainer == chosen.trainer:
        if one.trial is best:
            return "the best, and none as good is named before or clearly cheaper"
        return "as good as the best within one standard error, and none is clearly cheaper"
    taken = chosen.trainer
    if one.trial is best:
        return (
            f"the best; {taken} is as good within one standard error, and cheaper or named before"
        )
    if one.is_as_good:
        return f"as good within one standard error; {taken} is clearly cheaper or named before"
    return "worse than the best by more than one standard error"
