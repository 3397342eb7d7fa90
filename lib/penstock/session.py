"""The only place that builds a SparkSession.

What must stand on the JVM's command line comes from `launch.py` and `spark.yaml`; the settings
without which a session of this project is wrong, whatever the environment says, are in
`spark_settings.py`.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.sql import SparkSession

from penstock.catalyst.lazy_session import lazy, running
from penstock.errors import SetupError
from penstock.jvm import class_archive, driver_settings, empty_folder, find_java
from penstock.spark_settings import ALWAYS

SMALL = {
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.ui.enabled": "false",
}
# Of tables of a few rows: planning anew between stages, or statistics, cost more than they save.
TINY = {
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.stats.collect": "false",
    # A session of all tests writes thousands of tables; those that Delta remembers fill the heap,
    # until half the time goes into collecting it.
    "spark.databricks.delta.delta.log.cacheSize": "100",
}
# The first compiler alone: a test or a proof is over before the second one has paid for itself.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=256m")
PROOF_ROWS = 250


def start_session(app_name: str) -> SparkSession:
    """Start the session of a job.

    Until it returns, whatever this process writes to its standard error lands in the log of the
    JVM, `$PENSTOCK_HOME/cache/spark.log`.

    Args:
        app_name: What Spark's own pages call the run.
    """
    # pyspark logs an analysis error with the JVM's whole stack before it raises it.
    logging.getLogger("DataFrameQueryContextLogger").disabled = True
    logging.getLogger("SQLQueryContextLogger").disabled = True
    # xgboost would print its parameters amid the progress of the run.
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    builder = SparkSession.builder.appName(app_name)
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit started us: the JVM is already there
        return _with(builder, ALWAYS).getOrCreate()
    with _jvm_log(Path(os.environ.get("PENSTOCK_HOME", "var"), "cache", "spark.log")):
        return _with(builder, ALWAYS).getOrCreate()


@contextmanager
def lazy_session(app_name: str) -> Iterator[SparkSession]:
    """Give the session of a job, which starts when it is first needed and stops at the end.

    Args:
        app_name: What Spark's own pages call the run.
    """
    spark = lazy(lambda: start_session(app_name))
    try:
        yield spark
    finally:
        if (started := running(spark)) is not None:
            # If the JVM has died, there is nothing left to stop.
            with suppress(Py4JError, OSError):
                started.stop()


def start_test_session(folder: Path) -> SparkSession:
    """Start the small local session of the tests: two threads, two partitions, static plans, no UI.

    Args:
        folder: Where tables without a path, and the log of the JVM, go.
    """
    return _start_small(Path(sys.prefix), find_java(os.environ), folder, SMALL | TINY)


def prove_session(folder: str) -> None:
    """Write a Delta table, change it and fit a model on it, and archive the classes that took.

    The last step of the set-up. The archive is written when the JVM ends, which is after this
    process: wait for the end of its standard output.

    Args:
        folder: An empty folder for the table.

    Raises:
        SetupError: If the table does not hold what was written to it.
    """
    environment, java = Path(sys.prefix), find_java(os.environ)
    archive = f'"-XX:ArchiveClassesAtExit={class_archive(environment, java)}.new"'
    spark = _start_small(environment, java, Path(folder), SMALL, (archive,))
    path = f"{folder}/proof"
    rows = "id", "id % 2 AS target", "rand(7) AS amount", "CAST(id % 5 AS STRING) AS purpose"
    spark.range(200).selectExpr(*rows).write.format("delta").partitionBy("purpose").save(path)
    changed = spark.range(150, 250).selectExpr(*rows)
    keys = "kept.id = changed.id"
    table = DeltaTable.forPath(spark, path).alias("kept").merge(changed.alias("changed"), keys)
    table.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    written = spark.read.format("delta").load(path)
    if written.count() != PROOF_ROWS:
        raise SetupError("Spark starts, but a Delta table does not hold what was written to it.")
    purpose = StringIndexer(inputCol="purpose", outputCol="purpose_index")
    features = VectorAssembler(inputCols=["amount", "purpose_index"], outputCol="features")
    model = LogisticRegression(labelCol="target", maxIter=2)
    fitted = Pipeline(stages=[purpose, features, model]).fit(written)
    fitted.transform(written).groupBy("purpose", "prediction").count().orderBy("purpose").collect()
    spark.stop()


def _start_small(
    environment: Path,
    java: Path,
    folder: Path,
    chosen: dict[str, str],
    java_options: tuple[str, ...] = (),
) -> SparkSession:
    settings = ALWAYS | chosen | driver_settings(environment, java)
    settings["spark.driver.extraJavaOptions"] = " ".join((*SHORT_LIVED, *java_options))
    settings["spark.sql.warehouse.dir"] = str(folder / "warehouse")
    os.environ["SPARK_CONF_DIR"] = str(empty_folder(environment))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = _with(SparkSession.builder.master("local[2]").appName("penstock-small"), settings)
    with _jvm_log(folder / "spark.log"):
        return builder.getOrCreate()


def _with(builder: SparkSession.Builder, settings: Mapping[str, str]) -> SparkSession.Builder:
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder


@contextmanager
def _jvm_log(log: Path) -> Iterator[None]:
    # A JVM keeps the standard error it is born with, and greets it ("Using incubator modules")
    # before any setting is read: so the file is in place while pyspark starts it.
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(file, 2)
        os.close(file)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
