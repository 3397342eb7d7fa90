"""A classifier whose settings are searched for on the rows that it is fitted on."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame

from penstock.catalyst.internals import on_thread
from penstock.learn.stages import stages_of
from penstock.learn.text.cross_fitted import CrossFitted
from penstock.learn.tuning.held_out import HeldOut
from penstock.learn.tuning.record import SearchRecord
from penstock.learn.tuning.space import Settings, Space
from penstock.learn.tuning.study import Kept, SearchRules, Stopped, Work, run_search
from penstock.learn.tuning.trials import Findings, FoldScore

Build = Callable[[Settings], Estimator[Any]]


class TunedClassifier(Estimator[PipelineModel]):
    """Searches for settings by folds, and fits the best of them on all rows.

    The fitted model begins with a `SearchRecord`. The same rows and seed give the same trials and
    the same model, after a kill too.

    Args:
        build: Makes an unfitted classifier, which adds `rawPrediction`, from settings; those that
            are not searched for are its own affair.
        space: The settings to search for. Each bound is built once, so that settings that cannot be
            are found before any fit. Empty: nothing is searched for.
        rules: How many trials, for what. No trials: nothing is searched for.
        label: Column of the label: 0 = good, 1 = bad.
        fold: Column of the number of the fold, which the classifier does not get to see.
        by_time: Whether folds follow each other in time, and a fold is judged by earlier ones.
        cross_fitted: A feature made by the outcome: the rows have it and what it is made of.
    """

    def __init__(
        self,
        build: Build,
        *,
        space: Space,
        rules: SearchRules,
        label: str,
        fold: str,
        by_time: bool,
        cross_fitted: CrossFitted | None = None,
    ) -> None:
        super().__init__()
        self.build = build
        self.space = space
        self.rules = rules
        self.label = label
        self.fold = fold
        self.by_time = by_time
        self.cross_fitted = cross_fitted
        self._kept: Kept = {}
        self.classifier = [build(settings) for settings in space.extremes()][0]

    @property
    def searches(self) -> bool:
        """Whether there is anything to search for; the fold is read only then."""
        return self.rules.trials > 0 and not self.space.is_empty

    def resume_from(self, kept: Kept) -> None:
        """Take the scores that are in a dictionary, and keep those of the folds to come there.

        Args:
            kept: Of this search on these rows and no other.
        """
        self._kept = kept

    def as_found(self, fitted: PipelineModel) -> Estimator[Any]:
        """Return the classifier that a fit of this search has ended with, unfitted."""
        record = next((s for s in fitted.stages if isinstance(s, SearchRecord)), None)
        return self.build(record.findings.best.settings if record else {})

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        if not self.searches:
            return PipelineModel(stages_of(self.build({}).fit(dataset.drop(self.fold))))
        found = self._search(dataset)
        fitted = self.build(found.best.settings).fit(dataset.drop(self.fold))
        return PipelineModel([SearchRecord.of(found), *stages_of(fitted)])

    def _search(self, rows: DataFrame) -> Findings:
        held_out = HeldOut.of(
            rows,
            label=self.label,
            fold=self.fold,
            by_time=self.by_time,
            cross_fitted=self.cross_fitted,
        )
        try:
            with held_out:
                trials = run_search(
                    self.space,
                    partial(self._judge, held_out),
                    folds=held_out.judging,
                    rules=self.rules,
                    kept=self._kept,
                    on_thread=partial(_on_thread, rows),
                )
        except Stopped as stopped:
            raise stopped.cause from None
        return Findings(self.rules.objective, held_out.judging, self.by_time, trials)

    def _judge(self, held_out: HeldOut, settings: Settings, fold: int) -> FoldScore:
        return held_out.judge(self.build(settings), fold)


def _on_thread(rows: DataFrame, work: Work, slot: int) -> Work:
    # Trials in one pool would queue, the later ones for what the first leave idle.
    return on_thread(rows.sparkSession, work, pool=f"trials in slot {slot}")
