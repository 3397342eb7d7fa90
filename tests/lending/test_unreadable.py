import pytest
from pyspark.sql import functions as F

from penstock.columns import columns_in
from penstock.lending.checks import RAW_APPLICATION_COLUMNS
from penstock.lending.cleaning import RAW_APPLICATION_FIELDS, clean_applications
from penstock.lending.unreadable import DIFFERS, UNREADABLE_COLUMNS, list_unreadable
from tests.lending.conftest import GOOD_LOAN

DAY = "2011-02-01"


def raw(name, **changes):
    return [{**GOOD_LOAN, "id": name, **changes}[field] for field in RAW_APPLICATION_FIELDS]


@pytest.fixture(scope="module")
def found(spark):
    rows = [
        raw("sound"),
        raw("term", term="48"),
        raw("both", term="48", fico_range_low="200"),
        raw("twice", term="48"),
        raw("twice", term="60"),
        raw("unlike", loan_amnt="1"),
        raw("unlike", loan_amnt="2"),
        raw(None),
        raw(" ", term="48"),
    ]
    raw_applications = spark.createDataFrame(rows, RAW_APPLICATION_COLUMNS).withColumn(
        "day", F.lit(DAY)
    )
    sound = spark.createDataFrame([("sound",)], "application_id STRING")
    listed = list_unreadable(raw_applications, sound, date_column="day")
    wanted = [(f.name, f.dataType.simpleString()) for f in columns_in(UNREADABLE_COLUMNS)]
    assert [(f.name, f.dataType.simpleString()) for f in listed.schema] == wanted
    again = list_unreadable(raw_applications.orderBy("term"), sound, date_column="day")
    assert sorted(again.collect()) == sorted(listed.collect())
    return {row.application_id: row for row in listed.collect()}


def test_who_was_put_aside_is_listed_once_with_every_rule_that_it_breaks(found):
    term, fico = (
        f"cannot be scored: {rule}" for rule in ("term_is_36_or_60_months", "fico_in_range")
    )
    assert {name: row.reasons for name, row in found.items()} == {
        "term": [term], "both": [fico, term], "twice": [term], "unlike": [DIFFERS],
    }  # fmt: skip


def test_an_application_that_cannot_be_read_may_be_all_there_is(spark, tmp_path):
    from penstock.graphs.lending_contracts import CONTRACTS
    from tests.engine.stored import store_under

    alone = spark.createDataFrame([raw("term", term="48")], RAW_APPLICATION_COLUMNS)
    cleaned = clean_applications(alone.withColumn("day", F.lit(DAY)), date_column="day")
    stored, bench = store_under(CONTRACTS["applications"], cleaned, tmp_path)
    assert (stored.rows_out, stored.quarantined) == ({"loans": 0}, 1)
    listed = list_unreadable(alone.withColumn("day", F.lit(DAY)), bench.value("loans"),
                             date_column="day")  # fmt: skip
    assert [row.application_id for row in listed.collect()] == ["term"]


def test_hashes_are_of_all_that_came_in(found):
    hashes = {row.input_hash for row in found.values()}
    assert len(hashes) == len(found) and {len(each) for each in hashes} == {64}
