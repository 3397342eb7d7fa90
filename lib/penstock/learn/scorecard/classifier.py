"""The scorecard as a PD model: calibrated, and with points beside the PD."""

from typing import Any

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from penstock.errors import DataError
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.platt import Sigmoid
from penstock.learn.sample import CALIBRATION
from penstock.learn.scorecard.estimator import ScorecardModel
from penstock.learn.scorecard.points import PointRule, PointScale
from penstock.learn.scorecard.rounding import rounding_loss
from penstock.learn.scorecard.scoring import ScorecardPoints, exact_points, rounded_points


class ScorecardClassifier(Estimator[PipelineModel]):
    """Fits a calibrated scorecard, and adds the points of its bins.

    Platt scaling makes the log-odds of bad slope x margin + intercept. The margin is linear in the
    WoE, so the calibrated log-odds are as well, and points take the calibration in without any
    error: they and the PD say the same but for the rounding of points. Isotonic scaling bends the
    PD away from any sum over bins: points stay those of Platt scaling on the same rows, in the same
    order as the PD, but do not stand for it.

    Args:
        classifier: Pipeline of binning and scorecard, calibrated.
        scale: The scale of the points.
        points: Column that the model adds beside the PD: INT, higher = safer.
    """

    def __init__(self, classifier: CalibratedClassifier, *, scale: PointScale, points: str) -> None:
        super().__init__()
        self.classifier = classifier
        self.scale = scale
        self.points = points

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model reads."""
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
        return (self.points, *self.classifier.adds)

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or points or PD are there already.
        """
        *before, pd = self.classifier.transformSchema(schema).fields
        if self.points in schema.names:
            raise DataError(f"Column '{self.points}' is there already: drop it before scoring.")
        return StructType([*before, StructField(self.points, IntegerType()), pd])

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job.

        Raises:
            DataError: As `transformSchema`, or label or sample column are missing or unfit.
        """
        self.classifier.check_training_schema(schema)
        self.transformSchema(schema)

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        self.check_training_schema(dataset.schema)
        fitted = self.classifier.fit_parts(dataset)
        stages: list[Any] = fitted.stages
        *binning, scorecard = stages
        rule = _calibrated_rule(scorecard, fitted.line, self.scale)
        calibration = dataset.where(F.col(self.classifier.sample) == CALIBRATION)
        loss = rounding_loss(
            PipelineModel(binning).transform(calibration),
            self.scale,
            exact=exact_points(rule),
            rounded=rounded_points(rule),
            label=self.classifier.label,
        )
        added = ScorecardPoints.of(rule, loss, points=self.points)
        # Before the scaling, which drops the WoE columns that points are read from.
        return PipelineModel([*binning, scorecard, added, fitted.scaling])


def _calibrated_rule(scorecard: ScorecardModel, line: Sigmoid, scale: PointScale) -> PointRule:
    """Return the points of the calibrated log-odds of bad, slope x margin + intercept."""
    fitted = scorecard.fitted
    return PointRule.of(
        scale,
        fitted.columns,
        tuple(line.slope * coefficient for coefficient in fitted.coefficients),
        line.slope * fitted.intercept + line.intercept,
    )
