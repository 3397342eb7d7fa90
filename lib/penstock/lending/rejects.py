"""Rejected applications: those of earlier days, which may have a part in the sample of a model."""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.learn.reject_inference import REJECTED, Method


def no_rejects(raw_applications: DataFrame) -> DataFrame:
    """Return the table of rejected applications as a lender would hand it in, without a row.

    It stands in where the catalog names no file of them.

    Args:
        raw_applications: Needs `id`; every column is kept.
    """
    return raw_applications.where(F.col("id").isNotNull()).limit(0)


def add_rejects(
    accepted: DataFrame,
    rejects: DataFrame,
    *,
    reject_inference: Method,
    train_until: datetime.date,
    calibration_until: datetime.date,
) -> DataFrame:
    """Add rejected applications to the loans that teach a model, if any method is to use them.

    Grain: one row per `loan_id`, in and out; one more per rejected application up to
    `calibration_until`.

    Args:
        accepted: `train` of `split_by_issue_date`.
        rejects: `application_id`, `application_date` and the features of `accepted`.
        reject_inference: How the model uses them; "none": they stay out.
        train_until: Last day of the development sample.
        calibration_until: Last day of the calibration sample.

    Returns:
        The columns of `accepted`. A rejected row has no `is_bad`, a value of `REJECTED` as
        `sample`, and a `loan_id` that begins with "rejected".
    """
    day = F.col("application_date")
    part = F.when(day <= F.lit(train_until), REJECTED["development"])
    own: dict[str, Column] = {
        "loan_id": F.concat(F.lit("rejected "), "application_id"),
        "issue_date": F.lit(None),
        "is_bad": F.lit(None),
        "sample": part.otherwise(REJECTED["calibration"]),
    }
    used = rejects.where(day <= F.lit(calibration_until))
    # Cast one by one, so that a type that does not fit is an error that names the column.
    rows = used.select(
        *(own.get(f.name, F.col(f.name)).cast(f.dataType).alias(f.name) for f in accepted.schema)
    )
    return accepted.unionByName(rows.limit(0) if reject_inference == "none" else rows)
