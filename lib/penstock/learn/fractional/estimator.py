"""The regression of a share: the fractional logit, in one stage or in two."""

from collections.abc import Sequence
from math import ceil

from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, NumericType, StructType

from penstock.errors import DataError, did_you_mean
from penstock.learn.calibrated import ROWS_PER_PARTITION, settle
from penstock.learn.fractional.design import FractionalDesign
from penstock.learn.fractional.sample import design_of
from penstock.learn.fractional.scoring import FractionalModel, FractionalPart, scored_schema
from penstock.learn.fractional.splines import Knots
from penstock.learn.margin import MOST_LOG_ODDS

# Spline terms of a number go together, so that the loss function is flat along them.
TOLERANCE = 1e-7
_TERMS, _Y, _WEIGHT = "_terms", "_y", "_weight"


class FractionalRegression(Estimator[PipelineModel]):
    """Fits what `models.py` speaks of; the same rows give the same model, bit by bit.

    It adds the column `ratio`, in capitals its name, and is fitted by the label realised_<ratio>.

    The quasi-likelihood of a share y is y log p + (1 - y) log(1 - p): that of two rows, one lost of
    weight y and one kept of weight 1 - y. So MLlib's logistic regression fits it.
    """

    def __init__(
        self,
        ratio: str,
        numeric: Sequence[str],
        categorical: Sequence[str],
        *,
        smallest_loss: float | None,
        knots: Knots,
        regularisation: float,
        max_iterations: int,
    ) -> None:
        super().__init__()
        self.ratio = ratio
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.smallest_loss = smallest_loss  # of a model in two stages
        self.knots = knots
        self.regularisation = regularisation
        self.max_iterations = max_iterations
        self.label = f"realised_{ratio}"

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model reads."""
        return (*self.numeric, *self.categorical)

    @property
    def adds(self) -> tuple[str, ...]:
        """The columns that the fitted model adds."""
        return (self.ratio,)

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or the added one is there.
        """
        scored = scored_schema(schema, self.features, ratio=self.ratio)
        self._check_numbers(schema, self.numeric)
        return scored

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job.

        Raises:
            DataError: As `transformSchema`, or the label is missing or no number.
        """
        if self.label not in schema.names:
            near = did_you_mean(self.label, schema.names)
            raise DataError(
                f"The {self.ratio.upper()} model needs column '{self.label}', which the table "
                f"lacks.{near}"
            )
        self._check_numbers(schema, (self.label,))
        self.transformSchema(schema)

    def _check_numbers(self, schema: StructType, names: Sequence[str]) -> None:
        for name in names:
            kind = schema[name].dataType
            if not _is_number(kind):
                raise DataError(
                    f"Column '{name}' is {kind.simpleString()}; a numeric feature or label must be "
                    "a number or boolean."
                )

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        self.check_training_schema(dataset.schema)
        rows = dataset.select(*self.features, F.col(self.label).cast("double").alias(self.label))
        design, n_rows = design_of(
            rows,
            ratio=self.ratio,
            label=self.label,
            numeric=self.numeric,
            categorical=self.categorical,
            knots=self.knots,
        )
        settled = settle(rows, rows.columns, max(2, ceil(n_rows / ROWS_PER_PARTITION)))
        termed = settled.select(
            array_to_vector(F.array(*design.columns())).alias(_TERMS), self.label
        )
        termed.persist()
        try:
            parts = self._parts(termed, design)
        finally:
            termed.unpersist()
        return PipelineModel([FractionalModel.of(design, parts, ratio=self.ratio)])

    def _parts(self, termed: DataFrame, design: FractionalDesign) -> list[FractionalPart]:
        if self.smallest_loss is None:
            return [self._part(self.ratio, termed, design)]
        has_loss = F.col(self.label) > self.smallest_loss
        lossy = termed.where(has_loss)
        if lossy.isEmpty():
            raise DataError(
                f"Cannot fit the {self.ratio.upper()} model in two stages: no default has a "
                f"{self.label} above "
                f"{self.smallest_loss:g} (smallest_loss)."
            )
        any_loss = termed.withColumn(self.label, has_loss.cast("double"))
        return [self._part("any_loss", any_loss, design), self._part("severity", lossy, design)]

    def _part(self, name: str, termed: DataFrame, design: FractionalDesign) -> FractionalPart:
        lost, kept = F.col(self.label), 1 - F.col(self.label)
        halves = F.array(
            F.struct(F.lit(1.0).alias(_Y), lost.alias(_WEIGHT)),
            F.struct(F.lit(0.0).alias(_Y), kept.alias(_WEIGHT)),
        )
        doubled = termed.select(_TERMS, F.inline(halves)).where(F.col(_WEIGHT) > 0)
        fitted = LogisticRegression(
            featuresCol=_TERMS,
            labelCol=_Y,
            weightCol=_WEIGHT,
            regParam=self.regularisation,
            maxIter=self.max_iterations,
            tol=TOLERANCE,
        ).fit(doubled)
        # Where everything was lost, or nothing, the intercept would be infinite.
        intercept = min(max(float(fitted.intercept), -MOST_LOG_ODDS), MOST_LOG_ODDS)
        return FractionalPart(name, intercept, tuple(float(b) for b in fitted.coefficients))


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, NumericType | BooleanType)
