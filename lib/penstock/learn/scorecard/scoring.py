"""The stage that adds the points of a loan: the sum of the rounded points of its bins."""

import json
from dataclasses import asdict
from functools import reduce
from operator import add

from pyspark.ml import Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from penstock.errors import DataError
from penstock.learn.binning.woe import WOE
from penstock.learn.scorecard.points import PointRule
from penstock.learn.scorecard.rounding import RoundingLoss


class ScorecardPoints(
    HasInputCols,
    HasOutputCol,
    Model,
    DefaultParamsWritable,
    DefaultParamsReadable["ScorecardPoints"],
):
    """Adds the points of a loan (INT; higher = safer; null for a null WoE).

    Params: `inputCols` (WoE columns), `outputCol`, `rule` and `loss` (JSON).
    """

    rule: Param[str] = Param(
        Params._dummy(), "rule", "JSON of the points by column", TypeConverters.toString
    )
    loss: Param[str] = Param(
        Params._dummy(), "loss", "JSON of what rounding loses", TypeConverters.toString
    )

    @classmethod
    def of(cls, rule: PointRule, loss: RoundingLoss, *, points: str) -> "ScorecardPoints":
        """Return the stage that adds the column `points`."""
        return cls()._set(
            inputCols=[WOE + name for name in rule.columns],
            outputCol=points,
            rule=json.dumps(rule.to_json()),
            loss=json.dumps(asdict(loss)),
        )

    @property
    def point_rule(self) -> PointRule:
        """The points by column."""
        return PointRule.from_json(json.loads(self.getOrDefault(self.rule)))

    @property
    def rounding_loss(self) -> RoundingLoss:
        """What rounding lost on the loans that the PD was calibrated on."""
        return RoundingLoss(**json.loads(self.getOrDefault(self.loss)))

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job.

        Raises:
            DataError: A WoE column is missing, or the points are there already.
        """
        if missing := [name for name in self.getInputCols() if name not in schema.names]:
            raise DataError(f"Points need {', '.join(missing)}, which the table lacks.")
        if self.getOutputCol() in schema.names:
            raise DataError(f"Column '{self.getOutputCol()}' is there already: drop it first.")
        return StructType([*schema.fields, StructField(self.getOutputCol(), IntegerType())])

    def _transform(self, dataset: DataFrame) -> DataFrame:
        self.transformSchema(dataset.schema)
        return dataset.withColumn(self.getOutputCol(), rounded_points(self.point_rule))


def exact_points(rule: PointRule) -> Column:
    """Return the points of a loan before rounding, from its `woe_<column>`."""
    return reduce(add, _by_column(rule))


def rounded_points(rule: PointRule) -> Column:
    """Return the sum of the rounded points of a loan's bins (INT), from its `woe_<column>`."""
    return reduce(add, (F.floor(points + 0.5) for points in _by_column(rule))).cast("int")


def _by_column(rule: PointRule) -> list[Column]:
    slopes = zip(rule.columns, rule.slopes, strict=True)
    return [F.col(WOE + name) * slope + rule.share for name, slope in slopes]
