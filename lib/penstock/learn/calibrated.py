"""A classifier that is fitted on development rows and calibrated on calibration rows."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from pyspark.ml import Estimator, PipelineModel, Transformer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DoubleType,
    NumericType,
    StructField,
    StructType,
)

from penstock.errors import DataError, did_you_mean
from penstock.learn.platt import PlattScaling
from penstock.learn.sample import CALIBRATION, DEVELOPMENT, check_sample

# Two partial sums add up to the same bits whichever comes first; three need not.
ROWS_PER_PARTITION = 250_000
ORDER = "_penstock_order"


class CalibratedClassifier(Estimator[PipelineModel]):
    """Fits a classifier and its Platt scaling, and returns both as one `PipelineModel`.

    The model needs the features alone, and adds the PD column and nothing else. The same rows give
    the same model, bit by bit, however they are partitioned, up to 500,000 development rows;
    beyond, the order in which tasks end may move last digits.

    Args:
        classifier: Unfitted estimator or pipeline that reads features and label, and adds
            `rawPrediction`.
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        label: Column of the label: 0 = good, 1 = bad.
        sample: Column with the use of the row: "development" fits, "calibration" calibrates, others
            are left alone.
        pd: Column that the model adds: PD, DOUBLE, 0-1.
    """

    def __init__(
        self,
        classifier: Estimator[Any],
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        label: str,
        sample: str,
        pd: str,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.label = label
        self.sample = sample
        self.pd = pd

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model reads."""
        return (*self.numeric, *self.categorical)

    @property
    def adds(self) -> tuple[str, ...]:
        """The columns that the fitted model adds."""
        return (self.pd,)

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or the PD column is there already.
        """
        self._check_columns(schema, self.features)
        if self.pd in schema.names:
            raise DataError(f"Column '{self.pd}' is there already: drop it before scoring.")
        return StructType([*schema.fields, StructField(self.pd, DoubleType())])

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job.

        Raises:
            DataError: As `transformSchema`, or label or sample column are missing or unfit.
        """
        self._check_columns(schema, (*self.features, self.label, self.sample))
        self.transformSchema(schema)

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        self.check_training_schema(dataset.schema)
        rows = check_sample(
            dataset,
            sample=self.sample,
            label=self.label,
            numeric=self.numeric,
            categorical=self.categorical,
        )
        development = self._part(dataset, DEVELOPMENT)
        settled = _settle(development, rows)
        # Every stage of the classifier reads these rows again, and the optimiser several times.
        settled.persist()
        try:
            fitted = self.classifier.fit(settled)
        finally:
            settled.unpersist()
        scored = fitted.transform(self._part(dataset, CALIBRATION))
        added = [name for name in scored.columns if name not in development.columns]
        platt = PlattScaling.of(label=self.label, pd=self.pd, drop=added).fit(scored)
        return PipelineModel([*_stages(fitted), platt])

    def _part(self, dataset: DataFrame, part: str) -> DataFrame:
        return dataset.where(F.col(self.sample) == part).select(
            *self.features, F.col(self.label).cast("double").alias(self.label)
        )

    def _check_columns(self, schema: StructType, needed: Sequence[str]) -> None:
        for name in needed:
            if name not in schema.names:
                raise DataError(
                    f"The model needs column '{name}', which the table lacks."
                    f"{did_you_mean(name, schema.names)}"
                )
            kind = schema[name].dataType
            if name in (*self.numeric, self.label) and not _is_number(kind):
                raise DataError(
                    f"Column '{name}' is {kind.simpleString()}; a numeric feature or label must be "
                    f"a number or boolean."
                )


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, NumericType | BooleanType)


def _settle(rows: DataFrame, count: int) -> DataFrame:
    partitions = max(2, ceil(count / ROWS_PER_PARTITION))
    return (
        rows.withColumn(ORDER, F.xxhash64(*rows.columns))
        .repartition(partitions, ORDER)
        .sortWithinPartitions(ORDER)
        .drop(ORDER)
    )


def _stages(fitted: Transformer) -> list[Transformer]:
    return list(fitted.stages) if isinstance(fitted, PipelineModel) else [fitted]
