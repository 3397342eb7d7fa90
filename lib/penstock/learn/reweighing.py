"""Reweighing: weights by which the outcome of the rows to fit on is independent of a group.

Where the past was unfair to a group, its outcomes teach a model to be so too. Weights mend the
rows that a model learns from; rows that it is calibrated on and judged by stay as they were.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.observations import ROW_ID
from penstock.learn.pd_columns import LABEL, SAMPLE, WEIGHT, WEIGHT_TYPE
from penstock.learn.sample import DEVELOPMENT
from penstock.measure.protected_groups import group_of

_GROUP = "_penstock_group"


def reweigh(
    development: DataFrame,
    protected_table: DataFrame,
    *,
    attributes: Sequence[str],
) -> DataFrame:
    """Add weights by which each group has the same bad rate among development rows.

    A row of group g with outcome y weighs P(g) P(y) / P(g, y), by shares of the development rows.
    So by weight each group, and goods and bads, are as many as before, and the outcome is
    independent of the group. A group that has one outcome only keeps it: it has no rows that could
    weigh more.

    Grain: one row per `row_id`, in and out.

    Args:
        development: `row_id`, `sample`, `is_bad` (0 or 1) and whatever else.
        protected_table: From `read_protected`; a row that is not in it, or has no value there, is
            in the group "unknown".
        attributes: Protected attributes whose groups, by all of them together, are made alike; one
            at least.

    Returns:
        `development` and `sample_weight` (DECIMAL(18,6), above 0), which is 1 for rows of other
        samples, and for those without an outcome. Beside the outcome it tells the group.

    Source:
        Kamiran and Calders, Data preprocessing techniques for classification without
        discrimination, Knowledge and Information Systems 33 (2012).
    """
    groups = protected_table.select(ROW_ID, F.col("protected").alias(_GROUP))
    of_attributes = (group_of(F.col(_GROUP), name) for name in attributes)
    rows = development.join(groups, ROW_ID, how="left").withColumn(_GROUP, F.array(*of_attributes))
    weighed = rows.join(F.broadcast(_weights(rows)), [_GROUP, LABEL], how="left")
    is_weighed = (F.col(SAMPLE) == DEVELOPMENT) & F.col(LABEL).isNotNull()
    weight = F.when(is_weighed, F.col(WEIGHT)).otherwise(F.lit(1))
    return weighed.select(*development.columns, weight.cast(WEIGHT_TYPE).alias(WEIGHT))


def check_attributes(attributes: Sequence[str], protected: Sequence[str]) -> None:
    """Refuse attributes that rows cannot be reweighed by.

    Raises:
        ConfigError: One that is not protected, or is named twice.
    """
    for name in attributes:
        if name not in protected:
            raise ConfigError(
                f"Rows cannot be reweighed by '{name}', which is not among the protected columns "
                f"(read_observations.protected).{did_you_mean(name, protected)}"
            )
    if twice := sorted({name for name in attributes if attributes.count(name) > 1}):
        raise ConfigError(f"Rows are to be reweighed twice by: {', '.join(twice)}.")


def weight_column(attributes: Sequence[str], calibration: str) -> str | None:
    """Return the column that tells what a row counts for in a fit; None: each counts for one.

    Args:
        attributes: What the rows were reweighed by, if by anything.
        calibration: "held_out" or "out_of_fold", of the model.

    Raises:
        ConfigError: The rows were reweighed, and the model is fitted on other rows as well.
    """
    if attributes and calibration == "out_of_fold":
        raise ConfigError(
            f"Development rows alone are reweighed by {', '.join(attributes)}, and with "
            "calibration: out_of_fold a model learns from calibration rows too. Take calibration: "
            "held_out, or an empty split_observations.reweigh_by."
        )
    return WEIGHT if attributes else None


def _weights(rows: DataFrame) -> DataFrame:
    """Return a row for each group and outcome of development rows, with its weight."""
    counted = (
        rows.where((F.col(SAMPLE) == DEVELOPMENT) & F.col(LABEL).isNotNull())
        .groupBy(_GROUP, LABEL)
        .agg(F.count(F.lit(1)).alias("n"))
    )
    # Over one row for each group and outcome, however many rows there are.
    of_all, of_group, of_outcome = (
        F.sum("n").over(Window.partitionBy(by)) for by in (F.lit(0), F.col(_GROUP), F.col(LABEL))
    )
    return counted.select(
        _GROUP, LABEL, (of_group / of_all * of_outcome / F.col("n")).alias(WEIGHT)
    )
