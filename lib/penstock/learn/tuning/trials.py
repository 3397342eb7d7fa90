"""What a search has found: its trials, how each did on each fold, which is best. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from penstock.evidence import Attempt

OBJECTIVES = ("log_loss", "auc")
COSTS = ("seconds", "core_seconds", "cpu_seconds")  # differ from run to run


@dataclass(frozen=True)
class FoldScore:
    """How a model did on one fold.

    Attributes:
        log_loss: Mean over the loans held out, in nats, after Platt scaling on them: what the
            margin is worth once it is calibrated. Lower is better.
        auc: Of the loans held out, 0-1.
        in_fold_log_loss, in_fold_auc: The same of the loans that the model was fitted on.
        seconds: Time it took to fit and to judge.
        core_seconds: As long as Spark's tasks held a core for it; None: Spark does not tell.
        cpu_seconds: CPU of these tasks on the JVM, without that of Python's processes; None too.
    """

    log_loss: float
    auc: float
    in_fold_log_loss: float
    in_fold_auc: float
    seconds: float
    core_seconds: float | None = None
    cpu_seconds: float | None = None

    def loss(self, objective: str) -> float:
        """Return what the search minimises: the log loss, or minus the AUC."""
        return self.log_loss if objective == "log_loss" else -self.auc


def mean_losses(scores: Sequence[FoldScore], objective: str) -> tuple[float, ...]:
    """Return the mean loss of the first score, of the first two, and so on."""
    losses = [score.loss(objective) for score in scores]
    return tuple(fmean(losses[: n + 1]) for n in range(len(losses)))


@dataclass(frozen=True)
class Trial:
    """One set of settings, and how it did on the folds that it was judged on, in their order.

    Attributes:
        state: "pruned" if it was given up because others had done better on the same folds.
        reason: Why it failed or was pruned; empty if complete.
    """

    number: int
    settings: Mapping[str, Any]
    state: Literal["complete", "pruned", "failed"]
    folds: tuple[FoldScore, ...]
    reason: str = ""

    def mean(self, name: str) -> float | None:
        """Return the mean over the folds of an attribute of their scores; None without folds."""
        return fmean(getattr(score, name) for score in self.folds) if self.folds else None

    def total(self, name: str) -> float | None:
        """Return the sum over the folds of one of their `COSTS`; None where one is unknown."""
        costs = [getattr(score, name) for score in self.folds]
        return None if None in costs else sum(costs)

    def losses(self, objective: str) -> tuple[float, ...]:
        """Return the mean loss of the first fold, of the first two, and so on."""
        return mean_losses(self.folds, objective)

    def attempt(self, *, is_best: bool) -> Attempt:
        """Return the trial as MLflow shall keep it."""
        measured = [name for name in FoldScore.__dataclass_fields__ if name not in COSTS]
        means = {f"mean_{name}": self.mean(name) for name in measured}
        means |= {name: self.total(name) for name in COSTS}
        by_fold = {
            f"{name}.{n}": getattr(score, name)
            for n, score in enumerate(self.folds)
            for name in OBJECTIVES
        }
        return Attempt(
            name=f"trial {self.number}",
            is_ok=self.state != "failed",
            params=dict(self.settings),
            metrics={**means, **by_fold},
            tags={"state": self.state, "reason": self.reason, "is_best": str(is_best).lower()},
        )


@dataclass(frozen=True)
class Findings:
    """All trials of a search, and how they were judged.

    Attributes:
        objective: "log_loss" or "auc".
        folds: Numbers of the folds that trials were judged on, in order.
        by_time: Whether a fold was judged by models of earlier folds only.
        trials: In order of their numbers; one of them is complete.
    """

    objective: str
    folds: tuple[int, ...]
    by_time: bool
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The complete trial with the least mean loss, of several the first."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return min(complete, key=lambda trial: trial.losses(self.objective)[-1])

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The trials as MLflow shall keep them."""
        return tuple(trial.attempt(is_best=trial is self.best) for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Findings":
        """Rebuild the findings from `to_json`'s document."""
        trials = (
            Trial(**{**trial, "folds": tuple(FoldScore(**score) for score in trial["folds"])})
            for trial in document["trials"]
        )
        return cls(**{**document, "folds": tuple(document["folds"]), "trials": tuple(trials)})
