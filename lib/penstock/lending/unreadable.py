"""Unreadable applications: those that broke a rule of their table and so go to a person, unscored.

Their rows lie in quarantine, as they came; here is who they are, and why.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.checks import APPLICATION_CHECKS
from penstock.lending.cleaning import clean_applications

UNREADABLE_COLUMNS = """
    application_id STRING COMMENT 'key',
    reasons ARRAY<STRING> COMMENT 'why it cannot be scored: the rules that it breaks',
    input_hash STRING COMMENT 'SHA-256 of its raw rows'"""

CANNOT_BE_SCORED = "cannot be scored:"
DIFFERS = f"{CANNOT_BE_SCORED} it stands several times, and not alike"


def list_unreadable(
    raw_applications: DataFrame, applications: DataFrame, *, date_column: str
) -> DataFrame:
    """List the applications that were put aside when they were read, each with the reasons.

    Grain: one row per `id` of a raw application that `applications` does not have. Rows without an
    `id` are nobody's application; they stay in quarantine.

    Args:
        raw_applications, date_column: As of `clean_applications`.
        applications: Those that are sound; needs `application_id`.

    Returns:
        The columns of `UNREADABLE_COLUMNS`.
    """
    cleaned = clean_applications(raw_applications, date_column=date_column)
    put_aside = cleaned.where("application_id IS NOT NULL").join(
        applications.select("application_id"), "application_id", how="left_anti"
    )
    judged = put_aside.select(
        "application_id", _broken_rules().alias("broken"), F.to_json("raw").alias("row")
    )
    by_application = judged.groupBy("application_id").agg(
        F.array_sort(F.flatten(F.collect_set("broken"))).alias("broken"),
        F.array_sort(F.collect_list("row")).alias("rows"),
    )
    told = F.transform(
        F.array_distinct("broken"), lambda rule: F.concat(F.lit(f"{CANNOT_BE_SCORED} "), rule)
    )
    return by_application.select(
        "application_id",
        F.when(F.size("broken") == 0, F.array(F.lit(DIFFERS)))
        .otherwise(told)
        .cast("array<string>")
        .alias("reasons"),
        F.sha2(F.to_json("rows"), 256).alias("input_hash"),
    )


def _broken_rules() -> Column:
    broken = [
        F.expr(f"if(coalesce(({sql}), false), null, '{rule}')")
        for rule, sql in APPLICATION_CHECKS.items()
    ]
    return F.array_compact(F.array(*broken))
