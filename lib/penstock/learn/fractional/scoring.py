"""The stage that adds the share: one expression, a fractional logit or two in a row."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add, mul

from pyspark.ml import Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from penstock.errors import DataError, did_you_mean
from penstock.learn.fractional.design import FractionalDesign


@dataclass(frozen=True)
class FractionalPart:
    """One logit of the model.

    Attributes:
        name: That of the share, or of a two-stage model "any_loss" and "severity".
        intercept: Log-odds where all terms are 0.
        coefficients: Change of the log-odds by each term, in the order of the design's slots.
    """

    name: str
    intercept: float
    coefficients: tuple[float, ...]

    def share(self, terms: Sequence[Column]) -> Column:
        """Return what it predicts, inside 0-1, from the terms of a row."""
        products = (term * b for term, b in zip(terms, self.coefficients, strict=True) if b)
        return 1 / (1 + F.exp(-reduce(add, products, F.lit(self.intercept))))


class FractionalModel(
    HasInputCols,
    HasOutputCol,
    Model,
    DefaultParamsWritable,
    DefaultParamsReadable["FractionalModel"],
):
    """Adds a share of a row (DOUBLE, 0-1; never null), the product of its parts.

    Params: `inputCols` (features), `outputCol`, `design` and `parts` (JSON).
    """

    design: Param[str] = Param(
        Params._dummy(), "design", "JSON of the terms of each feature", TypeConverters.toString
    )
    parts: Param[str] = Param(
        Params._dummy(), "parts", "JSON of the coefficients", TypeConverters.toString
    )

    @classmethod
    def of(
        cls, design: FractionalDesign, parts: Sequence[FractionalPart], *, ratio: str
    ) -> "FractionalModel":
        """Return the stage that adds the column `ratio`."""
        return cls()._set(
            inputCols=list(design.features),
            outputCol=ratio,
            design=json.dumps(design.to_json()),
            parts=json.dumps([asdict(part) for part in parts]),
        )

    @property
    def fitted_design(self) -> FractionalDesign:
        """The terms of each feature."""
        return FractionalDesign.from_json(json.loads(self.getOrDefault(self.design)))

    @property
    def fitted_parts(self) -> tuple[FractionalPart, ...]:
        """The coefficients, part by part."""
        return tuple(
            FractionalPart(part["name"], part["intercept"], tuple(part["coefficients"]))
            for part in json.loads(self.getOrDefault(self.parts))
        )

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job.

        Raises:
            DataError: A feature is missing, or the added one is there already.
        """
        return scored_schema(schema, self.getInputCols(), ratio=self.getOutputCol())

    def _transform(self, dataset: DataFrame) -> DataFrame:
        self.transformSchema(dataset.schema)
        terms = self.fitted_design.columns()
        share = reduce(mul, (part.share(terms) for part in self.fitted_parts))
        return dataset.withColumn(self.getOutputCol(), share)


def scored_schema(schema: StructType, features: Sequence[str], *, ratio: str) -> StructType:
    """Return the columns after the model of a share has scored a table with these columns.

    Raises:
        DataError: A feature is missing, or the added one is there already.
    """
    for name in features:
        if name not in schema.names:
            near = did_you_mean(name, schema.names)
            raise DataError(
                f"The {ratio.upper()} model needs column '{name}', which the table lacks.{near}"
            )
    if ratio in schema.names:
        raise DataError(f"Column '{ratio}' is there already: drop it before scoring.")
    return StructType([*schema.fields, StructField(ratio, DoubleType())])
