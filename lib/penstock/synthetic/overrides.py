"""Overrides of the embedded book: none, for nobody sits behind it to decide."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def generate_overrides(application_numbers: DataFrame) -> DataFrame:
    """Return the table of overrides as people would hand it in, without a row.

    Args:
        application_numbers: Needs `id` (BIGINT, 0 and up).

    Returns:
        All columns STRING: application_id, decision, by, why and at.
    """
    nobody = application_numbers.where(F.col("id") < 0)
    return nobody.select(
        F.col("id").cast("string").alias("application_id"),
        *(F.lit(None).cast("string").alias(name) for name in ("decision", "by", "why", "at")),
    )
