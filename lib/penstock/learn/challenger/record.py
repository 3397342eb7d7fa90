"""The stage of a fitted challenger that says how it came to be what it is."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from penstock.evidence import Attempt
from penstock.learn.challenger.contest import Contest
from penstock.learn.scaling import ScalingModel


class ChallengerRecord(
    Transformer, DefaultParamsWritable, DefaultParamsReadable["ChallengerRecord"]
):
    """Keeps what a challenger was chosen from and begun with, and leaves every table as it is.

    Params: `told` (JSON).
    """

    told: Param[str] = Param(
        Params._dummy(), "told", "JSON of how the model came to be", TypeConverters.toString
    )

    @classmethod
    def of(
        cls,
        *,
        contest: Contest | None = None,
        left_out: Mapping[str, str] | None = None,
        rounds_before: int = 0,
        knows_calibration: bool = False,
    ) -> "ChallengerRecord":
        """Return the stage.

        Args:
            contest: Of the trainers, if one was chosen.
            left_out: Feature to the reason why it is not used.
            rounds_before: Trees of the model that this one goes on with.
            knows_calibration: Whether the trainer has learnt from calibration rows as well.
        """
        told = {
            "contest": contest.to_json() if contest else None,
            "left_out": dict(left_out or {}),
            "rounds_before": rounds_before,
            "knows_calibration": knows_calibration,
        }
        return cls()._set(told=json.dumps(told))

    @property
    def contest(self) -> Contest | None:
        """The contest of the trainers; None: the trainer was given."""
        document = self._document["contest"]
        return Contest.from_json(document) if document else None

    @property
    def left_out(self) -> dict[str, str]:
        """Feature to the reason why it is not used."""
        return dict(self._document["left_out"])

    @property
    def rounds_before(self) -> int:
        """Trees of the model that this one goes on with; 0: it began anew."""
        return int(self._document["rounds_before"])

    @property
    def knows_calibration(self) -> bool:
        """Whether the trainer has learnt from calibration rows; of an old model not known: no."""
        return bool(self._document.get("knows_calibration"))

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The trainers as MLflow shall keep them."""
        return self.contest.attempts if self.contest else ()

    @property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.getOrDefault(self.told))
        return document

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns as they are."""
        return schema

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return dataset


def records_of(model: PipelineModel) -> tuple[ChallengerRecord, ...]:
    """Return what a fitted challenger tells of itself; nothing if there is nothing to tell."""
    return tuple(stage for stage in model.stages if isinstance(stage, ChallengerRecord))


def classifier_of(model: PipelineModel) -> Any:
    """Return the stage of a fitted challenger that a trainer has made: the last but the scaling."""
    *_, classifier, scaling = model.stages
    assert isinstance(scaling, ScalingModel)
    return classifier
