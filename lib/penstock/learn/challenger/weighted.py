"""A classifier that is told how many rows of each class there are."""

from typing import Any, Literal

from pyspark.ml import Estimator, Pipeline, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

CLASS_WEIGHT = "_class_weight"

ClassWeights = Literal["none", "balanced"]
CLASS_WEIGHTS: tuple[ClassWeights, ...] = ("none", "balanced")


class WeightedClassifier(Estimator[PipelineModel]):
    """Fits a pipeline with the column `_class_weight` beside the features and the label.

    "none" gives each row the weight 1; "balanced" lets goods and bads weigh the same in sum, and
    all rows together as many as there are; either times the row's own weight. What has a
    `base_score` (xgboost) that nobody has set starts from the share of bads by weight of class: its
    own estimate is not given back exactly by a saved model.

    Args:
        classifier: Unfitted pipeline.
        label: Column of the label: 0 = good, 1 = bad; both must occur.
        class_weights: As above.
        weight: Column of the row's own weight, by which goods and bads are as many as without (as
            `reweigh` makes it); None: 1.
    """

    def __init__(
        self,
        classifier: Pipeline,
        *,
        label: str,
        class_weights: ClassWeights,
        weight: str | None = None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.label = label
        self.class_weights = class_weights
        self.weight = weight

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        is_bad = F.col(self.label) == 1
        [counted] = dataset.agg(
            F.count_if(is_bad).alias("bads"), F.count(F.lit(1)).alias("rows")
        ).collect()
        rows, bads, share = counted["rows"], counted["bads"], counted["bads"] / counted["rows"]
        weight = F.lit(1.0)
        if self.class_weights == "balanced":
            share = 0.5
            weight = F.when(is_bad, rows / (2 * bads)).otherwise(rows / (2 * (rows - bads)))
        if self.weight is not None:
            weight *= F.col(self.weight).cast("double")
        stages = [_started(stage, share) for stage in self.classifier.getStages()]
        return Pipeline(stages=stages).fit(dataset.withColumn(CLASS_WEIGHT, weight))


def _started(stage: Any, share: float) -> Any:
    if not stage.hasParam("base_score") or stage.isSet("base_score"):
        return stage
    return stage.copy({stage.getParam("base_score"): share})
