"""Rows as a classifier hands them to a scaling."""

from pyspark.ml.functions import array_to_vector
from pyspark.sql import functions as F


def with_margins(spark, margins):
    """Return rows with `id` and `rawPrediction`, a vector of -margin and margin; null for None."""
    rows = [(n, None if m is None else float(m)) for n, m in enumerate(margins)]
    margin = F.col("margin")
    vector = F.when(margin.isNotNull(), array_to_vector(F.array(-margin, margin)))
    table = spark.createDataFrame(rows, "id INT, margin DOUBLE")
    return table.select("id", vector.alias("rawPrediction"))
