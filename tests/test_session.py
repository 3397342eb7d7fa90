"""The session that the tests share is built by the code under test."""

from penstock.spark_settings import ALWAYS, HOW_ONLY


def test_every_session_has_the_settings_without_which_it_is_wrong(spark):
    assert {key: spark.conf.get(key) for key in ALWAYS} == ALWAYS


def test_no_setting_that_changes_rows_begins_like_those_that_do_not(spark):
    known = {row.key for row in spark.sql("SET -v").collect()}
    how_only = {name for name in known if name.startswith(HOW_ONLY)}
    assert {"spark.sql.ansi.enabled", "spark.sql.session.timeZone"} <= known - how_only
    tells_rows = ("ignore", "legacy", "case", "ansi", "policy", "rebase", "zone", "decimal")
    assert [n for n in how_only if any(word in n.casefold() for word in tells_rows)] == []


def test_a_delta_table_is_written_and_read_back(spark, tmp_path):
    path = str(tmp_path / "table")
    spark.range(3).write.format("delta").save(path)
    assert sorted(row.id for row in spark.read.format("delta").load(path).collect()) == [0, 1, 2]
