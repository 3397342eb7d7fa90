"""The five-node graph as a declarative pipeline.

A pipeline has no estimators: a function that defines a table must not run anything, and `fit` does.
So the model is a table of one row of weights, made by a pandas aggregate as part of the data flow,
and `score` is arithmetic on it.
"""

from pyspark import pipelines as dp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from regression import fit_logistic, pd_of
from stages import FEATURES, RAW_COLUMNS, add_features, clean_loans, decide_by_pd

spark = SparkSession.active()


def parameter(name: str) -> str:
    """Return a setting of the pipeline's specification."""
    return spark.conf.get(f"lending.{name}")


def featured() -> tuple[DataFrame, DataFrame]:
    """Return training and held-out loans; two tables are two functions here."""
    return add_features(spark.table("loans"), train_until=parameter("train_until"))


@dp.materialized_view
def loans() -> DataFrame:
    """Clean."""
    raw = spark.read.schema(RAW_COLUMNS).option("header", True).csv(parameter("raw_loans"))
    return clean_loans(raw)


@dp.materialized_view
def train() -> DataFrame:
    """Make the features of the loans to learn from."""
    return featured()[0]


@dp.materialized_view
def heldout() -> DataFrame:
    """Make the features of the loans to score."""
    return featured()[1]


@dp.materialized_view
def model() -> DataFrame:
    """Fit."""
    fit = fit_logistic(regularisation=float(parameter("regularisation")))
    return spark.table("train").agg(fit("is_bad", *FEATURES).alias("weights"))


@dp.materialized_view
def scores() -> DataFrame:
    """Score."""
    both = spark.table("heldout").crossJoin(spark.table("model"))
    return both.select("loan_id", pd_of(F.col("weights")).alias("pd"))


@dp.materialized_view
def decisions() -> DataFrame:
    """Decide."""
    return decide_by_pd(spark.table("scores"), cut_off=float(parameter("cut_off")))
