"""The recipe of a challenger: what is fitted once its features are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.ml import Estimator, Pipeline

from penstock.errors import ConfigError
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.challenger.chosen import ChosenClassifier, SettledClassifier
from penstock.learn.challenger.more_rounds import BASE, GOES_ON, Base
from penstock.learn.challenger.settings import complete_settings
from penstock.learn.challenger.trainers import trainer_stages
from penstock.learn.challenger.weighted import ClassWeights, WeightedClassifier
from penstock.learn.folds import FOLD
from penstock.learn.pd_columns import LABEL, PD, SAMPLE
from penstock.learn.scaling import Calibration
from penstock.learn.text.cross_fitted import CrossFitted
from penstock.learn.text.scoring import TEXT_PD, text_score
from penstock.learn.tuning.search import TunedClassifier
from penstock.learn.tuning.space import Settings, read_space
from penstock.learn.tuning.study import SearchRules


@dataclass(frozen=True)
class Recipe:
    """How a challenger is made of any features.

    Attributes:
        trainers: The one, or those to choose from.
        settings: Trainer to its hyper-parameters, as far as they are given.
        search: Trainer to the settings to search for (`read_space`).
        monotone: Numeric feature to its direction.
        class_weights: As of `WeightedClassifier`.
        seed: Of the draws of rows and features.
        rules: How the search goes; its objective also decides between trainers.
        by_time: Whether folds follow each other in time; search and choice then judge a fold by
            models of earlier ones.
        calibration: How the margin becomes a PD.
        text: Texts, whose score is one more number.
        weight: Column of what a row counts for; None: for one.
    """

    trainers: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    search: Mapping[str, Mapping[str, Any]]
    monotone: Mapping[str, str]
    class_weights: ClassWeights
    seed: int
    rules: SearchRules
    by_time: bool
    calibration: Calibration
    text: tuple[str, ...]
    weight: str | None

    def classifier(
        self, numeric: Sequence[str], categorical: Sequence[str], base: Base | None = None
    ) -> CalibratedClassifier:
        """Return the unfitted challenger on these features, or the one that goes on with a base.

        Raises:
            ConfigError: A setting that a trainer does not have or take, or a base that cannot be
                gone on with.
        """
        if base and self.text:
            raise ConfigError(
                f"catalog.{BASE} names a model to go on with, whose trees were grown by its own "
                f"text score, and another would be fitted of {', '.join(self.text)}. Take an "
                "empty 'text', or version 0."
            )
        numbers = [*numeric, TEXT_PD] if self.text else numeric
        tuned = {name: self._tuned(name, numbers, categorical, base) for name in self.trainers}
        first = tuned[self.trainers[0]]
        is_choice = len(tuned) > 1
        if base and (self.trainers != (GOES_ON,) or first.searches):
            raise ConfigError(
                f"catalog.{BASE} names a model to go on with, so that the trainer is xgboost and "
                "its settings are given: take trainer: xgboost and an empty search, or version 0."
            )
        if base and self.calibration.is_out_of_fold:
            raise ConfigError(
                f"The trees of catalog.{BASE} have learnt from every fold: no fold is left that "
                "the PD could be calibrated on. Take calibration: held_out, or version 0."
            )
        classifier: Estimator[Any] = first if first.searches else first.build({})
        if is_choice:
            classifier = ChosenClassifier(
                tuned,
                objective=self.rules.objective,
                label=LABEL,
                fold=FOLD,
                by_time=self.by_time,
                cross_fitted=self._text_score,
            )
        return CalibratedClassifier(
            classifier,
            numeric=numeric,
            categorical=categorical,
            label=LABEL,
            sample=SAMPLE,
            pd=PD,
            fold=FOLD if is_choice or first.searches else None,
            partitions=None if is_choice else self._partitions(self.trainers[0]),
            calibration=self.calibration,
            cross_fitted=self._text_score,
            weight=self.weight,
        )

    def _tuned(
        self, trainer: str, numeric: Sequence[str], categorical: Sequence[str], base: Base | None
    ) -> TunedClassifier:
        partitions = self._partitions(trainer) if len(self.trainers) > 1 else None

        def build(searched: Settings) -> Estimator[Any]:
            stages = trainer_stages(
                trainer,
                complete_settings(trainer, {**self.settings.get(trainer, {}), **searched}),
                numeric=numeric,
                categorical=categorical,
                monotone=self.monotone,
                seed=self.seed,
                base=base,
            )
            weighted = WeightedClassifier(
                Pipeline(stages=stages),
                label=LABEL,
                class_weights=self.class_weights,
                weight=self.weight,
            )
            if partitions is None:
                return weighted
            columns = (*numeric, *categorical, LABEL, *filter(None, (self.weight,)))
            return SettledClassifier(weighted, columns=columns, partitions=partitions)

        return TunedClassifier(
            build,
            space=read_space(self.search.get(trainer, {})),
            rules=self.rules,
            label=LABEL,
            fold=FOLD,
            by_time=self.by_time,
            cross_fitted=self._text_score,
        )

    @property
    def _text_score(self) -> CrossFitted | None:
        return text_score(self.text, label=LABEL)

    def _partitions(self, trainer: str) -> int | None:
        """Return in how many parts a trainer wants the rows; None: it does not care."""
        return complete_settings(trainer, self.settings.get(trainer, {})).get("num_workers")
