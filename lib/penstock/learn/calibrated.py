"""A classifier that is fitted on development rows and calibrated on calibration rows."""

from collections.abc import MutableMapping, Sequence
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
        fold: Column that the classifier needs to be fitted, beside features and label: the number
            of the fold (INT) of development rows. None: it needs none.
        partitions: In how many parts the development rows are fitted on; None: by their number.
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
        fold: str | None = None,
        partitions: int | None = None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.label = label
        self.sample = sample
        self.pd = pd
        self.fold = fold
        self.partitions = partitions

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
        self._check_columns(schema, (*self.features, self.label, self.sample, *self._folds))
        self.transformSchema(schema)

    def resume_from(self, kept: MutableMapping[str, Any]) -> None:
        """Let a classifier that can do so take what is there, and keep what it finishes there."""
        if hasattr(self.classifier, "resume_from"):
            self.classifier.resume_from(kept)

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
        partitions = self.partitions or max(2, ceil(rows / ROWS_PER_PARTITION))
        # The fold has no say: a search orders rows as the fit of the settings it finds does.
        settled = _settle(development, (*self.features, self.label), partitions)
        # Every stage of the classifier reads these rows again, and the optimiser several times.
        settled.persist()
        try:
            fitted = self.classifier.fit(settled)
        finally:
            settled.unpersist()
        scored = fitted.transform(self._part(dataset, CALIBRATION))
        added = [name for name in scored.columns if name not in development.columns]
        platt = PlattScaling.of(label=self.label, pd=self.pd, drop=added).fit(scored)
        return PipelineModel([*stages_of(fitted), platt])

    def _part(self, dataset: DataFrame, part: str) -> DataFrame:
        return dataset.where(F.col(self.sample) == part).select(
            *self.features, *self._folds, F.col(self.label).cast("double").alias(self.label)
        )

    @property
    def _folds(self) -> tuple[str, ...]:
        return () if self.fold is None else (self.fold,)

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


def _settle(rows: DataFrame, columns: Sequence[str], partitions: int) -> DataFrame:
    return (
        rows.withColumn(ORDER, F.xxhash64(*columns))
        .repartition(partitions, ORDER)
        .sortWithinPartitions(ORDER)
        .drop(ORDER)
    )


def stages_of(fitted: Transformer) -> list[Transformer]:
    """Return the stages of a pipeline, or what is none as the one stage."""
    return list(fitted.stages) if isinstance(fitted, PipelineModel) else [fitted]
