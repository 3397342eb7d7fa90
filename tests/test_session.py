"""The session that the tests share is built by the code under test."""

from penstock.session import ALWAYS


def test_every_session_has_the_settings_without_which_it_is_wrong(spark):
    assert {key: spark.conf.get(key) for key in ALWAYS} == ALWAYS


def test_a_delta_table_is_written_and_read_back(spark, tmp_path):
    path = str(tmp_path / "table")
    spark.range(3).write.format("delta").save(path)
    assert sorted(row.id for row in spark.read.format("delta").load(path).collect()) == [0, 1, 2]
