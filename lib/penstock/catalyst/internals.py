"""Spark's private side: what the public interface does not tell. Each has a fallback.

It and `costs` are the modules that touch `_jdf`, `_jvm` and `sparkContext`: under Spark Connect
there are none, and the engine goes on without what they tell.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, TypeVar, cast

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from pyspark.util import inheritable_thread_target

from penstock.catalyst.lazy_session import running
from penstock.catalyst.plan_text import numbered, reasons_never

T = TypeVar("T")

# What pyspark raises if there is no SparkContext, or no JVM any more.
_GONE = (PySparkException, Py4JError, OSError)
UNTOLD = (*_GONE, AttributeError, TypeError)
_SQL = "org.apache.spark.sql"
# Leaves of a plan whose rows the text tells.
_TOLD_LEAVES = ("OneRowRelation", "Range", "CTERelationRef")
# Functions whose body is no part of the plan: Python's, and those behind MLlib's transformers.
_BODIES_UNTOLD = ("PYTHON_UDF", "SCALA_UDF")
# What only the plan's JSON tells apart: kinds of clocks, and explode() from a Python function.
_LOOK_CLOSER = ("CURRENT_LIKE", "GENERATOR")


@dataclass(frozen=True)
class CanonicalPlan:
    """An analysed plan as text that is the same in every process, and what it does not tell.

    Attributes:
        text: The plan, its ids numbered in order of appearance, and the types of its leaves.
        is_deterministic: Whether it draws no random numbers and reads no clock. If it does so by
            a seed of its own, a plan from a second call of its function has another text.
        why: What makes its rows differ from run to run, whatever the seed.
        runs_python: Whether it calls functions whose body the text does not show: of Python, or
            those of MLlib's transformers.
        unknown_leaves: Leaves whose rows the text does not show.
    """

    text: str
    is_deterministic: bool
    why: tuple[str, ...]
    runs_python: bool
    unknown_leaves: tuple[str, ...]

    @property
    def read_by_itself(self) -> tuple[str, ...]:
        """What it reads that is no input, so that nobody knows its version."""
        return tuple(
            f"it reads a {leaf} by itself: make that a dataset of the catalog"
            for leaf in self.unknown_leaves
            if leaf != "LogicalRDD"  # rows that the function brings along
        )


def empty_table(spark: SparkSession, schema: StructType) -> DataFrame:
    """Return a table without rows, in a third of the time that `createDataFrame` takes."""
    try:
        jvm = cast(Any, spark)._jvm
        columns = _java(jvm, f"{_SQL}.types.DataType").fromJson(schema.json())
        rows = _java(jvm, "java.util.ArrayList")()
        return DataFrame(cast(Any, spark)._jsparkSession.createDataFrame(rows, columns), spark)
    except UNTOLD:
        return spark.createDataFrame([], schema)


def canonical_plan(df: DataFrame) -> CanonicalPlan | None:
    """Return what Spark's analyzer made of a table, by no job; None where Spark does not tell."""
    try:
        jvm, plan = cast(Any, df.sparkSession)._jvm, _analysed(df)
        normalize = _java(jvm, f"{_SQL}.catalyst.plans.NormalizePlan")
        without_ids = normalize.normalizeExprIds(plan)
        text = numbered(_text(plan), _text(without_ids))
        leaves, unknown = _leaves(plan)

        def has(names: tuple[str, ...]) -> bool:
            return any(plan.containsPattern(_pattern(jvm, name)) for name in names)

        is_deterministic, has_udtf = bool(plan.deterministic()), False
        why: tuple[str, ...] = ()
        if not is_deterministic or has(_LOOK_CLOSER):
            why, has_udtf = reasons_never(str(plan.toJSON()), is_deterministic)
        return CanonicalPlan(
            text="\n".join((text, *leaves)),
            is_deterministic=is_deterministic and not why and "Sample " not in text,
            why=why,
            runs_python=has_udtf or has(_BODIES_UNTOLD),
            unknown_leaves=unknown,
        )
    except UNTOLD:
        return None


def plan_json(df: DataFrame) -> str | None:
    """Return the analysed plan as JSON, for the lineage of columns; None where Spark does not tell.

    Equal plans differ in it from call to call: it is no text to compare.
    """
    try:
        return str(_analysed(df).toJSON())
    except UNTOLD:
        return None


def sql_json(spark: SparkSession, statement: str) -> str | None:
    """Return a SQL statement, parsed and not analysed, as JSON; None where Spark does not tell."""
    try:
        parser = cast(Any, spark)._jsparkSession.sessionState().sqlParser()
        return str(parser.parsePlan(statement).toJSON())
    except UNTOLD:
        return None


