"""Platt scaling: the stage that turns a classifier's margin into a calibrated PD.

Goods and bads counted by margin fit it; transforming is plain Column arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.learn.margin import MOST_LOG_ODDS, MarginParams
from penstock.measure.logistic_line import likeliest_line
from penstock.measure.prior import prior_log_odds

STAGE = "Platt scaling"


@dataclass(frozen=True)
class Sigmoid:
    """PD = 1 / (1 + exp(-(slope * margin + intercept)))."""

    slope: float
    intercept: float

    def shifted(self, *, from_rate: float, to_rate: float) -> "Sigmoid":
        """Return the sigmoid whose PDs are these after `shift_prior`."""
        shift = prior_log_odds(from_rate=from_rate, to_rate=to_rate)
        return Sigmoid(self.slope, self.intercept + shift)


def fit_sigmoid(
    margin: NDArray[np.float64], n_good: NDArray[np.int64], n_bad: NDArray[np.int64]
) -> Sigmoid:
    """Fit the sigmoid to goods and bads counted by margin, all of shape (n_margins,).

    Its slope is never below 0, where a higher margin would stand for less risk: of loans whose
    margins rank them the wrong way round it is 0, and every PD their bad rate.

    Source:
        Platt, Probabilistic outputs for support vector machines (1999), whose targets
        (bads + 1) / (bads + 2) and 1 / (goods + 2) keep the fit finite; fitted as
        `likeliest_line`.
    """
    goods, bads = int(n_good.sum()), int(n_bad.sum())
    loans = n_good + n_bad
    of_good, of_bad = platts_targets(goods, bads)
    target = (n_bad * of_bad + n_good * of_good) / loans
    # Centred and scaled, so that one tolerance serves margins of any size.
    centre = np.average(margin, weights=loans)
    scale = np.sqrt(np.average((margin - centre) ** 2, weights=loans)) or 1.0
    design = np.column_stack(((margin - centre) / scale, np.ones_like(margin)))
    start = np.array([0.0, np.log((bads + 1) / (goods + 1))])
    beta = likeliest_line(design, start, loans=loans, bad_share=target)
    slope = float(beta[0] / scale)
    if slope < 0:
        # The loss is convex: of all slopes that do not fall, it is least at the bound.
        mean = float(np.average(target, weights=loans))
        return Sigmoid(0.0, float(np.log(mean / (1 - mean))))
    return Sigmoid(slope, float(beta[1] - slope * centre))


def platts_targets(goods: int, bads: int) -> tuple[float, float]:
    """Return the targets that stand for a good and a bad, a little inside 0-1."""
    return 1 / (goods + 2), (bads + 1) / (bads + 2)


class PlattModel(MarginParams, Model, DefaultParamsWritable, DefaultParamsReadable["PlattModel"]):
    """Adds the calibrated PD (DOUBLE, inside 0-1; null for a null margin) and drops columns.

    Params: `slope`, `intercept`, `rawPredictionCol`, `pdCol`, `dropCols`.
    """

    slope: Param[float] = Param(
        Params._dummy(), "slope", "change of log-odds by margin", TypeConverters.toFloat
    )
    intercept: Param[float] = Param(
        Params._dummy(), "intercept", "log-odds at margin 0", TypeConverters.toFloat
    )

    @classmethod
    def of(cls, sigmoid: Sigmoid, *, pd: str, drop: Sequence[str]) -> "PlattModel":
        """Return the stage that adds the column `pd` by a sigmoid and drops others."""
        return cls()._set(
            slope=sigmoid.slope, intercept=sigmoid.intercept, pdCol=pd, dropCols=list(drop)
        )

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job."""
        return self.output_schema(schema, stage=STAGE)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        kept = self.output_schema(dataset.schema, stage=STAGE).names[:-1]
        log_odds = self.margin() * self.getOrDefault(self.slope) + self.getOrDefault(self.intercept)
        pd = 1 / (1 + F.exp(-_bounded(log_odds)))
        return dataset.select(*kept, pd.alias(self.getOrDefault(self.pdCol)))


def _bounded(log_odds: Column) -> Column:
    # Not least() and greatest(): these skip nulls, and NaN is Spark's greatest number.
    return (
        F.when(log_odds < -MOST_LOG_ODDS, -MOST_LOG_ODDS)
        .when((log_odds > MOST_LOG_ODDS) & ~F.isnan(log_odds), MOST_LOG_ODDS)
        .otherwise(log_odds)
    )
