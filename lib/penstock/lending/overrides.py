"""Overrides: decisions that people took in the place of the policy's, with who and why."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.lending.parsing import broken_line, text

FIELDS = ("application_id", "decision", "by", "why", "at")


def no_overrides(applications: DataFrame) -> DataFrame:
    """Return the table of overrides as people would hand it in, without a row.

    It stands in where the catalog names no file of them.

    Args:
        applications: Needs `application_id`.

    Returns:
        All columns STRING: `FIELDS`.
    """
    key, *others = FIELDS
    nobody = applications.where(F.length(key) < 0)
    return nobody.select(key, *(F.lit(None).cast("string").alias(name) for name in others))


def read_overrides(
    raw_overrides: DataFrame, applications: DataFrame, unreadable: DataFrame
) -> DataFrame:
    """Read the overrides into typed columns.

    Grain: one row per raw row, in and out. Whether a row says who and why is for
    `decision_checks.OVERRIDE_CHECKS` to say.

    Args:
        raw_overrides: All columns STRING: `FIELDS`. `decision` in any case; `at` as
            "2025-07-01 10:30:00" in the session's time zone, or a day.
        applications: Needs `application_id`, each once at most.
        unreadable: Needs `application_id`, each once at most, and none of the others.

    Returns:
        The columns of `decision_checks.OVERRIDE_COLUMNS`, null where missing or unreadable; and
        `is_applied`, null where there is no such application, and `broken_line`, the text of a line
        that does not fit its file's header.
    """
    keys = applications.select("application_id").unionByName(unreadable.select("application_id"))
    known = keys.withColumn("is_applied", F.lit(True))
    read = raw_overrides.select(
        text("application_id").alias("application_id"),
        F.lower(text("decision")).alias("decision"),
        text("by").alias("by"),
        text("why").alias("why"),
        text("at").try_cast("timestamp").alias("at"),
        broken_line(raw_overrides),
    )
    return read.join(known, "application_id", how="left")
