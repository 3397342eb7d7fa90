"""The stage that adds the reasons of a row, from what each feature weighs against it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

from pyspark.ml import Model
from pyspark.ml.functions import vector_to_array
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from penstock.columns import column_of
from penstock.learn.reasons.ranking import REASONS_TYPE, ranked

_OWN = "reasons: "  # begins the names of columns that are left out again
_WORSE = f"{_OWN}worse"


@dataclass(frozen=True)
class Weight:
    """What a feature weighs against a row: the sum of factor x number over its numbers.

    Attributes:
        feature: The feature.
        column: What another stage adds: a number, a vector, or an array of one array of numbers.
        kind: Which of them: "number", "vector" or "array".
        slots: Places of its numbers in the vector or inner array; none in a number.
        factors: Of each of its numbers; what comes out above 0 is worse.
        average: Mean weight of the rows fitted on.
        least: Least weight that a row can have, or had.
    """

    feature: str
    column: str
    kind: str
    slots: tuple[int, ...]
    factors: tuple[float, ...]
    average: float = 0.0
    least: float = 0.0

    @property
    def numbers(self) -> Column:
        """Its number, or the array that its numbers are in."""
        column = F.col(self.column)
        if self.kind == "number":
            return column
        return vector_to_array(column) if self.kind == "vector" else column[0]

    def of_numbers(self, numbers: Column) -> Column:
        """Return the weight of each row by what `numbers` returns, a DOUBLE."""
        if self.kind == "number":
            return numbers * self.factors[0]
        places = zip(self.slots, self.factors, strict=True)
        return reduce(add, (numbers[slot] * factor for slot, factor in places))

    def of_row(self) -> Column:
        """Return the weight of each row, a DOUBLE."""
        return self.of_numbers(self.numbers)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Weight":
        """Rebuild a weight from `asdict`'s document."""
        tuples = {name: tuple(document[name]) for name in ("slots", "factors")}
        return cls(**document | tuples)


class ReasonCodes(HasOutputCol, Model, DefaultParamsWritable, DefaultParamsReadable["ReasonCodes"]):
    """Adds the families of features that weigh most against a row, as `REASONS_TYPE`; never null.

    A family weighs by how much its features are worse than the average of the rows fitted on. A row
    that is worse in nothing is told what keeps it from the best.

    Params: `rule` (JSON), `dropCols`, `outputCol`.
    """

    rule: Param[str] = Param(
        Params._dummy(), "rule", "JSON of weights, families and texts", TypeConverters.toString
    )
    dropCols: Param[Iterable[str]] = Param(
        Params._dummy(), "dropCols", "columns to leave out", TypeConverters.toListString
    )

    @classmethod
    def of(
        cls,
        weights: Sequence[Weight],
        *,
        families: dict[str, str],
        texts: dict[str, str],
        most: int,
        reasons: str,
        drop: Sequence[str],
    ) -> "ReasonCodes":
        """Return the stage that adds the column `reasons`.

        Args:
            weights: Of each feature.
            families: Feature to its family.
            texts: Family to what an applicant is told.
            most: Greatest number of reasons.
            reasons: Column to add.
            drop: Columns to leave out.
        """
        rule = {
            "weights": [asdict(weight) for weight in weights],
            "families": families,
            "texts": texts,
            "most": most,
        }
        return cls()._set(rule=json.dumps(rule), dropCols=list(drop), outputCol=reasons)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """What each feature weighs."""
        return tuple(map(Weight.from_json, self._document["weights"]))

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns with the reasons, without a Spark job."""
        dropped = set(self.getOrDefault(self.dropCols))
        kept = [field for field in schema.fields if field.name not in dropped]
        return StructType([*kept, StructField(self.getOutputCol(), REASONS_TYPE)])

    def _transform(self, dataset: DataFrame) -> DataFrame:
        weights = self.weights
        # Columns of their own: each stands in many places of a ranking; vectors open slowly.
        opened = {each.column: (f"{_OWN}numbers {each.column}", each) for each in weights}
        of_row = {each.feature: f"{_OWN}weight {place}" for place, each in enumerate(weights)}
        weighed = dataset.withColumns(
            {name: each.numbers for name, each in opened.values()}
        ).withColumns(
            {
                of_row[each.feature]: each.of_numbers(column_of(opened[each.column][0]))
                for each in weights
            }
        )
        worse = self._ranked(
            {each.feature: column_of(of_row[each.feature]) - each.average for each in weights}
        )
        not_best = self._ranked(
            {each.feature: column_of(of_row[each.feature]) - each.least for each in weights}
        )
        ranked_once = weighed.withColumn(_WORSE, worse)
        reasons = F.when(F.size(column_of(_WORSE)) > 0, column_of(_WORSE)).otherwise(not_best)
        added = ranked_once.withColumn(self.getOutputCol(), reasons)
        dropped = set(self.getOrDefault(self.dropCols))
        kept = [*dataset.columns, self.getOutputCol()]
        return added.select(*(column_of(name) for name in kept if name not in dropped))

    def _ranked(self, shortfalls: Mapping[str, Column]) -> Column:
        rule = self._document
        return ranked(shortfalls, rule["families"], rule["texts"], rule["most"])

    @property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.getOrDefault(self.rule))
        return document
