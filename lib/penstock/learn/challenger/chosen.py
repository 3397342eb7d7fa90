"""A classifier whose trainer is chosen on the rows that it is fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame

from penstock.catalyst.costs import measured
from penstock.errors import DataError
from penstock.learn.calibrated import settle
from penstock.learn.challenger.contest import TRAINER, Contest
from penstock.learn.challenger.record import ChallengerRecord
from penstock.learn.text.cross_fitted import CrossFitted
from penstock.learn.tuning.held_out import HeldOut
from penstock.learn.tuning.search import TunedClassifier
from penstock.learn.tuning.space import Settings
from penstock.learn.tuning.study import Kept, Stopped, judge_each
from penstock.learn.tuning.trials import Findings, FoldScore


class ChosenClassifier(Estimator[PipelineModel]):
    """Judges trainers by folds (`Contest`), and fits the one that is chosen on all rows.

    All that a trainer learns it learns anew without the fold that judges it. Its settings are those
    given; what is to be searched for is searched for once it is chosen. A trainer that fails, fails
    the fit: without it another could be chosen. The fitted model begins with a `ChallengerRecord`
    of the contest.

    Args:
        candidates: Trainer to its classifier.
        objective: "log_loss" or "auc".
        label: Column of the label: 0 = good, 1 = bad.
        fold: Column of the number of the fold, which no trainer gets to see.
        by_time: Whether folds follow each other in time, and a fold is judged by earlier ones.
        cross_fitted: A feature made by the outcome: the rows have it and what it is made of.
    """

    def __init__(
        self,
        candidates: Mapping[str, TunedClassifier],
        *,
        objective: str,
        label: str,
        fold: str,
        by_time: bool,
        cross_fitted: CrossFitted | None = None,
    ) -> None:
        super().__init__()
        self.candidates = candidates
        self.objective = objective
        self.label = label
        self.fold = fold
        self.by_time = by_time
        self.cross_fitted = cross_fitted
        self._kept: Kept = {}

    def resume_from(self, kept: Kept) -> None:
        """Take the scores that are in a dictionary, and keep those of the folds to come there."""
        self._kept = kept

    def as_found(self, fitted: PipelineModel) -> Estimator[Any]:
        """Return the classifier that a fit has ended with, unfitted: nothing is chosen anew."""
        record = next(stage for stage in fitted.stages if isinstance(stage, ChallengerRecord))
        assert record.contest is not None  # `_fit` has put it there
        return self.candidates[record.contest.chosen].as_found(fitted)

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        contest = self._contest(dataset)
        chosen = self.candidates[contest.chosen]
        chosen.resume_from(self._kept)
        fitted = chosen.fit(dataset)
        return PipelineModel([ChallengerRecord.of(contest=contest), *fitted.stages])

    def _contest(self, rows: DataFrame) -> Contest:
        held_out = HeldOut.of(
            rows,
            label=self.label,
            fold=self.fold,
            by_time=self.by_time,
            purpose="No trainer can be chosen",
            cross_fitted=self.cross_fitted,
        )
        try:
            with held_out:
                trials = judge_each(
                    [{TRAINER: trainer} for trainer in self.candidates],
                    partial(self._judge, held_out),
                    folds=held_out.judging,
                    objective=self.objective,
                    kept=self._kept,
                )
        except Stopped as stopped:
            raise stopped.cause from None
        return Contest(Findings(self.objective, held_out.judging, self.by_time, trials))

    def _judge(self, held_out: HeldOut, candidate: Settings, fold: int) -> FoldScore:
        classifier = self.candidates[candidate[TRAINER]].build({})
        with measured(held_out.rows.sparkSession) as cost_so_far:
            try:
                score = held_out.judge(classifier, fold)
            except DataError as error:
                told = f"{candidate[TRAINER]}, without {self.fold} = {fold}: {error}"
                raise DataError(f"{told} To choose without it, name other candidates.") from error
            cost = cost_so_far()
        if cost is None:
            return score
        return replace(score, core_seconds=cost.core_ms / 1000, cpu_seconds=cost.cpu_ms / 1000)


class SettledClassifier(Estimator[PipelineModel]):
    """Fits a classifier on rows in as many parts as it wants, in an order of their own.

    Args:
        classifier: Unfitted.
        columns: What tells rows apart: features and label.
        partitions: How many parts.
    """

    def __init__(
        self, classifier: Estimator[PipelineModel], *, columns: Sequence[str], partitions: int
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.columns = tuple(columns)
        self.partitions = partitions

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        settled = settle(dataset, self.columns, self.partitions)
        settled.persist()
        try:
            return self.classifier.fit(settled)
        finally:
            settled.unpersist()
