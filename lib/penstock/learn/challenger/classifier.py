"""The challenger as a PD model: without the features that look like leaks or tell nothing."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.learn.binning.leaks import left_out_by
from penstock.learn.challenger.more_rounds import Base
from penstock.learn.challenger.recipe import Recipe
from penstock.learn.challenger.record import ChallengerRecord


class ChallengerClassifier(Estimator[PipelineModel]):
    """Fits a challenger, once it is told which features to leave out and what to go on with.

    The fitted model begins with a `ChallengerRecord` if there is anything to tell.

    Args:
        recipe: How it is made.
        numeric, categorical: Features, numbers and texts.
    """

    def __init__(
        self, recipe: Recipe, *, numeric: Sequence[str], categorical: Sequence[str]
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.classifier = recipe.classifier(numeric, categorical)
        self._left_out: dict[str, str] = {}
        self._base: Base | None = None
        self._kept: MutableMapping[str, Any] = {}

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model may read."""
        return self.classifier.features

    @property
    def label(self) -> str:
        """The column that it is taught by."""
        return self.classifier.label

    @property
    def weight(self) -> str | None:
        """The column of what a row counts for, if it is weighed."""
        return self.classifier.weight

    @property
    def adds(self) -> tuple[str, ...]:
        """The columns that the fitted model adds."""
        return self.classifier.adds

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or the PD column is there already.
        """
        return self.classifier.transformSchema(schema)

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job.

        Raises:
            DataError: As `transformSchema`, or label, sample or fold are missing or unfit.
        """
        self.classifier.check_training_schema(schema)

    def resume_from(self, kept: MutableMapping[str, Any]) -> None:
        """Take what a fit that was stopped has kept, and keep what is finished there."""
        self._kept = kept

    def begin_from(self, leaks: Evidence, base: PipelineModel | None) -> None:
        """Take what the fit begins with.

        Args:
            leaks: The features to leave out (`find_leaks`).
            base: A fitted challenger whose rounds go on; None: the fit begins anew.

        Raises:
            ConfigError: The base cannot be gone on with.
        """
        found = left_out_by(leaks)
        self._left_out = {name: why for name, why in found.items() if name in self.features}
        self._base = Base(base) if base else None

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        numeric, categorical = (
            [name for name in names if name not in self._left_out]
            for names in (self.numeric, self.categorical)
        )
        if not numeric and not categorical and not self.recipe.text:
            told = "; ".join(f"{name}: {why}" for name, why in self._left_out.items())
            raise DataError(
                f"No feature is left: {told}. Name leaks that tell the outcome for good reason in "
                "scorecard_pd.forced."
            )
        classifier = self.recipe.classifier(numeric, categorical, self._base)
        classifier.resume_from(self._kept)
        stages: list[Any] = list(classifier.fit(dataset).stages)
        for stage in stages:
            if stage.hasParam("xgb_model"):
                # The trees hold the model they began from; it is not saved a second time.
                stage.clear(stage.getParam("xgb_model"))
        knows_calibration = self.recipe.calibration.is_out_of_fold
        if self._left_out or self._base or knows_calibration:
            record = ChallengerRecord.of(
                left_out=self._left_out,
                rounds_before=self._base.rounds if self._base else 0,
                knows_calibration=knows_calibration,
            )
            stages.insert(0, record)
        return PipelineModel(stages)