def java_schema(stage: Any, schema: StructType) -> StructType | None:
    """Return what a stage of MLlib's makes of a table's columns; None if it is not on the JVM.

    Raises:
        PySparkException, Py4JError: The stage does not fit the columns.
    """
    try:
        types = cast(Any, SparkSession.active())._jvm.org.apache.spark.sql.types.DataType
        to_java = stage._to_java
    except UNTOLD:
        return None
    made = to_java().transformSchema(types.fromJson(schema.json()))
    return StructType.fromJson(json.loads(made.json()))


def as_leaf(persisted: DataFrame) -> DataFrame:
    """Return the rows of a persisted table under a plan of one leaf; the table itself elsewhere.

    Each query looks through the whole plan of a table for what lies in memory, however long its
    expressions are. The rows stay where they are persisted, and are made anew if they are lost.
    """
    try:
        spark = cast(Any, persisted.sparkSession)
        # Anew, for what was planned before it was persisted does not read it from memory.
        java = cast(Any, persisted.select("*"))._jdf
        rows, schema = java.queryExecution().toRdd(), java.schema()
        leaf = spark._jsparkSession.internalCreateDataFrame(rows, schema, False)
        return DataFrame(leaf, spark)
    except UNTOLD:
        return persisted


def name_jobs(spark: SparkSession, node: str, group: str) -> None:
    """Let this thread's jobs share the cores fairly with other nodes', under the node's name.

    Args:
        group: What to ask for the jobs' cost by: of this run and this node only.
    """
    try:
        context = spark.sparkContext
    except PySparkException:
        return
    # The thread belongs to the run: the next node on it writes over these.
    context.setLocalProperty("spark.scheduler.pool", node)
    context.setJobGroup(group, node)


def on_thread(spark: SparkSession, work: Callable[[], T], pool: str) -> Callable[[], T]:
    """Return the work to be done on another thread, where its jobs count for this thread's group.

    Args:
        pool: What its jobs share the cores under with those of other pools.
    """

    def in_pool() -> T:
        with suppress(PySparkException):  # under Spark Connect there are no pools to choose
            spark.sparkContext.setLocalProperty("spark.scheduler.pool", pool)
        return work()

    # One for each piece of work: threads that are handed the same one share their properties.
    handed_on: Callable[[], T] = inheritable_thread_target(spark)(in_pool)
    return handed_on


def count_jobs(spark: SparkSession) -> int:
    """Return the number of Spark jobs of this session so far; -1 where Spark does not tell.

    Every job counts that was handed in, whether it ended well or not.
    """
    if (started := running(spark)) is None:
        return 0
    try:
        return int(started.sparkContext._jsc.sc().dagScheduler().numTotalJobs())
    except UNTOLD:
        return -1


def stop_jobs(spark: SparkSession, groups: Iterable[str]) -> None:
    """Cancel all running jobs, and those that the groups would still begin."""
    try:
        context = spark.sparkContext
        for group in groups:
            context._jsc.sc().cancelJobGroupAndFutureJobs(group)  # pyspark has no name for it
        context.cancelAllJobs()
    except PySparkException:
        spark.interruptAll()
    except _GONE:
        return  # with the JVM, its jobs are gone too


@lru_cache(maxsize=16)
def _java(jvm: Any, path: str) -> Any:
    """Return a class by its full name: to find it takes a call to the JVM for each word of it."""
    return reduce(getattr, path.split("."), jvm)


@lru_cache(maxsize=16)
def _pattern(jvm: Any, name: str) -> Any:
    return getattr(_java(jvm, f"{_SQL}.catalyst.trees.TreePattern"), name)()


def _analysed(df: DataFrame) -> Any:
    return cast(Any, df)._jdf.queryExecution().analyzed()


def _text(plan: Any) -> str:
    # Verbose, without suffix, with all columns however many.
    return str(plan.treeString(True, False, 1_000_000, False, False))


def _leaves(plan: Any) -> tuple[list[str], tuple[str, ...]]:
    """Return what the text does not tell of the leaves, and the leaves whose rows nothing tells."""
    told, unknown = [], []
    subqueries = plan.subqueriesAll()
    for tree in (plan, *(subqueries.apply(i) for i in range(subqueries.size()))):
        leaves = tree.collectLeaves()
        for leaf in (leaves.apply(i) for i in range(leaves.size())):
            name = str(leaf.nodeName())
            told.append(f"{name}: {leaf.schema().catalogString()}")
            if name == "LocalRelation":
                told += [str(leaf.data().mkString("\n"))] if leaf.data().nonEmpty() else []
            elif name not in _TOLD_LEAVES:
                unknown.append(name)
    return told, tuple(unknown)
