"""Spark's settings: those that every session has, and those that can change rows.

They are told from the configuration and the command line, before Spark starts.
"""

import shlex
from collections.abc import Mapping
from itertools import pairwise

from penstock.errors import ConfigError

# Without these a session of this project is wrong, whatever the environment says.
ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # With this on, a plain Python UDF over a Parquet or Delta table hangs for ever (SPARK-58241).
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    # A Python worker that hangs all the same ends as an error, not as a run that never ends.
    "spark.sql.execution.pyspark.udf.idleTimeoutSeconds": "600",
    "spark.sql.execution.pyspark.udf.killOnIdleTimeout": "true",
    # A run that replaces no rows by no rows makes a version too, for its release to name.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # Else each call to build a column asks the JVM where it stands; our errors name the place.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # What a node cost is read when it ends: by then its first jobs must not be forgotten.
    "spark.ui.retainedJobs": "10000",
    "spark.ui.retainedStages": "10000",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# Settings of Spark SQL that say how the work is done, by the beginnings of their names. Every other
# one counts: one that is missing here makes nodes run again, and never leaves stale rows in place.
HOW_ONLY = (
    "spark.sql.adaptive.",
    "spark.sql.autoBroadcastJoinThreshold",
    "spark.sql.catalog.",
    "spark.sql.codegen.",
    "spark.sql.execution.arrow.",
    "spark.sql.execution.pyspark.",
    "spark.sql.extensions",
    "spark.sql.files.maxPartition",
    "spark.sql.files.minPartition",
    "spark.sql.files.openCost",
    "spark.sql.inMemoryColumnarStorage.",
    "spark.sql.shuffle.",
    "spark.sql.sources.parallelPartitionDiscovery.",
    "spark.sql.ui.",
    "spark.sql.warehouse.",
)


def row_settings(configured: Mapping[str, str], submitted: str) -> dict[str, str]:
    """Return the settings in force that can change the rows of a query.

    These are the settings of Spark SQL (`spark.sql.`) but for those of `HOW_ONLY`: time zone, ANSI
    mode, capitals in names, decimals, legacy parsers. Memory, cores and partitions are none.

    Args:
        configured: `spark.yaml`, merged.
        submitted: What is given to spark-submit, as `PYSPARK_SUBMIT_ARGS` has it; its `--conf`
            beats the configuration.
    """
    words = shlex.split(submitted)
    given = [word for option, word in pairwise(words) if option in ("--conf", "-c")]
    given += [word.removeprefix("--conf=") for word in words if word.startswith("--conf=")]
    pairs = {name: value for name, _, value in (word.partition("=") for word in given)}
    settings = {**configured, **pairs, **ALWAYS}
    counted = [n for n in settings if n.startswith("spark.sql.") and not n.startswith(HOW_ONLY)]
    return {name: settings[name] for name in sorted(counted)}


def refuse_others(given: Mapping[str, str]) -> None:
    """Refuse other values for the settings that every session has: they would have no effect.

    Args:
        given: Setting of `ALWAYS` to the value somebody gave it; empty where nobody did.

    Raises:
        ConfigError: The setting and what it always is.
    """
    for name, value in given.items():
        if value.casefold() not in ("", ALWAYS[name].casefold()):
            raise ConfigError(
                f"The Spark setting {name} is given as '{value}', and every session has "
                f"'{ALWAYS[name]}': without it results are wrong. Take it out of spark.yaml, --set "
                "or --conf."
            )
