"""Columns of ML stages by their schemas, against what fitting and scoring really gives."""

import pytest
from pyspark.ml import Pipeline
from pyspark.ml.classification import GBTClassifier, LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import (
    Bucketizer,
    Imputer,
    OneHotEncoder,
    SQLTransformer,
    StringIndexer,
    VectorAssembler,
)
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructType
from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor

from penstock.catalyst.internals import count_jobs
from penstock.catalyst.stage_schemas import check_fit, stage_columns, transformed_schema
from penstock.errors import DataError
from penstock.learn.logistic import logistic_pd

APPLICATIONS = StructType().add("amount", DoubleType()).add("grade", StringType())
LOANS = StructType([*APPLICATIONS]).add("is_bad", IntegerType()).add("sample", StringType())


def encoding():
    return [
        SQLTransformer(statement="SELECT *, `amount` / 12 AS monthly FROM __THIS__"),
        Imputer(inputCols=["monthly"], outputCols=["known"]),
        StringIndexer(inputCol="grade", outputCol="level", handleInvalid="keep"),
        OneHotEncoder(inputCols=["level"], outputCols=["dummies"]),
        VectorAssembler(inputCols=["known", "dummies"], outputCol="features"),
    ]


def boosted(**options):
    return SparkXGBClassifier(label_col="is_bad", num_workers=1, n_estimators=2, **options)


def own():
    return logistic_pd(
        numeric=["amount"], categorical=["grade"],
        regularisation=0.01, elastic_net=0.0, max_iterations=3,
        reject_inference="none", reject_bands=10, reject_risk=1.0,
    )  # fmt: skip


ESTIMATORS = {
    "logistic regression behind an encoding": lambda: Pipeline(
        stages=[*encoding(), LogisticRegression(labelCol="is_bad", maxIter=1)]
    ),
    "pipelines in a pipeline": lambda: Pipeline(
        stages=[
            Pipeline(stages=encoding()),
            StringIndexer(inputCol="is_bad", outputCol="label"),
            GBTClassifier(maxIter=1, maxDepth=1),
        ]
    ),
    "xgboost in a pipeline": lambda: Pipeline(
        stages=[*encoding(), boosted(features_col="features")]
    ),
    "xgboost on columns": lambda: boosted(features_col=["amount"]),
    "our own": own,
}


@pytest.fixture(scope="module")
def loans(spark):
    rows = spark.range(40).select(
        F.col("id").cast("double").alias("amount"),
        F.when(F.col("id") % 3 == 0, "A").otherwise("B").alias("grade"),
        F.when(F.col("id") % 4 == 0, 1).otherwise(0).alias("is_bad"),
        F.when(F.col("id") < 24, "development").otherwise("calibration").alias("sample"),
    )
    return spark.createDataFrame(rows.toPandas(), LOANS)


def types(schema):
    return [(field.name, field.dataType) for field in schema.fields]


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS.keys())
def test_types_are_those_that_fitting_and_scoring_really_give(spark, loans, make):
    estimator, before = make(), count_jobs(spark)
    typed = [check_fit(estimator, LOANS), transformed_schema(estimator, APPLICATIONS)]
    assert count_jobs(spark) == before
    model = estimator.fit(loans)
    applications = loans.select(*APPLICATIONS.names)
    assert types(typed[0]) == types(model.transform(loans).schema)
    assert types(typed[1]) == types(model.transform(applications).schema)
    assert types(transformed_schema(model, APPLICATIONS)) == types(typed[1])


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (
            lambda: SQLTransformer(statement="SELECT amoun FROM __THIS__"),
            "SQLTransformer: it needs column 'amoun', which the table lacks. Did you mean 'amount'",
        ),
        (
            lambda: SQLTransformer(statement="SELECT nosuch(amount) FROM __THIS__"),
            r"SQLTransformer: .*nosuch",
        ),
        (
            lambda: StringIndexer(inputCol="grad", outputCol="level"),
            r"StringIndexer \(makes level\): it needs column 'grad', .* Did you mean 'grade'",
        ),
        (
            lambda: VectorAssembler(inputCols=["Amount_"], outputCol="features"),
            r"VectorAssembler \(makes features\): it needs column 'Amount_'.* mean 'amount'",
        ),
        (
            lambda: VectorAssembler(inputCols=["grade"], outputCol="features"),
            "Data type string of column grade is not supported",
        ),
        (
            lambda: Bucketizer(inputCol="grade", outputCol="b", splits=[0, 1, 2]),
            "Column grade must be of type numeric but was actually of type string",
        ),
        (
            lambda: LogisticRegression(featuresCol="amount", labelCol="is_bad"),
            "Column amount must be of type vector but was actually double",
        ),
        (lambda: Imputer(inputCols=["amoun"], outputCols=["i"]), "mean 'amount'"),
        (lambda: boosted(features_col=["amoun"]), "needs column 'amoun', .* mean 'amount'"),
        (lambda: boosted(features_col=["grade"]), "column 'grade' is string; it must be a number"),
        (lambda: boosted(features_col="grade"), "column 'grade' is string; it must be a vector"),
        (
            lambda: SparkXGBRegressor(features_col=["amount"], label_col="is_badd", num_workers=1),
            "it needs column 'is_badd', which the table lacks. Did you mean 'is_bad'",
        ),
        (
            lambda: Pipeline(stages=[*encoding(), LogisticRegression(labelCol="isbad")]),
            r"LogisticRegression \(.*\): it needs column 'isbad', .* Did you mean 'is_bad'",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_stage_column_and_the_nearest(spark, stage, sentence):
    with pytest.raises(DataError, match=sentence):
        check_fit(stage(), LOANS)


def test_a_fit_needs_its_label_and_scoring_does_not(spark):
    estimator = own()
    assert transformed_schema(estimator, APPLICATIONS).names == ["amount", "grade", "pd"]
    with pytest.raises(DataError, match="is_bad"):
        check_fit(estimator, APPLICATIONS)
    with pytest.raises(DataError, match="is_bad"):
        check_fit(boosted(features_col=["amount"]), APPLICATIONS)


def test_a_search_is_typed_by_what_it_tries(spark):
    regression = LogisticRegression(labelCol="is_bad")
    search = CrossValidator(
        estimator=Pipeline(stages=[*encoding(), regression]),
        estimatorParamMaps=ParamGridBuilder().addGrid(regression.regParam, [0.1]).build(),
        evaluator=BinaryClassificationEvaluator(),
    )
    assert transformed_schema(search, APPLICATIONS).names[-3:] == [
        "rawPrediction",
        "probability",
        "prediction",
    ]
    assert stage_columns(search)[0] == ("amount", "grade")


def test_stages_tell_what_they_read_and_add(spark):
    regression = LogisticRegression(labelCol="is_bad")
    reads, writes = stage_columns(Pipeline(stages=[*encoding(), regression]))
    assert reads == ("amount", "grade")
    assert set(writes) == {
        "monthly", "known", "level", "dummies", "features",
        "rawPrediction", "probability", "prediction",
    }  # fmt: skip
    assert stage_columns(own()) == (("amount", "grade"), ("pd",))
    assert stage_columns(boosted(features_col=["amount"]))[0] == ("amount",)
    assert stage_columns(boosted(features_col="vector"))[0] == ("vector",)
