"""The stage of a fitted model that says which settings it was chosen from."""

import json

from pyspark.ml import Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from penstock.evidence import Attempt
from penstock.learn.tuning.trials import Findings


class SearchRecord(Transformer, DefaultParamsWritable, DefaultParamsReadable["SearchRecord"]):
    """Keeps what a search has found, and leaves every table as it is.

    Params: `found` (JSON).
    """

    found: Param[str] = Param(
        Params._dummy(), "found", "JSON of the trials of a search", TypeConverters.toString
    )

    @classmethod
    def of(cls, found: Findings) -> "SearchRecord":
        """Return the stage that keeps these findings."""
        return cls()._set(found=json.dumps(found.to_json()))

    @property
    def findings(self) -> Findings:
        """What the search has found."""
        return Findings.from_json(json.loads(self.getOrDefault(self.found)))

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The trials as MLflow shall keep them."""
        return self.findings.attempts

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns as they are."""
        return schema

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return dataset
