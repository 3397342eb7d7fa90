"""Costs: what Spark jobs took, as Spark's private status store tells it, with the UI off too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from pyspark.sql import SparkSession

from penstock.catalyst.internals import UNTOLD

_BUS_PATIENCE_MS = 10_000
_NUMBERS = count()


@dataclass(frozen=True)
class Cost:
    """What some Spark jobs took: `cpu_ms` on the JVM alone, `core_ms` as long as tasks held a core.

    A task that waits for its Python worker holds its core too.
    """

    cpu_ms: int
    core_ms: int
    shuffle_bytes: int
    spill_bytes: int
    input_rows: int


@contextmanager
def measured(spark: SparkSession) -> Iterator[Callable[[], Cost | None]]:
    """Give a function that tells what the jobs of this thread took since; None if Spark does not.

    They still count for their group.
    """
    tag = f"penstock {next(_NUMBERS)}"
    try:
        spark.sparkContext.addJobTag(tag)
    except UNTOLD:
        yield lambda: None
        return
    try:
        yield lambda: _cost(spark, "getJobIdsForTag", tag)
    finally:
        with suppress(*UNTOLD):
            spark.sparkContext.removeJobTag(tag)


def node_cost(spark: SparkSession, group: str) -> Cost | None:
    """Return what the jobs of a group took so far; None where Spark does not tell."""
    return _cost(spark, "getJobIdsForGroup", group)


def _cost(spark: SparkSession, asked: str, name: str) -> Cost | None:
    try:
        context = spark.sparkContext._jsc.sc()
        # Listeners hear of the end of a job after whoever waited for it.
        context.listenerBus().waitUntilEmpty(_BUS_PATIENCE_MS)
        ids = list(getattr(context.statusTracker(), asked)(name))
        attempts = _attempts(spark, context.statusStore(), ids) if ids else []
    except UNTOLD:
        return None
    return Cost(
        cpu_ms=round(_sum(attempts, "executorCpuTime") / 1e6),
        core_ms=_sum(attempts, "executorRunTime"),
        shuffle_bytes=_sum(attempts, "shuffleReadBytes", "shuffleWriteBytes"),
        spill_bytes=_sum(attempts, "memoryBytesSpilled", "diskBytesSpilled"),
        input_rows=_sum(attempts, "inputRecords"),
    )


def _attempts(spark: SparkSession, store: Any, job_ids: list[int]) -> list[Any]:
    """Return all attempts of the jobs' stages, Spark's own objects: JSON takes four times."""
    jvm = cast(Any, spark)._jvm
    jobs = [store.job(job_id) for job_id in job_ids]
    # Each word asked of the JVM takes its time: all numbers come in one.
    listed = [job.stageIds().mkString(" ").split() for job in jobs]
    stage_ids = sorted({int(number) for numbers in listed for number in numbers})
    no_quantiles = cast(Any, spark.sparkContext)._gateway.new_array(jvm.double, 0)
    details = (False, jvm.java.util.ArrayList(), False, no_quantiles)
    if any(job.numFailedStages() for job in jobs):  # then what they read may be made again too
        attempts = [store.stageData(stage_id, *details) for stage_id in stage_ids]
        return [some.apply(place) for some in attempts for place in range(some.size())]
    # Asked by its number Spark finds an attempt at once; the list of a stage's is a search.
    first = [store.stageAttempt(stage_id, 0, *details)._1() for stage_id in stage_ids]
    return [attempt for attempt in first if attempt.status().name() != "SKIPPED"]


def _sum(attempts: list[Any], *names: str) -> int:
    return sum(int(getattr(attempt, name)()) for attempt in attempts for name in names)
