"""Loans to search on, and classifiers of a few lines that tell what they were fitted on."""

import numpy as np
from pyspark.ml import Estimator, Pipeline, Transformer
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler

from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.tuning.search import TunedClassifier
from penstock.learn.tuning.space import read_space
from penstock.learn.tuning.study import SearchRules

LOANS, FOLDS = 480, 3
REGULARISATION = {"regularisation": {"low": 1e-4, "high": 10.0, "log": True}}


def loans(spark):
    """Return loans whose risk falls with x, three quarters of them to develop, in three folds."""
    random = np.random.default_rng(4)
    x, z = random.normal(size=(2, LOANS))
    is_bad = random.random(LOANS) < 1 / (1 + np.exp(1.0 + 1.5 * x))
    rows = [
        (
            n,
            float(x[n]),
            float(z[n]),
            int(is_bad[n]),
            "calibration" if n % 4 == 3 else "development",
            None if n % 4 == 3 else n // 4 % FOLDS,
        )
        for n in range(LOANS)
    ]
    return spark.createDataFrame(
        rows, "id INT, x DOUBLE, z DOUBLE, is_bad INT, sample STRING, fold INT"
    ).coalesce(1)


class Spy(Estimator):
    """Fits a pipeline, and notes the ids and columns of the rows that it is given."""

    def __init__(self, inner, seen):
        super().__init__()
        self.inner, self.seen = inner, seen

    def _fit(self, dataset):
        ids = frozenset(row.id for row in dataset.select("id").collect())
        self.seen.append((ids, tuple(dataset.columns)))
        return self.inner.fit(dataset)


class MeanOfLevel(Estimator):
    """Target encoding: adds the share of bads of a row's level, and of all rows for a new one."""

    def __init__(self, level, encoded):
        super().__init__()
        self.level, self.encoded = level, encoded

    def _fit(self, dataset):
        rows = dataset.groupBy(self.level).agg({"is_bad": "avg"}).collect()
        overall = dataset.agg({"is_bad": "avg"}).first()[0]
        return MeansOfLevels(self.level, self.encoded, dict(map(tuple, rows)), overall)


class MeansOfLevels(Transformer):
    """What `MeanOfLevel` has learnt."""

    def __init__(self, level, encoded, means, overall):
        super().__init__()
        self.level, self.encoded, self.means, self.overall = level, encoded, means, overall

    def _transform(self, dataset):
        means = dataset.sparkSession.createDataFrame(
            list(self.means.items()), f"{self.level} STRING, {self.encoded} DOUBLE"
        )
        joined = dataset.join(means, self.level, how="left")
        return joined.fillna({self.encoded: self.overall})


def regression(features, regularisation):
    """Return an unfitted logistic regression on columns of numbers."""
    vector = VectorAssembler(inputCols=features, outputCol="_features")
    fit = LogisticRegression(
        featuresCol="_features", labelCol="is_bad", regParam=regularisation, maxIter=4
    )
    return Pipeline(stages=[vector, fit])


def tuned(build, *, search=None, by_time=False, **changed):
    """Return a search over a build of one's own, in two slots."""
    rules = {"trials": 4, "slots": 2, "seed": 3, "objective": "log_loss"} | changed
    return TunedClassifier(
        build,
        space=read_space(REGULARISATION if search is None else search),
        rules=SearchRules(**rules),
        label="is_bad",
        fold="fold",
        by_time=by_time,
    )


def calibrated(classifier, fold="fold"):
    """Return a search, or any other classifier, with its calibration."""
    return CalibratedClassifier(
        classifier,
        numeric=["x", "z"],
        categorical=[],
        label="is_bad",
        sample="sample",
        pd="pd",
        fold=fold,
    )
