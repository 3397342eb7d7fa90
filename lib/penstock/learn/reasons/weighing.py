"""What each feature of a fitted PD model weighs: points of a scorecard, contributions of trees."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.learn.binning.woe import WOE, WoeBinningModel
from penstock.learn.challenger.record import classifier_of
from penstock.learn.encoding import FEATURES, vector_slots
from penstock.learn.reasons.stage import Weight
from penstock.learn.scorecard.estimator import ScorecardModel
from penstock.learn.scorecard.scoring import ScorecardPoints
from penstock.learn.stages import stage_of

CONTRIBUTIONS = "_contributions"
MOST_ROWS = 20_000  # exact contributions cost hundreds of times what a score does


def weigh(model: PipelineModel, rows: DataFrame) -> tuple[list[Transformer], list[Weight]]:
    """Return the stages that a row needs, and what each feature weighs by the columns they add.

    - Scorecard: points lost; the least is that of the best bin.
    - Logistic regression: coefficient x number, summed over the numbers of the feature.
    - xgboost: exact contributions to the log-odds of bad before calibration.

    Averages are those of all rows; with xgboost, of some 20,000, drawn by a hash of the features.
    The least, where it is not that of a bin, is that of the same rows. One Spark query, with
    xgboost two.

    Source:
        Lundberg et al., Nature Machine Intelligence 2 (2020): a row's contributions and the bias
        add up to its margin.

    Raises:
        ConfigError: The model is none of these.
    """
    if any(isinstance(stage, ScorecardPoints) for stage in model.stages):
        return _of_scorecard(model, rows)
    classifier = classifier_of(model)
    before = model.stages[: model.stages.index(classifier)]
    slots: dict[str, list[int]] = {}
    for slot, (feature, _) in enumerate(vector_slots(model)):
        slots.setdefault(feature, []).append(slot)
    if isinstance(classifier, LogisticRegressionModel):
        by_slot = classifier.coefficients.toArray().tolist()
        weights = [
            Weight(name, FEATURES, "vector", tuple(its), tuple(by_slot[slot] for slot in its))
            for name, its in slots.items()
        ]
        return before, _with_references(weights, PipelineModel(before).transform(rows))
    if not hasattr(classifier, "get_booster"):
        raise ConfigError(
            f"The model that decides is a {type(classifier).__name__}, which has no exact "
            "contributions of features to a row's score, so that a decline could not be "
            "explained: let a scorecard, xgboost or a logistic regression decide."
        )
    weights = [
        Weight(name, CONTRIBUTIONS, "array", tuple(its), (1.0,) * len(its))
        for name, its in slots.items()
    ]
    stages = [*before, classifier.copy({classifier.pred_contrib_col: CONTRIBUTIONS})]
    return stages, _with_references(weights, PipelineModel(stages).transform(_drawn(rows)))


def _of_scorecard(model: PipelineModel, rows: DataFrame) -> tuple[list[Transformer], list[Weight]]:
    binning = stage_of(model, WoeBinningModel)
    rule = stage_of(model, ScorecardPoints).point_rule
    before = model.stages[: model.stages.index(stage_of(model, ScorecardModel))]
    weights = [
        Weight(name, WOE + name, "number", (), (-slope,))
        for name, slope in zip(rule.columns, rule.slopes, strict=True)
    ]
    measured = _with_references(weights, PipelineModel(before).transform(rows))
    worth = {bins.column: bins.woe for bins in binning.column_bins}
    return before, [
        replace(weight, least=min(weight.factors[0] * woe for woe in worth[weight.feature]))
        for weight in measured
    ]


def _with_references(weights: Sequence[Weight], weighed: DataFrame) -> list[Weight]:
    of_rows = [weight.of_row() for weight in weights]
    # Exact sums: doubles add up to other bits in another order of rows.
    means = (F.avg(weight.cast("decimal(24,12)")).cast("double") for weight in of_rows)
    [found] = weighed.agg(*means, *map(F.min, of_rows)).collect()
    averages, least = found[: len(weights)], found[len(weights) :]
    return [
        replace(weight, average=average, least=lowest)
        for weight, average, lowest in zip(weights, averages, least, strict=True)
    ]


def _drawn(rows: DataFrame) -> DataFrame:
    one_of = ceil(rows.count() / MOST_ROWS)
    return rows.where(F.pmod(F.xxhash64(*rows.columns), F.lit(one_of)) == 0)
