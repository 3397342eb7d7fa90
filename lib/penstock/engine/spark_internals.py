"""Spark's private side: what the public interface does not tell. Each has a fallback.

The one module that touches `sparkContext`: under Spark Connect there is none, and a run goes on
without pools and without the count of jobs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession


@contextmanager
def run_in_pool(spark: SparkSession, node: str) -> Iterator[None]:
    """Let this thread's jobs share the cores fairly with other nodes', under the node's name."""
    try:
        context = spark.sparkContext
    except PySparkException:
        yield
        return
    context.setLocalProperty("spark.scheduler.pool", node)
    context.setJobDescription(node)
    try:
        yield
    finally:
        context.setLocalProperty("spark.scheduler.pool", None)
        context.setJobDescription(None)


def count_jobs(spark: SparkSession) -> int:
    """Return the number of Spark jobs of this session so far; -1 where Spark does not tell."""
    try:
        summary = spark.sparkContext._jsc.sc().statusStore().appSummary()
        return int(summary.numCompletedJobs())
    except (PySparkException, AttributeError, TypeError):
        return -1


def stop_jobs(spark: SparkSession) -> None:
    """Cancel all running jobs."""
    try:
        spark.sparkContext.cancelAllJobs()
    except PySparkException:
        spark.interruptAll()
