import json
from contextlib import contextmanager

import pytest

from penstock.store.delta_log import LocalLog


@contextmanager
def setting(spark, key, value):
    before = spark.conf.get(key, None)
    spark.conf.set(key, value)
    yield
    spark.conf.unset(key) if before is None else spark.conf.set(key, before)


OFTEN = {"delta.checkpointInterval": "2"}


def append(spark, path, rows=1, **options):
    spark.range(rows).write.format("delta").mode("append").options(**options).save(str(path))


@pytest.fixture(scope="module")
def history(spark, tmp_path_factory):
    """A table after every kind of commit, and two checkpoints."""
    path = tmp_path_factory.mktemp("history") / "a table"
    table = f"delta.`{path}`"

    def write(df, mode, **options):
        df.coalesce(1).write.format("delta").mode(mode).options(**options).save(str(path))

    # A checkpoint every fourth commit instead of every tenth: the same in a third of the time.
    often = {"delta.checkpointInterval": "4"}
    write(spark.range(8).selectExpr("id", "'a' AS name"), "overwrite", **often)
    write(spark.range(3).selectExpr("id", "'b' AS name"), "append")
    spark.sql(f"DELETE FROM {table} WHERE id = 2")
    spark.sql(f"OPTIMIZE {table}")
    spark.sql(
        f"MERGE INTO {table} t USING (SELECT id, 'm' AS name FROM range(6, 12)) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    write(spark.range(2).selectExpr("id", "map(id, 'x') AS notes"), "append", mergeSchema="true")
    write(
        spark.range(5).selectExpr("cast(id AS STRING) AS id", "1.5D AS amount"),
        "overwrite",
        overwriteSchema="true",
    )
    # By its statistics Delta knows that a file has no rows, and leaves it out.
    with setting(spark, "spark.databricks.delta.stats.collect", "true"):
        write(spark.range(0).selectExpr("cast(id AS STRING) AS id", "2.5D AS amount"), "overwrite")
    write(spark.range(1).selectExpr("cast(id AS STRING) AS id", "9.5D AS amount"), "append")
    return path


def test_every_version_is_read_as_spark_reads_it(spark, history):
    log = LocalLog(history)
    assert log.latest_version() == 8
    checkpoints = sorted(p.name[19:20] for p in history.glob("_delta_log/*.checkpoint.parquet"))
    assert checkpoints == ["4", "8"]
    for version in range(9):
        table = spark.read.format("delta").option("versionAsOf", version).load(str(history))
        assert log.schema(version) == table.schema, version
        told = [row.asDict() for row in table.select("*", "_metadata.file_name").collect()]
        assert {f.name for f in log.files(version)} == {row.pop("file_name") for row in told}
        assert sorted(log.rows(version), key=str) == sorted(told, key=str), version
        assert log.has_all_files(version)


def test_a_version_that_is_not_there_is_unknown(history):
    log = LocalLog(history)
    for version in (-1, 9):
        assert log.schema(version) is log.files(version) is log.rows(version) is None
        assert log.has_all_files(version) is None


def test_a_folder_without_a_table_has_no_version(tmp_path):
    assert LocalLog(tmp_path).latest_version() is None
    assert LocalLog(tmp_path).table_id() is None


def test_a_version_whose_files_a_vacuum_took_is_not_whole(spark, tmp_path):
    append(spark, tmp_path)
    spark.range(2).write.format("delta").mode("overwrite").save(str(tmp_path))
    log = LocalLog(tmp_path)
    assert log.has_all_files(0)
    with setting(spark, "spark.databricks.delta.retentionDurationCheck.enabled", "false"):
        spark.sql(f"VACUUM delta.`{tmp_path}` RETAIN 0 HOURS")
    assert not log.has_all_files(0)
    assert log.has_all_files(log.latest_version())


def test_a_table_made_anew_has_another_id(spark, tmp_path):
    append(spark, tmp_path / "a")
    append(spark, tmp_path / "b")
    first, second = LocalLog(tmp_path / "a").table_id(), LocalLog(tmp_path / "b").table_id()
    assert first == spark.sql(f"DESCRIBE DETAIL delta.`{tmp_path / 'a'}`").first().id != second


def test_folders_of_partitions_are_found_whatever_their_names(spark, tmp_path):
    rows = [(1, "a b"), (2, "50% of ä/ö"), (3, "x=y:z"), (4, None)]
    table = spark.createDataFrame(rows, "id INT, purpose STRING")
    table.write.format("delta").partitionBy("purpose").save(str(tmp_path))
    log = LocalLog(tmp_path)
    assert len(log.files(0)) == len({f.parent for f in log.files(0)}) == 4
    assert log.has_all_files(0)
    assert log.rows(0) is None  # The values of the partitions are not in the files.


def test_a_checkpoint_in_parts_is_read_and_one_that_lacks_a_part_is_not(spark, tmp_path):
    with setting(spark, "spark.databricks.delta.checkpoint.partSize", "1"):
        for _ in range(4):
            append(spark, tmp_path, **OFTEN)
    parts = sorted(tmp_path.glob("_delta_log/*2.checkpoint.*.parquet"))
    assert len(parts) > 1
    log = LocalLog(tmp_path)
    for version in range(2):
        log.commit_file(version).unlink()
    assert log.files(1) is None and len(log.rows(3)) == 4
    parts[1].unlink()
    assert log.files(3) is log.schema(3) is None


def test_with_a_checkpoint_of_the_second_kind_the_commits_are_read_as_long_as_they_are_there(
    spark, tmp_path
):
    for _ in range(4):
        append(spark, tmp_path, **OFTEN, **{"delta.checkpointPolicy": "v2"})
    assert list((tmp_path / "_delta_log" / "_sidecars").iterdir())
    log = LocalLog(tmp_path)
    assert len(log.rows(3)) == 4
    log.commit_file(1).unlink()
    assert log.rows(3) is None


def test_deletion_vectors_are_left_to_spark(spark, tmp_path):
    append(spark, tmp_path, 10, **OFTEN, **{"delta.enableDeletionVectors": "true"})
    assert len(LocalLog(tmp_path).rows(0)) == 10
    spark.sql(f"DELETE FROM delta.`{tmp_path}` WHERE id = 3")
    log = LocalLog(tmp_path)
    assert log.files(1) is log.rows(1) is log.has_all_files(1) is None
    append(spark, tmp_path)
    log.commit_file(1).unlink()  # Then only the checkpoint tells of them.
    assert log.schema(2) is not None and log.files(2) is None


def test_columns_under_other_names_are_left_to_spark(spark, tmp_path):
    append(spark, tmp_path, 2, **{"delta.columnMapping.mode": "name"})
    log = LocalLog(tmp_path)
    assert log.schema(0) is log.rows(0) is None
    assert len(log.files(0)) > 0


def test_files_of_another_folder_are_found_and_of_another_store_left_to_spark(tmp_path):
    commit = tmp_path / "t" / "_delta_log" / f"{0:020d}.json"
    commit.parent.mkdir(parents=True)
    (tmp_path / "a b").touch()
    here, there = f"file://{tmp_path}/a%20b", "s3://bucket/part-1"
    commit.write_text(json.dumps({"add": {"path": here}}) + "\n\n")
    assert LocalLog(tmp_path / "t").has_all_files(0)
    commit.write_text(json.dumps({"add": {"path": there}}))
    assert LocalLog(tmp_path / "t").has_all_files(0) is None
