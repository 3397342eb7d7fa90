import pytest

from penstock.conf import load_conf
from penstock.errors import ConfigError
from penstock.jvm import PROJECT
from penstock.spark_settings import ALWAYS, refuse_others, row_settings

FIXED = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
SHIPPED = sorted({p.parent.name for p in (PROJECT / "conf").glob("*/*.yaml")} - {"base"})


@pytest.mark.parametrize(
    "name",
    [
        "spark.sql.caseSensitive",
        "spark.sql.legacy.timeParserPolicy",
        "spark.sql.storeAssignmentPolicy",
        "spark.sql.decimalOperations.allowPrecisionLoss",
        "spark.sql.mapKeyDedupPolicy",
        "spark.sql.files.ignoreCorruptFiles",
        "spark.sql.execution.pythonUDF.arrow.enabled",
        "spark.sql.a.setting.of.a.later.version",
    ],
)
def test_a_setting_that_can_change_rows_counts(name):
    assert row_settings({name: "x"}, "") == {**FIXED, name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "spark.driver.memory",
        "spark.executor.cores",
        "spark.master",
        "spark.sql.adaptive.enabled",
        "spark.sql.autoBroadcastJoinThreshold",
        "spark.sql.execution.arrow.maxRecordsPerBatch",
        "spark.sql.files.maxPartitionBytes",
        "spark.sql.shuffle.partitions",
    ],
)
def test_a_setting_that_says_how_the_work_is_done_does_not(name):
    assert row_settings({name: "x"}, "") == FIXED


def test_what_is_given_to_spark_submit_beats_the_configuration():
    submitted = (
        "--properties-file /p --conf spark.sql.caseSensitive=true "
        "'--conf=spark.sql.x=a b' -c spark.executor.cores=4 pyspark-shell"
    )
    found = row_settings({"spark.sql.caseSensitive": "false"}, submitted)
    assert found == {**FIXED, "spark.sql.caseSensitive": "true", "spark.sql.x": "a b"}


@pytest.mark.parametrize("env", SHIPPED)
def test_no_environment_of_ours_changes_rows(env):
    assert row_settings(load_conf(PROJECT / "conf", env).spark, "") == FIXED


def test_what_every_session_has_cannot_be_given_another_value():
    refuse_others(dict.fromkeys(ALWAYS, ""))
    refuse_others({"spark.sql.ansi.enabled": "True"})
    with pytest.raises(
        ConfigError, match=r"timeZone is given as 'Europe/Berlin', .* 'UTC': .*Take"
    ):
        refuse_others({"spark.sql.session.timeZone": "Europe/Berlin"})
