"""Logistic regression as a PD model, from typed columns to a calibrated PD."""

from dataclasses import replace
from typing import Any

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression, LogisticRegressionModel

from penstock.annotations import Positive
from penstock.evidence import Evidence, Table
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.encoding import FEATURES, encoding, vector_slots
from penstock.learn.feature_names import check_feature_names
from penstock.learn.pd_columns import LABEL, PD, SAMPLE, WEIGHT
from penstock.learn.reject_inference import (
    Bands,
    InferringClassifier,
    Method,
    RejectInference,
)
from penstock.learn.stages import stage_of


def logistic_pd(
    *,
    numeric: list[str],
    categorical: list[str],
    regularisation: float,
    elastic_net: float,
    max_iterations: int,
    reject_inference: Method,
    reject_bands: Bands,
    reject_risk: Positive,
) -> CalibratedClassifier | InferringClassifier:
    """Return the unfitted PD model: logistic regression with Platt scaling.

    It is fitted on rows with `sample` = "development" and calibrated on "calibration" rows, by the
    label `is_bad`, and adds `pd` (DOUBLE, 0-1). Numbers: null and NaN become the median, told apart
    by an indicator. Categories: null and blank are a level of their own; a level unseen in
    development has no coefficient, so the other features decide.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        regularisation: Strength of the penalty on standardised coefficients, >= 0.
        elastic_net: Share of the penalty that is L1, 0-1 (0 = ridge).
        max_iterations: Most steps of the optimiser (L-BFGS or OWL-QN).
        reject_inference: What rejected applications add; "none": nothing. See `RejectInference`.
        reject_bands: Bands of PD for "parcelling" and "reweighting".
        reject_risk: Odds of a rejected application to be bad, over those of an accepted one of the
            same PD.

    Raises:
        ConfigError: No features, a feature named twice, or label, sample or PD among them.
    """
    check_feature_names(
        [*numeric, *categorical], reserved={LABEL, SAMPLE, PD}, model="the PD model"
    )

    def fitted_by(weight: str | None) -> CalibratedClassifier:
        regression = LogisticRegression(
            featuresCol=FEATURES,
            labelCol=LABEL,
            regParam=regularisation,
            elasticNetParam=elastic_net,
            maxIter=max_iterations,
        )
        if weight is not None:
            regression.setWeightCol(weight)
        return CalibratedClassifier(
            Pipeline(stages=[*encoding(numeric, categorical), regression]),
            numeric=numeric,
            categorical=categorical,
            label=LABEL,
            sample=SAMPLE,
            pd=PD,
            weight=weight,
        )

    if reject_inference == "none":
        return fitted_by(None)
    inference = RejectInference(reject_inference, reject_bands, reject_risk)
    return InferringClassifier(fitted_by(None), fitted_by(WEIGHT), inference)


def explain_pd(model: PipelineModel) -> Evidence:
    """Return what a fitted `logistic_pd` has learnt, as evidence: the table of its coefficients.

    A coefficient of exactly zero, as of the indicator of a feature that is never missing, is left
    out.
    """
    learnt = coefficient_table(model)
    rows = tuple(row for row in learnt.rows if row[2] != 0)
    return Evidence(metrics={}, tables={"coefficients": replace(learnt, rows=rows)})


def coefficient_table(model: PipelineModel) -> Table:
    """Return the coefficients of a fitted `logistic_pd`, largest first; no Spark job.

    One row per feature and level: level is "value" or "missing" for a number, else the category.
    The coefficient is the change of the log-odds of default before Platt scaling, by one unit of
    the feature.
    """
    regression: Any = stage_of(model, LogisticRegressionModel)
    coefficients = [float(c) for c in regression.coefficients]
    rows = [(*name, c) for name, c in zip(vector_slots(model), coefficients, strict=True)]
    rows.sort(key=lambda row: (-abs(row[2]), row[0], row[1]))
    intercept = ("(intercept)", "", float(regression.intercept))
    return Table("Coefficients", ("feature", "level", "coefficient"), (intercept, *rows))
