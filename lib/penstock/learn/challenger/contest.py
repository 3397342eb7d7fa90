"""The contest of trainers: which of them is taken, and why. Values only.

Quality decides, by folds held out; among trainers that are as good as the best the cheapest is
taken. What is cheaper is said beforehand, by the order of the candidates, and not by a clock: what
each of them took is measured and told beside, but the same rows must give the same model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from penstock.evidence import Attempt, Table
from penstock.learn.tuning.trials import Findings, Trial

TRAINER = "trainer"
TITLE = "Trainers on folds held out, the cheaper first"


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

    The first, in the order of cost, is taken whose loss is no more than one standard error above
    the least, by the differences on the same folds. With one fold there is no standard error, and
    the best is taken.

    Attributes:
        found: A trial for each trainer, the cheaper first; settings: {"trainer": its name}.

    Source:
        The one-standard-error rule: Breiman, Friedman, Olshen and Stone, Classification and
        Regression Trees (1984), section 3.4.3; Hastie, Tibshirani and Friedman, Elements of
        Statistical Learning (2009), section 7.10. Folds share rows to fit on, so that the standard
        error is somewhat too small: Bengio and Grandvalet, JMLR 5 (2004).
    """

    found: Findings

    @property
    def standings(self) -> tuple[Standing, ...]:
        """How each trainer did, in the order of cost."""
        best = self.found.best
        standings = [_standing(trial, best, self.found.objective) for trial in self.found.trials]
        chosen = next(one for one in standings if one.is_as_good)
        return tuple(replace(one, reason=_reason(one, chosen, best)) for one in standings)

    @property
    def chosen(self) -> str:
        """The trainer that is taken."""
        return next(one.trainer for one in self.standings if one.is_as_good)

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


def _error(values: Sequence[float]) -> float | None:
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else None


def _reason(one: Standing, chosen: Standing, best: Trial) -> str:
    if one.trainer == chosen.trainer:
        if one.trial is best:
            return "the best, and no cheaper one is as good"
        return "the cheapest of those within one standard error of the best"
    if one.trial is best:
        return f"the best; {chosen.trainer} is as good within one standard error, and cheaper"
    if one.is_as_good:
        return f"as good within one standard error, and dearer than {chosen.trainer}"
    return "worse than the best by more than one standard error"
