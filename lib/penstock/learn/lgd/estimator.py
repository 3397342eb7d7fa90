"""LGD regression: the fractional logit, in one stage or in two."""

from collections.abc import Sequence
from math import ceil
from typing import Annotated, Literal

from annotated_types import Interval
from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, NumericType, StructType

from penstock.annotations import NotNegative
from penstock.errors import DataError, did_you_mean
from penstock.learn.calibrated import ROWS_PER_PARTITION, settle
from penstock.learn.feature_names import check_feature_names
from penstock.learn.lgd.design import LgdDesign
from penstock.learn.lgd.sample import design_of
from penstock.learn.lgd.scoring import LgdModel, LgdPart, scored_schema
from penstock.learn.lgd.splines import Knots
from penstock.learn.margin import MOST_LOG_ODDS

LABEL, LGD = "realised_lgd", "lgd"
Stages = Literal["one", "two"]
SmallestLoss = Annotated[float, Interval(ge=0, lt=1)]
# Spline terms of a number go together, so that the loss is flat along them.
TOLERANCE = 1e-7
_TERMS, _Y, _WEIGHT = "_terms", "_y", "_weight"


def fractional_lgd(
    *,
    numeric: list[str],
    categorical: list[str],
    stages: Stages,
    knots: Knots,
    regularisation: NotNegative,
    smallest_loss: SmallestLoss,
    max_iterations: Annotated[int, Interval(ge=1)],
) -> "LgdRegression":
    """Return the unfitted LGD model: a fractional logit, which adds `lgd` (DOUBLE, inside 0-1).

    It is fitted by the label `realised_lgd`. Numbers: restricted cubic splines; null and NaN become
    the median, told apart by a term of their own; beyond the values of the fit the nearest counts.
    Categories: null and blank are a level of their own; a level unseen in the fit has no term.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        stages: "one": the mean of the LGD. "two": the probability of any loss, times the mean LGD
            of loans with a loss: for books where many defaults lose nothing.
        knots: Of the splines: 3, 4 or 5; 0 = straight lines.
        regularisation: Strength of the penalty on squared standardised coefficients, >= 0.
        smallest_loss: LGD up to which a loan has no loss, 0-1; read by "two".
        max_iterations: Most steps of the optimiser (L-BFGS).

    Raises:
        ConfigError: No features, a feature named twice, or the label or LGD among them.

    Source:
        Papke and Wooldridge, Econometric methods for fractional response variables, Journal of
        Applied Econometrics 11 (1996); two stages: Ramalho, Ramalho and Murteira, Journal of
        Economic Surveys 25 (2011), section 3.2.
    """
    check_feature_names([*numeric, *categorical], reserved={LABEL, LGD}, model="the LGD model")
    return LgdRegression(
        numeric,
        categorical,
        is_two_stage=stages == "two",
        knots=knots,
        regularisation=regularisation,
        smallest_loss=smallest_loss,
        max_iterations=max_iterations,
    )


class LgdRegression(Estimator[PipelineModel]):
    """Fits what `fractional_lgd` speaks of; the same rows give the same model, bit by bit.

    The quasi-likelihood of a share y is y log p + (1 - y) log(1 - p): that of two rows, one lost of
    weight y and one kept of weight 1 - y. So MLlib's logistic regression fits it.
    """

    def __init__(
        self,
        numeric: Sequence[str],
        categorical: Sequence[str],
        *,
        is_two_stage: bool,
        knots: Knots,
        regularisation: float,
        smallest_loss: float,
        max_iterations: int,
    ) -> None:
        super().__init__()
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.is_two_stage = is_two_stage
        self.knots = knots
        self.regularisation = regularisation
        self.smallest_loss = smallest_loss
        self.max_iterations = max_iterations
        self.label = LABEL

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model reads."""
        return (*self.numeric, *self.categorical)

    @property
    def adds(self) -> tuple[str, ...]:
        """The columns that the fitted model adds."""
        return (LGD,)

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or the LGD column is there.
        """
        scored = scored_schema(schema, self.features, lgd=LGD)
        self._check_numbers(schema, self.numeric)
        return scored

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job.

        Raises:
            DataError: As `transformSchema`, or the label is missing or no number.
        """
        if LABEL not in schema.names:
            near = did_you_mean(LABEL, schema.names)
            raise DataError(f"The LGD model needs column '{LABEL}', which the table lacks.{near}")
        self._check_numbers(schema, (LABEL,))
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
        rows = dataset.select(*self.features, F.col(LABEL).cast("double").alias(LABEL))
        design, n_rows = design_of(
            rows,
            label=LABEL,
            numeric=self.numeric,
            categorical=self.categorical,
            knots=self.knots,
        )
        settled = settle(rows, rows.columns, max(2, ceil(n_rows / ROWS_PER_PARTITION)))
        termed = settled.select(array_to_vector(F.array(*design.columns())).alias(_TERMS), LABEL)
        termed.persist()
        try:
            parts = self._parts(termed, design)
        finally:
            termed.unpersist()
        return PipelineModel([LgdModel.of(design, parts, lgd=LGD)])

    def _parts(self, termed: DataFrame, design: LgdDesign) -> list[LgdPart]:
        if not self.is_two_stage:
            return [self._part("lgd", termed, design)]
        has_loss = F.col(LABEL) > self.smallest_loss
        lossy = termed.where(has_loss)
        if lossy.isEmpty():
            raise DataError(
                f"Cannot fit an LGD model in two stages: no default has a {LABEL} above "
                f"{self.smallest_loss:g} (smallest_loss)."
            )
        any_loss = termed.withColumn(LABEL, has_loss.cast("double"))
        return [self._part("any_loss", any_loss, design), self._part("severity", lossy, design)]

    def _part(self, name: str, termed: DataFrame, design: LgdDesign) -> LgdPart:
        lost, kept = F.col(LABEL), 1 - F.col(LABEL)
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
        # It is infinite where all is lost, or nothing.
        intercept = min(max(float(fitted.intercept), -MOST_LOG_ODDS), MOST_LOG_ODDS)
        return LgdPart(name, intercept, tuple(float(b) for b in fitted.coefficients))


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, NumericType | BooleanType)
