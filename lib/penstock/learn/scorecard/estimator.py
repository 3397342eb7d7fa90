"""The scorecard as a stage: from WoE columns to the log-odds of bad."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pyspark.ml import Estimator, Model
from pyspark.ml.functions import array_to_vector
from pyspark.ml.linalg import VectorUDT
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import (
    HasInputCols,
    HasLabelCol,
    HasRawPredictionCol,
    HasWeightCol,
)
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.learn.binning.woe import WOE
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import design_rows
from penstock.learn.scorecard.selection import FittedScorecard, Selection, fit_scorecard
from penstock.learn.scorecard.unseen import FoldBins
from penstock.learn.scorecard.variables import from_text, to_text

HASHED_FOLDS = 5


class _ScorecardParams(HasInputCols, HasRawPredictionCol, Params):
    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job.

        Raises:
            DataError: A WoE column is missing, or the margin is there already.
        """
        for name in self.getInputCols():
            if name not in schema.names:
                near = did_you_mean(name, schema.names)
                raise DataError(
                    f"The scorecard needs column '{name}', which the table lacks.{near}"
                )
        margin = self.getRawPredictionCol()
        if margin in schema.names:
            raise DataError(f"Column '{margin}' is there already: drop it before scoring.")
        return StructType([*schema.fields, StructField(margin, VectorUDT())])

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(name.removeprefix(WOE) for name in self.getInputCols())


class ScorecardModel(
    _ScorecardParams, Model, DefaultParamsWritable, DefaultParamsReadable["ScorecardModel"]
):
    """Adds `rawPrediction`: a vector of -margin and margin, the log-odds of bad; null without WoE.

    Params: `inputCols` (the WoE columns used), `coefficients`, `intercept`, `variables` (JSON),
    `rawPredictionCol`.
    """

    coefficients: Param[Iterable[float]] = Param(
        Params._dummy(), "coefficients", "log-odds of bad by WoE", TypeConverters.toListFloat
    )
    intercept: Param[float] = Param(
        Params._dummy(), "intercept", "log-odds of bad at WoE 0", TypeConverters.toFloat
    )
    variables: Param[str] = Param(
        Params._dummy(), "variables", "what was learnt of each", TypeConverters.toString
    )

    @classmethod
    def of(cls, fitted: FittedScorecard, *, margin: str) -> "ScorecardModel":
        """Return the model of what was fitted; it adds the column `margin`."""
        return cls()._set(
            inputCols=[WOE + name for name in fitted.columns],
            coefficients=list(fitted.coefficients),
            intercept=fitted.intercept,
            variables=to_text(fitted.variables),
            rawPredictionCol=margin,
        )

    @property
    def fitted(self) -> FittedScorecard:
        """What was fitted."""
        return FittedScorecard(
            self._columns,
            tuple(self.getOrDefault(self.coefficients)),
            self.getOrDefault(self.intercept),
            from_text(self.getOrDefault(self.variables)),
        )

    def _transform(self, dataset: DataFrame) -> DataFrame:
        self.transformSchema(dataset.schema)
        fitted = self.fitted
        margin = F.lit(fitted.intercept)
        for name, coefficient in zip(fitted.columns, fitted.coefficients, strict=True):
            margin += F.col(WOE + name) * coefficient
        # A vector cannot hold a null.
        vector = F.when(margin.isNotNull(), array_to_vector(F.array(-margin, margin)))
        return dataset.withColumn(self.getRawPredictionCol(), vector)


class Scorecard(
    _ScorecardParams,
    HasLabelCol,
    HasWeightCol,
    Estimator[ScorecardModel],
    DefaultParamsWritable,
    DefaultParamsReadable["Scorecard"],
):
    """Chooses WoE columns and fits a logistic regression of bad on them, under constraints.

    The same rows give the same model, bit by bit, however many and however partitioned.

    Params: `inputCols` (WoE columns, `woe_<variable>`, that it may use), `selection`, `constraints`
    (by variable, as `Constraints.parse` reads them), `ridge`, `labelCol` (0 or 1), `weightCol`
    (optional), `foldCol` (optional; without it, or where the table lacks it, loans are spread over
    five by a hash of their WoE), `rawPredictionCol`.
    """

    selection: Param[dict[str, Any]] = Param(
        Params._dummy(), "selection", "how variables are chosen", TypeConverters.identity
    )
    constraints: Param[Mapping[str, str]] = Param(
        Params._dummy(), "constraints", "on coefficients, by variable", TypeConverters.identity
    )
    ridge: Param[float] = Param(
        Params._dummy(), "ridge", "strength of the penalty", TypeConverters.toFloat
    )
    foldCol: Param[str] = Param(
        Params._dummy(), "foldCol", "fold, from 0 on", TypeConverters.toString
    )

    @classmethod
    def of(
        cls,
        columns: Sequence[str],
        *,
        label: str,
        selection: Selection,
        constraints: Mapping[str, str],
        ridge: float,
        weight: str | None = None,
        fold: str | None = None,
    ) -> "Scorecard":
        """Return the estimator that reads `woe_<column>` for each of these columns.

        Raises:
            ConfigError: A ridge below 0, or a selection or constraints that cannot be meant, or
                that name a variable which is not among the columns.
        """
        if ridge < 0:
            raise ConfigError(f"The ridge of the scorecard is {ridge:g}; it must be at least 0.")
        selection.check(columns)
        Constraints.parse(constraints, columns).check(columns)
        stage = cls()._set(
            inputCols=[WOE + name for name in columns],
            labelCol=label,
            selection=asdict(selection),
            constraints=dict(constraints),
            ridge=ridge,
        )
        optional = {"weightCol": weight, "foldCol": fold}
        return stage._set(**{name: value for name, value in optional.items() if value is not None})

    @property
    def fold(self) -> str | None:
        """The column of folds, if one is named."""
        return self._optional("foldCol")

    def _fit(self, dataset: DataFrame) -> ScorecardModel:
        return self.fit_judged(dataset, None)

    def fit_judged(self, dataset: DataFrame, fold_bins: FoldBins | None) -> ScorecardModel:
        """Fit, where steps are judged by WoE that has not seen the fold that judges.

        Args:
            dataset: The WoE columns, label, weight and fold; what they were binned of, too, if
                there are `fold_bins`.
            fold_bins: How the WoE was made; None: it is given, and is the same without a fold.
        """
        self.transformSchema(dataset.schema)
        columns, selection = self._columns, Selection.from_params(self.getOrDefault(self.selection))
        told: dict[str, Any] = {
            "label": self.getLabelCol(),
            "weight": self._optional("weightCol"),
            "fold": self._fold(dataset.columns),
        }
        woe = {name: F.col(WOE + name).cast("double") for name in columns}
        rows = design_rows(dataset, woe, **told)
        rows.persist()
        try:
            fitted = fit_scorecard(
                rows,
                selection=selection,
                constraints=Constraints.parse(self.getOrDefault(self.constraints), columns),
                ridge=self.getOrDefault(self.ridge),
                judged=partial(fold_bins.design, dataset, **told) if fold_bins else None,
            )
        finally:
            rows.unpersist()
        return ScorecardModel.of(fitted, margin=self.getRawPredictionCol())

    def _optional(self, name: str) -> str | None:
        return str(self.getOrDefault(name)) if self.isDefined(name) else None

    def _fold(self, there: Sequence[str]) -> Column:
        if self.fold is not None and self.fold in there:
            return F.col(self.fold)
        # By what the model sees of a loan: equal loans are not on both sides of a fold's edge.
        return F.pmod(F.xxhash64(*self.getInputCols()), F.lit(HASHED_FOLDS))
