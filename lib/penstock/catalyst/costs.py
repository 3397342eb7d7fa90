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
    tasks: int
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
        tasks=_sum(attempts, "numCompleteTasks", "numFailedTasks", "numKilledTasks"),
        input_rows=_sum(attempts, "inputRecords"),
    )


def _attempts(spark: SparkSession, store: Any, job_ids: list[int]) -> list[Any]:
    """Return all attempts of the jobs' stages, Spark's own objects: JSON takes four times."""
    jvm = cast(Any, spark)._jvm
    stage_ids: set[int] = set()
    for job_id in job_ids:
        of_job = store.job(job_id).stageIds()
        stage_ids.update(of_job.apply(place) for place in range(of_job.size()))
    no_quantiles = cast(Any, spark.sparkContext)._gateway.new_array(jvm.double, 0)
    any_task = jvm.java.util.ArrayList()
    found = []
    for stage_id in sorted(stage_ids):
        attempts = store.stageData(stage_id, False, any_task, False, no_quantiles)
        found += [attempts.apply(place) for place in range(attempts.size())]
    return found


def _sum(attempts: list[Any], *names: str) -> int:
    return sum(int(getattr(attempt, name)()) for attempt in attempts for name in names)
