"""Logistic regression as a data flow: the rows in, one row of weights out.

A grouped pandas aggregate, because it is the one kind of Python function of a group that asks for
no analysis while the pipeline is defined: `applyInPandas` does.
"""

from collections.abc import Callable

import numpy as np
import pandas
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType
from stages import FEATURES

STEPS = 25


def fit_logistic(*, regularisation: float) -> Callable[..., Column]:
    """Return the aggregate that fits a ridge-penalised logistic regression by Newton's method."""

    def fit(label: pandas.Series, *features: pandas.Series) -> list[float]:
        inputs = np.column_stack(features)
        scale = inputs.std(axis=0)
        design = np.column_stack([np.ones(len(label)), inputs / scale])
        penalty = regularisation * len(label) * np.diag([0.0, *np.ones(len(features))])
        weights = np.zeros(design.shape[1])
        for _ in range(STEPS):
            probability = 1 / (1 + np.exp(-design @ weights))
            gradient = design.T @ (probability - label.to_numpy()) + penalty @ weights
            curvature = (design.T * (probability * (1 - probability))) @ design + penalty
            weights = weights - np.linalg.solve(curvature, gradient)
        return [float(weight) for weight in weights / [1.0, *scale]]

    return F.pandas_udf(fit, ArrayType(DoubleType()), F.PandasUDFType.GROUPED_AGG)


def pd_of(weights: Column) -> Column:
    """Return the probability of default of a row that holds the features and the weights."""
    logit = weights[0]
    for place, name in enumerate(FEATURES, start=1):
        logit = logit + weights[place] * F.col(name)
    return 1 / (1 + F.exp(-logit))
