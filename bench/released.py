"""Tables that a run has released, read back."""

from pyspark.sql import DataFrame, SparkSession

from bench.command import Run


def table_of(spark: SparkSession, run: Run, name: str) -> DataFrame:
    """Return a dataset as the run released it."""
    dataset = run.dataset(name)
    reader = spark.read.format("delta").option("versionAsOf", dataset["version"])
    return reader.load(dataset["location"])
