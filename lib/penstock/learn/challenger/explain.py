"""What a fitted challenger has learnt, as evidence."""

from collections import defaultdict
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegressionModel

from penstock.evidence import Evidence, Table
from penstock.learn.encoding import vector_slots
from penstock.learn.logistic import coefficient_table
from penstock.learn.platt import PlattModel


def explain_challenger(model: PipelineModel) -> Evidence:
    """Return the evidence of a fitted `challenger_pd`; no Spark job.

    Of a logistic regression: table "coefficients", by its encoded numbers. Of trees: table
    "importance", one row per feature, greatest first: the share of what all splits gain that are
    made by it, its dummies and its indicator of missing values, 0-1. Metrics of trees:
    `features_used` and `greatest_importance`.
    """
    classifier = _classifier(model)
    if isinstance(classifier, LogisticRegressionModel):
        return Evidence({}, {"coefficients": coefficient_table(model)})
    gains = _gains(classifier)
    by_feature: dict[str, float] = defaultdict(float)
    for slot, (feature, _) in enumerate(vector_slots(model)):
        by_feature[feature] += gains.get(slot, 0.0)
    total = sum(by_feature.values()) or 1.0
    rows = sorted(
        ((name, gain / total) for name, gain in by_feature.items()),
        key=lambda row: (-row[1], row[0]),
    )
    title = "Share of what all splits gain, by feature"
    return Evidence(
        metrics={
            "features_used": float(sum(share > 0 for _, share in rows)),
            "greatest_importance": rows[0][1],
        },
        tables={"importance": Table(title, ("feature", "importance"), tuple(rows))},
    )


def _classifier(model: PipelineModel) -> Any:
    # The last stage but the calibration.
    *_, classifier, platt = model.stages
    assert isinstance(platt, PlattModel)
    return classifier


def _gains(classifier: Any) -> dict[int, float]:
    """Return the gain of each number of the vector that is split on."""
    if hasattr(classifier, "featureImportances"):
        importances = classifier.featureImportances
        return {int(i): float(importances[int(i)]) for i in range(importances.size)}
    # Features have no names in a vector; xgboost calls them f0, f1, ...
    scores = classifier.get_booster().get_score(importance_type="total_gain")
    return {int(name[1:]): float(gain) for name, gain in scores.items()}
