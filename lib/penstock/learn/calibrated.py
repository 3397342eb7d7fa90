"""A classifier whose margin is turned into a PD on rows that it has not seen."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
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
    StringType,
    StructField,
    StructType,
)

from penstock.errors import DataError, did_you_mean
from penstock.learn.margin import MarginCounts, count_by_margin, margin_of
from penstock.learn.platt import Sigmoid
from penstock.learn.sample import CALIBRATION, DEVELOPMENT, check_sample
from penstock.learn.scaling import Calibration, ScalingModel, fit_line, fit_scaling
from penstock.learn.stages import stages_of
from penstock.learn.text.cross_fitted import CrossFitted
from penstock.learn.tuning.held_out import HeldOut

# Two partial sums add up to the same bits whichever comes first; three need not.
ROWS_PER_PARTITION = 250_000
ORDER = "_penstock_order"
MARGIN = "rawPrediction"


@dataclass(frozen=True, eq=False)
class CalibratedParts:
    """What `CalibratedClassifier` fits.

    Attributes:
        stages: Stages of the fitted classifier.
        scaling: The stage that adds the PD.
        line: The sigmoid of the margin, which is the scaling's own with Platt scaling.
    """

    stages: list[Transformer]
    scaling: ScalingModel
    line: Sigmoid


class CalibratedClassifier(Estimator[PipelineModel]):
    """Fits a classifier and the scaling of its margin, and returns both as one `PipelineModel`.

    The model needs the features alone, and adds the PD column and nothing else. The same rows give
    the same model, bit by bit, however they are partitioned, up to 500,000 rows that are fitted on;
    beyond, the order in which tasks end may move last digits.

    Calibrated out of fold, the classifier is fitted once on all rows and once more for each fold
    that is held out, whose loans are scored by that fit: with k folds it costs up to k + 1 times as
    much. All that a classifier learns (bins, encodings, selection) it learns anew without the fold.
    Only the settings that a search has found stay: the search has judged them by the same folds.

    Args:
        classifier: Unfitted estimator or pipeline that reads features and label, and adds
            `rawPrediction`. One with a method `as_found` tells by it, of what it has fitted, what
            to fit on the folds. One whose `fold` is the column of the folds holds them out itself:
            without one of them, the others, if there are two.
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        label: Column of the label: 0 = good, 1 = bad.
        sample: Column with the part of the row: "development" and "calibration" are used as
            `calibration` says, others are left alone.
        pd: Column that the model adds: PD, DOUBLE, inside 0-1.
        fold: Column that the classifier needs to be fitted, beside features and label: the number
            of the fold (INT). None: it needs none.
        partitions: In how many parts the rows are fitted on; None: by their number.
        calibration: Which rows the scaling is fitted on, and which scaling.
        cross_fitted: A feature made by the outcome, which the classifier reads beside the others;
            the model reads what it is made of (STRING).
        needs_values: Whether a feature without a value in development is refused; else the
            classifier leaves it out itself.
        weight: Column of what a row counts for (DECIMAL), which the classifier reads as well; only
            where calibration rows are held out. None: each counts for one.

    Source:
        One classifier on all rows with a scaling of its cross-fitted scores: Platt, Probabilistic
        outputs for support vector machines (1999), section 2.2.
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
        calibration: Calibration | None = None,
        cross_fitted: CrossFitted | None = None,
        needs_values: bool = True,
        weight: str | None = None,
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
        self.calibration = calibration or Calibration()
        self.cross_fitted = cross_fitted
        self.needs_values = needs_values
        self.weight = weight

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the fitted model reads."""
        return (*self.numeric, *self.categorical, *self._texts)

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
        self._check_columns(schema, (*self.features, self.label, self.sample, *self._beside))
        self.transformSchema(schema)

    def resume_from(self, kept: MutableMapping[str, Any]) -> None:
        """Let a classifier that can do so take what is there, and keep what it finishes there."""
        if hasattr(self.classifier, "resume_from"):
            self.classifier.resume_from(kept)

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        parts = self.fit_parts(dataset)
        return PipelineModel([*parts.stages, parts.scaling])

    def fit_parts(self, dataset: DataFrame) -> CalibratedParts:
        """Fit classifier and scaling, and return them apart.

        Raises:
            DataError: The table cannot be fitted on, by its columns or by its rows; with a fold
                held out, which one.
        """
        self.check_training_schema(dataset.schema)
        loans = check_sample(
            dataset,
            sample=self.sample,
            label=self.label,
            numeric=self.numeric,
            categorical=(*self.categorical, *self._texts),
            needs_values=self.needs_values,
        )
        fits = (DEVELOPMENT, CALIBRATION) if self.calibration.is_out_of_fold else (DEVELOPMENT,)
        rows = self._part(dataset, *fits)
        loans_fitted = sum(loans[part] for part in fits)
        partitions = self.partitions or max(2, ceil(loans_fitted / ROWS_PER_PARTITION))
        # Not by fold: a search and the fit of the settings that it finds order rows alike.
        weighed = filter(None, (self.weight,))
        settled = settle(rows, (*self.features, self.label, *weighed), partitions)
        # Every stage of the classifier reads these rows again, and the optimiser several times.
        settled.persist()
        try:
            fitted = self._fitted(settled if self.fold else settled.drop(*self._folds))
            counts = self._counts(fitted, settled, dataset)
        finally:
            settled.unpersist()
        drop = [name for name in fitted.transform(rows).columns if name not in rows.columns]
        return CalibratedParts(
            list(fitted.stages),
            fit_scaling(counts, self.calibration, pd=self.pd, drop=drop),
            fit_line(counts, self.calibration),
        )

    def _fitted(self, rows: DataFrame) -> PipelineModel:
        if self.cross_fitted is None:
            return PipelineModel(stages_of(self.classifier.fit(rows)))
        unseen = self.cross_fitted.unseen(rows).persist()
        try:
            fitted = self.classifier.fit(unseen)
        finally:
            unseen.unpersist()
        return PipelineModel([self.cross_fitted.fit(rows), *stages_of(fitted)])

    def _counts(
        self, fitted: PipelineModel, settled: DataFrame, dataset: DataFrame
    ) -> MarginCounts:
        """Count loans by the margin that a classifier gives them which has not seen them."""
        if not self.calibration.is_out_of_fold:
            return count_by_margin(
                fitted.transform(self._part(dataset, CALIBRATION)),
                margin=margin_of(MARGIN),
                label=F.col(self.label),
                weight=self.weight,
            )
        held_out = HeldOut.of(
            settled,
            label=self.label,
            fold=self.calibration.fold,
            # Folds by date as well learn from all others, later ones too: a model of the first
            # fold alone is too unlike the one on all rows.
            by_time=False,
            purpose="The PD cannot be calibrated out of fold",
            cross_fitted=self.cross_fitted,
        )
        as_found = getattr(self.classifier, "as_found", None)
        with held_out:
            return held_out.margins(as_found(fitted) if as_found else self.classifier)

    def _part(self, dataset: DataFrame, *parts: str) -> DataFrame:
        return dataset.where(F.col(self.sample).isin(*parts)).select(
            *self.features, *self._beside, F.col(self.label).cast("double").alias(self.label)
        )

    @property
    def _beside(self) -> tuple[str, ...]:
        return (*self._folds, *filter(None, (self.weight,)))

    @property
    def _folds(self) -> tuple[str, ...]:
        calibrating = self.calibration.fold if self.calibration.is_out_of_fold else None
        return tuple(dict.fromkeys(filter(None, (self.fold, calibrating))))

    @property
    def _texts(self) -> tuple[str, ...]:
        return self.cross_fitted.reads if self.cross_fitted else ()

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
            if name in self._texts and not isinstance(kind, StringType):
                raise DataError(
                    f"Column '{name}' is {kind.simpleString()}; a text must be a string."
                )


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, NumericType | BooleanType)


def settle(rows: DataFrame, columns: Sequence[str], partitions: int) -> DataFrame:
    """Return rows in so many parts and in an order that depend on nothing but their columns."""
    return (
        rows.withColumn(ORDER, F.xxhash64(*columns))
        .repartition(partitions, ORDER)
        .sortWithinPartitions(ORDER)
        .drop(ORDER)
    )
