"""Plans as texts, and the cost of jobs, against a real Spark."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Thread

import pytest
from pyspark.ml.feature import Bucketizer, VectorAssembler
from pyspark.sql import Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.catalyst.costs import Cost, measured, node_cost
from penstock.catalyst.internals import (
    as_leaf,
    canonical_plan,
    count_jobs,
    name_jobs,
    on_thread,
    plan_json,
)
from penstock.catalyst.stand_ins import stand_in
from penstock.jvm import PROJECT
from tests.processes import PATIENCE_S

LOANS = "id STRING, amount DOUBLE, grade STRING, months INT, paid ARRAY<DOUBLE>"
MANY = ", ".join(f"c{i} DOUBLE" for i in range(60))


def empty(spark, name="loans", columns=LOANS):
    return stand_in(spark, StructType.fromDDL(columns), name)


def plan(df):
    found = canonical_plan(df)
    assert found is not None
    return found


def rich(spark):
    """Return a table whose plan has every kind of id and of name that Spark draws anew."""
    loans = empty(spark)
    doubled = F.udf(lambda x: x * 2, "double")
    told = spark.sql(
        "WITH large AS (SELECT * FROM {loans} WHERE amount > 5) SELECT l.*, "
        "(SELECT max(amount) FROM large) AS most FROM large l JOIN large r ON l.id = r.id "
        "WHERE EXISTS (SELECT 1 FROM {loans} x WHERE x.id = l.id) AND l.id NOT IN ('#1', 'a#2')",
        loans=loans,
    )
    return (
        told.select(
            "*",
            F.transform("paid", lambda x: F.size(F.transform("paid", lambda y: x + y))).alias("t"),
            doubled("amount").alias("doubled"),
            F.explode("paid").alias("each"),
            F.rand(7).alias("drawn"),
        )
        .withColumn("rank", F.row_number().over(Window.partitionBy("grade").orderBy("amount")))
        .observe(Observation(), F.count(F.lit(1)).alias("rows"))
        .join(loans.groupBy("grade").pivot("months", [12, 36]).count(), "grade")
        .unionByName(told, allowMissingColumns=True)
    )


EQUAL = {
    "another way to name a column": (
        lambda df: df.where(F.col("amount") > 1).select("id", "amount"),
        lambda df: df.filter(df.amount > 1).select(df["id"], F.col("amount")),
    ),
    "an expression as SQL": (
        lambda df: df.where(F.col("amount") > 1),
        lambda df: df.where("amount > 1"),
    ),
    "the name of a lambda's variable": (
        lambda df: df.select(F.transform("paid", lambda x: x + 1).alias("p")),
        lambda df: df.select(F.transform("paid", lambda y: y + 1).alias("p")),
    ),
    "an intermediate variable": (
        lambda df: df.withColumn("a", F.col("amount") * 2).drop("paid"),
        lambda df: df.withColumn("a", _twice("amount")).drop("paid"),
    ),
}
CHANGED = {
    "a literal": (lambda df: df.where("amount > 1"), lambda df: df.where("amount > 2")),
    "a literal that looks like an id": (
        lambda df: df.where("id = 'a#1'"),
        lambda df: df.where("id = 'a#2'"),
    ),
    "two literals that look like ids and change places": (
        lambda df: df.select(F.lit("#1").alias("x"), F.lit("#2").alias("y")),
        lambda df: df.select(F.lit("#2").alias("x"), F.lit("#1").alias("y")),
    ),
    "the last of a long list": (
        lambda df: df.where(F.col("id").isin([str(i) for i in range(200)])),
        lambda df: df.where(F.col("id").isin([str(i) for i in range(199)] + ["x"])),
    ),
    "a name": (
        lambda df: df.select(F.col("id").alias("a")),
        lambda df: df.select(F.col("id").alias("b")),
    ),
    "a cast": (
        lambda df: df.select(F.col("amount").cast("int").alias("a")),
        lambda df: df.select(F.col("amount").cast("long").alias("a")),
    ),
    "the kind of a join": (
        lambda df: df.join(df.select("id"), "id", how="left"),
        lambda df: df.join(df.select("id"), "id", how="inner"),
    ),
    "the side of a self-join": (
        lambda df: _sides(df, "l.amount"),
        lambda df: _sides(df, "r.amount"),
    ),
    "the direction of a sort": (
        lambda df: df.orderBy("amount"),
        lambda df: df.orderBy(F.desc("amount")),
    ),
    "an explicit seed": (
        lambda df: df.withColumn("r", F.rand(1)),
        lambda df: df.withColumn("r", F.rand(2)),
    ),
}


def _twice(name):
    return F.col(name) * 2


def _sides(df, column):
    joined = df.alias("l").join(df.alias("r"), F.col("l.id") == F.col("r.id"))
    return joined.select(F.col(column).alias("amount"))


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL.keys())
def test_what_the_analyzer_makes_equal_is_equal(spark, one, other):
    assert plan(one(empty(spark))).text == plan(other(empty(spark))).text


@pytest.mark.parametrize(("one", "other"), CHANGED.values(), ids=CHANGED.keys())
def test_a_change_shows_in_the_text(spark, one, other):
    assert plan(one(empty(spark))).text != plan(other(empty(spark))).text
    assert plan(one(empty(spark))).text == plan(one(empty(spark))).text


def test_input_type_and_the_sixtieth_column_show_in_the_text(spark):
    texts = {
        plan(empty(spark).select("id")).text,
        plan(empty(spark, "applications").select("id")).text,
        plan(empty(spark, "loans", LOANS.replace("DOUBLE,", "FLOAT,")).select("id")).text,
        plan(empty(spark, "loans", MANY).withColumnRenamed("c59", "x")).text,
        plan(empty(spark, "loans", MANY).withColumnRenamed("c59", "y")).text,
    }
    assert len(texts) == 5


def test_inputs_of_equal_columns_are_told_apart_in_a_join_with_oneself(spark):
    loans, others = empty(spark), empty(spark, "others")
    assert (
        plan(loans.join(others, "id", how="left")).text
        != plan(others.join(loans, "id", how="left")).text
    )
    assert plan(loans.join(loans, "id", how="left")).text.count("(loans = loans)") == 2


def test_the_text_is_the_same_again_and_in_another_process(spark):
    here = {sha256(plan(rich(spark)).text.encode()).hexdigest() for _ in range(2)}
    code = (
        "import sys; from hashlib import sha256; from pathlib import Path\n"
        "from penstock.session import start_test_session\n"
        "import tests.catalyst.test_internals as t\n"
        "spark = start_test_session(Path(sys.argv[1])); spark.range(3).select('id').schema\n"
        "print(sha256(t.plan(t.rich(spark)).text.encode()).hexdigest())"
    )
    environ = os.environ | {"PYTHONPATH": f"{PROJECT / 'lib'}:{PROJECT}", "PYTHONHASHSEED": "3"}
    # The first session's gateway is not this one's.
    environ.pop("PYSPARK_GATEWAY_PORT", None)
    warehouse = spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")
    there = subprocess.run(
        [sys.executable, "-c", code, f"{warehouse}-of-another"],
        env=environ, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert {there.stdout.strip()} == here


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda df: df.withColumn("d", F.current_date()), ("current_date()",)),
        (
            lambda df: df.where(F.current_timestamp() > F.lit("2020-01-01")),
            ("current_timestamp()",),
        ),
        (
            lambda df: df.withColumn("n", F.monotonically_increasing_id()),
            ("monotonically_increasing_id()",),
        ),
        (
            lambda df: df.select(F.udf(lambda x: x, "double").asNondeterministic()("amount")),
            ("<lambda>() is not declared deterministic",),
        ),
        (lambda df: df.withColumn("r", F.rand(1)), ()),
        (lambda df: df.sample(fraction=0.5, seed=1), ()),
    ],
)
def test_clocks_and_chance_are_named_and_a_seed_is_none_of_them(spark, made, why):
    found = plan(made(empty(spark)))
    assert (found.is_deterministic, found.why) == (False, why)


def test_without_a_seed_two_calls_have_two_texts(spark):
    assert len({plan(empty(spark).withColumn("r", F.rand())).text for _ in range(2)}) == 2
    assert len({plan(empty(spark).sample(0.5)).text for _ in range(2)}) == 2
    assert plan(empty(spark).withColumn("d", F.current_user())).is_deterministic
    assert plan(empty(spark).withColumn("d", F.lit("current_date()"))).is_deterministic


def test_functions_whose_body_is_no_part_of_the_plan_are_seen(spark):
    @F.pandas_udf("double")
    def same(x):
        return x

    @F.udtf(returnType="n INT")
    class Numbers:
        def eval(self, n: int):
            yield (n,)

    loans = empty(spark)
    opaque = [
        loans.select(same("amount")),
        loans.mapInPandas(lambda frames: frames, LOANS),
        loans.mapInArrow(lambda batches: batches, LOANS),
        loans.groupBy("grade").applyInPandas(lambda frame: frame, LOANS),
        spark.sql(
            "SELECT * FROM {x} WHERE amount IN (SELECT a FROM {y})",
            x=loans,
            y=loans.select(same("amount").alias("a")),
        ),
        loans.lateralJoin(Numbers(F.lit(1))),
        Bucketizer(inputCol="amount", outputCol="b", splits=[0, 1, 2]).transform(loans),
        VectorAssembler(inputCols=["amount"], outputCol="v").transform(loans),
    ]
    assert [plan(df).runs_python for df in opaque] == [True] * len(opaque)
    assert plan(opaque[-1]).why == ()
    assert not plan(loans.select(F.explode("paid"), F.upper("id"))).runs_python


def test_rows_in_the_plan_are_told_or_their_leaf_is(spark, tmp_path):
    values = "SELECT * FROM VALUES (1, 'a'), (2, '{}') AS t(n, s)"
    assert plan(spark.sql(values.format("b"))).text != plan(spark.sql(values.format("c"))).text
    assert plan(spark.sql(values.format("b"))).unknown_leaves == ()
    assert plan(empty(spark)).unknown_leaves == ()
    assert plan(spark.createDataFrame([(1,)], "n INT")).unknown_leaves == ("LogicalRDD",)
    spark.range(2).write.parquet(str(tmp_path / "t"))
    hidden = spark.sql(
        "SELECT * FROM {x} WHERE months IN (SELECT id FROM {y})",
        x=empty(spark), y=spark.read.parquet(str(tmp_path / "t")),
    )  # fmt: skip
    assert len(plan(hidden).unknown_leaves) == 1


def test_stand_ins_and_plans_run_no_job_and_keep_metadata(spark):
    before = count_jobs(spark)
    noted = StructType.fromDDL("id STRING COMMENT 'it''s', n INT")
    df = stand_in(spark, noted, "o'loans")
    assert df.schema == noted
    assert "o'loans" in str(plan_json(df))
    assert plan(df)
    assert count_jobs(spark) == before
    df.collect()
    assert df.count() == 0


def test_where_spark_does_not_tell_there_is_a_fallback(spark, monkeypatch):
    monkeypatch.setattr(spark, "_jvm", None)
    monkeypatch.setattr(type(spark), "sparkContext", property(lambda self: self.no_such_thing))
    assert canonical_plan(spark.range(1)) is None
    assert (node_cost(spark, "x"), count_jobs(spark)) == (None, -1)


def test_the_cost_of_nodes_at_work_side_by_side_is_told_apart(spark):
    def work(node, rows):
        name_jobs(spark, node, f"run/{node}")
        keys = spark.range(rows).repartition(2).groupBy((F.col("id") % 7).alias("key")).count()
        keys.join(F.broadcast(spark.range(3)), F.col("key") == F.col("id")).collect()

    before = count_jobs(spark)
    threads = [Thread(target=work, args=(f"node{i}", 4_000 * (1 + i))) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    costs = [node_cost(spark, f"run/node{i}") for i in range(2)]
    assert [cost.input_rows for cost in costs] == [4_003, 8_003]
    assert all(cost.shuffle_bytes > 0 and cost.cpu_ms > 0 and cost.core_ms > 0 for cost in costs)
    assert all(cost.spill_bytes == 0 for cost in costs)
    assert count_jobs(spark) - before >= 4
    assert node_cost(spark, "run/nobody") == Cost(0, 0, 0, 0, 0)


def test_what_a_job_moved_out_of_memory_is_told(spark):
    limits = [f"spark.sql.windowExec.buffer.{kind}.threshold" for kind in ("in.memory", "spill")]
    one_window = Window.partitionBy(F.lit(1)).orderBy("id").rowsBetween(Window.currentRow, 5)
    summed = spark.range(3_000).withColumn("sum", F.sum("id").over(one_window))
    name_jobs(spark, "node", "run/spilt")
    for limit in limits:
        spark.conf.set(limit, 100)
    try:
        summed.agg(F.max("sum")).collect()
    finally:
        for limit in limits:
            spark.conf.unset(limit)
    cost = node_cost(spark, "run/spilt")
    assert cost.spill_bytes > 10_000


def test_the_cost_of_some_jobs_is_a_part_of_that_of_their_node(spark):
    name_jobs(spark, "node", "run/parts")
    with measured(spark) as of_first:
        spark.range(5_000).repartition(2).count()
    with measured(spark) as of_second:
        assert of_second() == Cost(0, 0, 0, 0, 0)
        spark.range(7_000).repartition(2).count()
    spark.range(11_000).repartition(2).count()
    rows = [cost.input_rows for cost in (of_first(), of_second(), node_cost(spark, "run/parts"))]
    assert rows == [5_000, 7_000, 23_000]


def test_what_a_node_does_on_threads_of_its_own_counts_as_its_own_in_other_pools(spark):
    def pool():
        spark.range(1_000).repartition(2).count()
        return spark.sparkContext.getLocalProperty("spark.scheduler.pool")

    name_jobs(spark, "node", "run/threads")
    works = [on_thread(spark, pool, f"slot {n}") for n in range(2)]
    with ThreadPoolExecutor(2) as threads:
        told = [thread.result() for thread in [threads.submit(work) for work in works]]
    assert told == ["slot 0", "slot 1"]
    assert spark.sparkContext.getLocalProperty("spark.scheduler.pool") == "node"
    assert node_cost(spark, "run/threads").input_rows == 2_000


def test_what_is_persisted_is_read_from_memory_under_a_plan_of_one_leaf(spark, tmp_path):
    spark.range(5).write.parquet(str(tmp_path / "rows"))
    rows = spark.read.parquet(str(tmp_path / "rows")).withColumn("twice", F.col("id") * 2)
    rows.schema, rows._jdf.queryExecution().executedPlan()  # planned before it is persisted
    rows.persist()
    try:
        assert rows.count() == 5
        shutil.rmtree(tmp_path / "rows")
        leaf = as_leaf(rows)
        assert leaf.schema == rows.schema
        assert len(str(leaf._jdf.queryExecution().analyzed()).splitlines()) == 1
        assert sorted(leaf.where("twice > 3").select("twice").collect()) == [(4,), (6,), (8,)]
    finally:
        rows.unpersist()
    assert as_leaf("no table of classic Spark's") == "no table of classic Spark's"


def test_a_failed_job_counts(spark):
    before = count_jobs(spark)
    name_jobs(spark, "node", "run/failed")
    with pytest.raises(Exception, match="USER_RAISED"):
        spark.range(3).repartition(1).select(F.raise_error(F.lit("no"))).collect()
    assert count_jobs(spark) >= before + 1
    cost = node_cost(spark, "run/failed")
    assert cost.input_rows == 3


def test_a_job_without_stages_costs_nothing(spark):
    name_jobs(spark, "idle", "run/idle")
    spark.sparkContext.emptyRDD().collect()
    assert list(spark.sparkContext.statusTracker().getJobIdsForGroup("run/idle"))
    assert node_cost(spark, "run/idle") == Cost(0, 0, 0, 0, 0)
