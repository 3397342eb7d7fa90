"""Costs: what Spark jobs took, as Spark's private status store tells it, with the UI off too."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
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


def _attempts(spark: SparkSession, store: Any, job_ids: list[int]) -> list[dict[str, Any]]:
    """Return all attempts of the jobs' stages: a few calls, however many there are."""
    jvm = cast(Any, spark)._jvm
    read = _json_writer(jvm).writeValueAsString
    # Both lists begin with the newest, and what has just ended stands near the beginning.
    jobs = store.jobsList(None)
    newest = json.loads(read(jobs.take(jobs.head().jobId() - min(job_ids) + 1)))
    stage_ids = {s for job in newest if job["jobId"] in job_ids for s in job["stageIds"]}
    if not stage_ids:  # a job over no partitions has none
        return []
    no_quantiles = cast(Any, spark.sparkContext)._gateway.new_array(jvm.double, 0)
    stages = store.stageList(None, False, False, no_quantiles, jvm.java.util.ArrayList())
    latest, oldest = stages.head().stageId(), stages.last().stageId()
    repeated = max(0, stages.size() - (latest - oldest + 1))
    attempts = json.loads(read(stages.take(latest - min(stage_ids) + 1 + repeated)))
    return [attempt for attempt in attempts if attempt["stageId"] in stage_ids]


@lru_cache(maxsize=1)
def _json_writer(jvm: Any) -> Any:
    scala = getattr(jvm.com.fasterxml.jackson.module.scala, "DefaultScalaModule$")
    module = getattr(scala, "MODULE$")
    return jvm.com.fasterxml.jackson.databind.ObjectMapper().registerModule(module)


def _sum(attempts: list[dict[str, Any]], *names: str) -> int:
    return sum(int(attempt[name]) for attempt in attempts for name in names)
