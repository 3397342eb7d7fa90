"""Spark's private side: what the public interface does not tell. Each has a fallback.

The one module that touches `sparkContext`: under Spark Connect there is none, and a run goes on
without pools and without the count of jobs.
"""

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

# What pyspark raises if there is no SparkContext, or no JVM any more.
_GONE = (PySparkException, Py4JError, OSError)


def name_jobs(spark: SparkSession, node: str) -> None:
    """Let this thread's jobs share the cores fairly with other nodes', under the node's name."""
    try:
        context = spark.sparkContext
    except PySparkException:
        return
    # The thread belongs to the run: the next node on it writes over these.
    context.setLocalProperty("spark.scheduler.pool", node)
    context.setJobDescription(node)


def count_jobs(spark: SparkSession) -> int:
    """Return the number of Spark jobs of this session so far; -1 where Spark does not tell."""
    try:
        summary = spark.sparkContext._jsc.sc().statusStore().appSummary()
        return int(summary.numCompletedJobs())
    except (*_GONE, AttributeError, TypeError):
        return -1


def stop_jobs(spark: SparkSession) -> None:
    """Cancel all running jobs."""
    try:
        spark.sparkContext.cancelAllJobs()
    except PySparkException:
        spark.interruptAll()
    except _GONE:
        return  # with the JVM, its jobs are gone too
