import json
from pathlib import Path

import pytest

from penstock.catalyst.internals import count_jobs
from penstock.errors import DataError
from penstock.store.delta import DeltaTable


@pytest.fixture
def table(tmp_path):
    return DeltaTable("loans", str(tmp_path / "loans"))


def numbers(spark, table, version):
    return sorted(row.id for row in table.read(spark, version).collect())


def test_each_replacement_is_one_version_and_the_old_ones_stay_readable(spark, table):
    assert table.replace(spark.range(2), commit="a") == "0"
    assert table.replace(spark.range(3), commit="b") == "1"
    assert table.latest_version(spark) == 1
    assert numbers(spark, table, "0") == [0, 1]
    assert numbers(spark, table, "1") == [0, 1, 2]


def test_a_version_is_told_by_its_commit_also_when_another_came_behind_it(spark, table):
    table.replace(spark.range(1), commit="mine")
    table.replace(spark.range(2), commit="other")
    assert table._version_of(spark, "mine") == 0
    with pytest.raises(DataError, match="has no commit marked 'nobody'"):
        table._version_of(spark, "nobody")


def test_a_table_that_was_never_written_has_no_version(spark, table):
    assert table.latest_version(spark) is None and not table.exists(spark)
    with pytest.raises(DataError, match="nothing has written it yet"):
        table.read(spark, None)


def test_files_of_a_version_outlive_a_vacuum_of_the_default_retention(spark, table):
    table.replace(spark.range(2), commit="a")
    table.replace(spark.range(3), commit="b")
    spark.sql(f"VACUUM delta.`{table.path}`")
    assert numbers(spark, table, "0") == [0, 1]
    log = Path(table.path, "_delta_log", f"{0:020d}.json").read_text().splitlines()
    entries = [json.loads(line) for line in log]
    [metadata] = [entry["metaData"] for entry in entries if "metaData" in entry]
    assert metadata["configuration"] == {
        "delta.deletedFileRetentionDuration": "interval 3650 days",
        "delta.logRetentionDuration": "interval 3650 days",
    }


def test_a_table_of_the_metastore_works_alike(spark):
    table = DeltaTable("loans", "", "default.penstock_loans")
    try:
        assert not table.exists(spark)
        assert table.replace(spark.range(2), commit="a") == "0"
        assert table.replace(spark.range(3), commit="b") == "1"
        assert table.latest_version(spark) == 1
        assert numbers(spark, table, "0") == [0, 1]
        assert table.schema(spark, "1").names == ["id"]
        assert table.is_whole(spark, "1") and not table.is_whole(spark, "2")
        assert table.table_id(spark) == table.opened(spark).detail().first().id
    finally:
        spark.sql("DROP TABLE IF EXISTS default.penstock_loans")


def test_no_rows_in_the_place_of_no_rows_are_a_version_too(spark, table):
    assert table.replace(spark.range(0), commit="a") == "0"
    assert table.replace(spark.range(0), commit="b") == "1"


def test_a_table_of_somebody_else_is_foreign(spark, table):
    assert not table.is_foreign()
    spark.range(2).write.format("delta").save(table.path)
    assert table.is_foreign()


def test_a_table_of_ours_is_not(spark, table):
    table.replace(spark.range(2), commit="a")
    assert not table.is_foreign()


def test_the_columns_may_change_from_one_version_to_the_next(spark, table):
    table.replace(spark.range(2), commit="a")
    table.replace(spark.range(2).selectExpr("cast(id as string) AS name"), commit="b")
    assert table.read(spark, "1").columns == ["name"]


def test_the_schema_and_the_id_of_a_version_are_known_without_a_job(spark, table):
    table.replace(spark.range(2), commit="a")
    table.replace(spark.range(2).selectExpr("cast(id as string) AS name"), commit="b")
    before = count_jobs(spark)
    assert table.schema(spark, "0").simpleString() == "struct<id:bigint>"
    assert table.schema(spark, "1").simpleString() == "struct<name:string>"
    assert table.is_whole(spark, "1")
    identity = table.table_id(spark)
    assert count_jobs(spark) == before
    assert identity == table.opened(spark).detail().first().id


def test_a_version_that_is_not_there_is_not_whole_and_has_no_schema(spark, table):
    assert not table.is_whole(spark, "0") and table.table_id(spark) is None
    table.replace(spark.range(2), commit="a")
    assert not table.is_whole(spark, "7") and not table.is_whole(spark, "run-1")
    with pytest.raises(DataError, match="DELTA_VERSION_NOT_FOUND"):
        table.schema(spark, "7")
    with pytest.raises(DataError, match="nothing has written it yet"):
        table.schema(spark, None)


def test_a_version_that_lacks_a_file_is_not_whole(spark, table):
    table.replace(spark.range(2), commit="a")
    table.log.files(0)[0].unlink()
    assert table.schema(spark, "0") and not table.is_whole(spark, "0")


def test_with_deletion_vectors_spark_is_asked(spark, table):
    options = {"delta.enableDeletionVectors": "true"}
    spark.range(9).coalesce(1).write.format("delta").options(**options).save(table.path)
    spark.sql(f"DELETE FROM delta.`{table.path}` WHERE id = 3")
    assert table.log.files(1) is None
    assert table.schema(spark, "1").names == ["id"] and table.is_whole(spark, "1")
