"""More rounds: boosting that goes on where a fitted challenger has stopped."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.ml import PipelineModel

from penstock.errors import ConfigError
from penstock.learn.challenger.record import ChallengerRecord, classifier_of, records_of
from penstock.learn.encoding import encoded_features
from penstock.learn.tuning.record import SearchRecord

BASE = "challenger_base"
DIRECTIONS_OF = "monotone_constraints"
GOES_ON = "xgboost"  # the one trainer that can be given more rounds


class Base:
    """A fitted challenger to go on with.

    Args:
        model: As `challenger_pd` has fitted it.

    Raises:
        ConfigError: It is not of xgboost: MLlib's trainers cannot go on with a model. Or it has
            learnt from calibration rows, on which the longer one could not be calibrated.
    """

    def __init__(self, model: PipelineModel) -> None:
        self._classifier = classifier_of(model)
        if not hasattr(self._classifier, "get_booster"):
            kind = type(self._classifier).__name__
            raise ConfigError(
                f"The model of catalog.{BASE} ends in a {kind}, which cannot be given more rounds: "
                "only xgboost goes on with a model. Name a version that xgboost has trained, or 0."
            )
        if any(record.knows_calibration for record in records_of(model)):
            raise ConfigError(
                f"The model of catalog.{BASE} was made with calibration: out_of_fold. It has "
                "learnt from calibration rows as well, and no rows are left that the PD could be "
                "calibrated on. Name a version made with calibration: held_out, or 0."
            )
        before = model.stages[: model.stages.index(self._classifier)]
        # Stages that tell how that model came about are not taken over.
        told = (ChallengerRecord, SearchRecord)
        self.encoding = [stage for stage in before if not isinstance(stage, told)]
        self._features = encoded_features(model)

    @property
    def rounds(self) -> int:
        """Trees that are there."""
        return int(self._classifier.get_booster().num_boosted_rounds())

    def options(
        self, numeric: Sequence[str], categorical: Sequence[str], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what xgboost is to be given beside its settings to go on.

        Args:
            numeric, categorical: Features of the new model.
            options: What it would be given to begin anew, with `monotone_constraints` if any.

        Raises:
            ConfigError: Other features, or directions that the trees so far do not keep.
        """
        self._refuse_features((*numeric, *categorical))
        self._refuse_directions(options.get(DIRECTIONS_OF))
        return {
            **options,
            "xgb_model": self._classifier.get_booster(),
            "base_score": self._classifier.getOrDefault("base_score"),
            # Another seed, or the draws of the first rounds would come once more.
            "random_state": options["random_state"] + self.rounds,
        }

    def _refuse_features(self, wanted: Sequence[str]) -> None:
        missing = [name for name in self._features if name not in wanted]
        beyond = [name for name in wanted if name not in self._features]
        if missing or beyond:
            told = [f"lacks {', '.join(missing)}"] * bool(missing)
            told += [f"has {', '.join(beyond)} beyond them"] * bool(beyond)
            raise ConfigError(
                f"More rounds need the features of the model of catalog.{BASE}; the list "
                f"{' and '.join(told)}. Take the same features, or begin anew: version 0."
            )
        if tuple(wanted) != self._features:
            raise ConfigError(
                f"More rounds need the features of the model of catalog.{BASE} in its order: "
                f"{', '.join(self._features)}."
            )

    def _refuse_directions(self, wanted: str | None) -> None:
        kept = self._classifier.getOrDefault(DIRECTIONS_OF)
        if wanted != kept:
            raise ConfigError(
                f"'monotone' asks for other directions than the trees of catalog.{BASE} keep. Take "
                "the directions it was trained with, or begin anew: version 0."
            )
