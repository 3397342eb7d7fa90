"""What a fitted challenger has learnt, as evidence."""

from collections import defaultdict
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegressionModel

from penstock.evidence import Evidence, Table
from penstock.learn.challenger.record import classifier_of, records_of
from penstock.learn.encoding import vector_slots
from penstock.learn.logistic import coefficient_table


def explain_challenger(model: PipelineModel) -> Evidence:
    """Return the evidence of a fitted `challenger_pd`; no Spark job.

    Of a logistic regression: table "coefficients", by its encoded numbers. Of trees: table
    "importance", one row per feature, greatest first: the share of what all splits gain that are
    made by it, its dummies and its indicator of missing values, 0-1. Metrics of trees:
    `features_used` and `greatest_importance`; of xgboost `rounds`, and `rounds_before` if it went
    on with a model. Table "left_out": features that look like leaks or tell nothing, with the
    reason. Table "trainers", if one was chosen: how each did on folds held out, what it took, and
    why it was taken or not.
    """
    records, learnt = records_of(model), _learnt(model)
    metrics, tables = dict(learnt.metrics), dict(learnt.tables)
    for record in records:
        if record.left_out:
            title, columns = "Features left out", ("feature", "reason")
            tables["left_out"] = Table(title, columns, tuple(record.left_out.items()))
        if record.rounds_before:
            metrics["rounds_before"] = float(record.rounds_before)
        if record.contest:
            tables["trainers"] = record.contest.table()
    return Evidence(metrics, tables)


def _learnt(model: PipelineModel) -> Evidence:
    classifier = classifier_of(model)
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
    metrics: dict[str, float | None] = {
        "features_used": float(sum(share > 0 for _, share in rows)),
        "greatest_importance": rows[0][1],
    }
    if hasattr(classifier, "get_booster"):
        metrics["rounds"] = float(classifier.get_booster().num_boosted_rounds())
    title = "Share of what all splits gain, by feature"
    return Evidence(metrics, {"importance": Table(title, ("feature", "importance"), tuple(rows))})


def _gains(classifier: Any) -> dict[int, float]:
    """Return the gain of each number of the vector that is split on."""
    if hasattr(classifier, "featureImportances"):
        importances = classifier.featureImportances
        return {int(i): float(importances[int(i)]) for i in range(importances.size)}
    # Features have no names in a vector; xgboost calls them f0, f1, ...
    scores = classifier.get_booster().get_score(importance_type="total_gain")
    return {int(name[1:]): float(gain) for name, gain in scores.items()}
