"""Leaks that nobody has declared, through Spark: planted ones, and all rows of real tables."""

import datetime as dt

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F

from penstock.engine.checking import check_rows
from penstock.errors import DataError
from penstock.graphs.scorecard_contracts import OBSERVATIONS
from penstock.learn.binning.leaks import find_leaks, left_out_by
from penstock.learn.observations import read_observations
from tests.learn.binning.planted import copies
from tests.learn.binning.real_tables import (
    LATE,
    on_spark,
    read_german,
    read_give_me_some_credit,
    read_hmeq,
)
from tests.shared_data import shared

AS_OF = dt.date(2024, 6, 30)
LABEL = pandas.Series((np.random.default_rng(3).random(1600) < 0.2).astype(int))
COLUMNS = [*copies(LABEL, 4).columns]
# What is written of a loan from after the day of the run, and how many of its loans say so.
FUTURE = {
    "observed on the next day": ({"opened": "2024-07-01"}, 1),
    "observed a year later": ({"opened": "2025-06-30", "lost_on": "2025-08-01"}, 1),
    "turned bad on the next day": ({"lost_on": "2024-07-01"}, 1),
    "a table of another year": ({"opened": "2030-01-01", "lost_on": "2030-02-01"}, 30),
}
VARIANTS = [*COLUMNS, *FUTURE]


def leaks_in(table, columns, *, special_codes=None):
    is_text = {n: kind == "string" for n, kind in table.dtypes if n in columns}
    report = find_leaks(
        table.withColumn("sample", F.lit("development")),
        numeric=[name for name, text in is_text.items() if not text],
        categorical=[name for name, text in is_text.items() if text],
        special_codes=special_codes or {},
        forced=[],
        max_bins=None,
        binning={},
    )
    return left_out_by(report)


@pytest.fixture(scope="module")
def alarmed(spark, tmp_path_factory):
    """Name the columns left out, all of the planted ones beside as many honest ones."""
    random = np.random.default_rng(5)
    honest = {f"x{n}": LABEL * (n % 4) / 5 + random.normal(size=len(LABEL)) for n in range(16)}
    rows = copies(LABEL, 4).assign(is_bad=LABEL, **honest)
    return leaks_in(on_spark(spark, rows, tmp_path_factory.mktemp("planted")), [*honest, *COLUMNS])


def checked(spark, changes, n):
    loans = [
        {"id": str(i), "income": "5", "outcome": "lost", "opened": "2024-06-30", "lost_on": None}
        | (changes if i < n else {})
        for i in range(30)
    ]
    observations = read_observations(
        spark.createDataFrame(loans, "id STRING, income STRING, outcome STRING, opened STRING, "
                              "lost_on STRING"),
        key=["id"], target="outcome", good_values=["repaid"], bad_values=["lost"], date="opened",
        date_format="yyyy-MM-dd", bad_date="lost_on", performance_months=None, numeric=["income"],
        categorical=[], text=[], group=[], missing=[], protected=[], as_of=AS_OF,
    )  # fmt: skip
    found = check_rows(observations, OBSERVATIONS)
    found.good.write.format("noop").mode("overwrite").save()
    return found.counts()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_leak_is_an_alarm_or_stops_the_run_in_each_of_twenty_variants(spark, alarmed, variant):
    assert len(VARIANTS) == 20
    if variant in COLUMNS:
        assert alarmed[variant].startswith(("leak alarm: ", "target copy: "))
        assert {*alarmed} == {*COLUMNS}
    else:
        changes, n = FUTURE[variant]
        counts = checked(spark, changes, n)
        assert counts.at["fail"] == n and counts.broken_rules
        assert counts.broken_rules.keys() <= {"is_observed_by_as_of", "is_bad_by_as_of"}


def test_a_table_of_few_bads_is_looked_at_where_the_scorecard_may_have_few_bins(spark):
    rows = spark.range(200).selectExpr(
        "int(id % 20 = 0) AS is_bad", "double(id % 7) AS x", "'development' AS sample"
    )
    named = {"numeric": ["x"], "categorical": [], "special_codes": {}, "forced": [], "binning": {}}
    assert left_out_by(find_leaks(rows, **named, max_bins=5)) == {}
    with pytest.raises(DataError, match=r"10 rows have is_bad = 1, fewer than .* \(20\)"):
        find_leaks(rows, **named, max_bins=None)


def test_a_loan_of_the_day_itself_is_none_of_the_future(spark):
    assert checked(spark, {"lost_on": "2024-06-30"}, 1).broken_rules == {}


# Of LendingClub: known at the application, and after the decision (by configuration, refused).
APPLICATION = [
    "loan_amnt", "term", "annual_inc", "dti", "fico_range_low", "delinq_2yrs", "inq_last_6mths",
    "mths_since_last_delinq", "mths_since_last_record", "open_acc", "pub_rec",
    "pub_rec_bankruptcies", "revol_bal", "revol_util", "total_acc", "purpose", "home_ownership",
    "emp_length", "addr_state",
]  # fmt: skip
LATER = [
    "recoveries", "collection_recovery_fee", "total_rec_prncp", "total_pymnt", "total_pymnt_inv",
    "last_pymnt_amnt", "last_fico_range_low", "last_fico_range_high",
]  # fmt: skip


def read_lending_club():
    path = shared("lendingclub/loans_2007-06_to_2011-09.csv.gz")
    columns = ["issue_d", "loan_status", *APPLICATION, *LATER]
    rows = pandas.read_csv(path, usecols=columns)
    resolved = rows[rows.loan_status.isin(["Fully Paid", "Charged Off"])]
    rows = resolved[resolved.issue_d < "2010-10-01"].reset_index(drop=True)
    return rows.assign(is_bad=(rows.loan_status == "Charged Off").astype(int))


READERS = (read_german, read_hmeq, read_give_me_some_credit, read_lending_club)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__[5:])
def test_no_clean_column_of_a_real_table_is_left_out_and_every_planted_leak_is(
    spark, tmp_path, read
):
    raw = read()
    codes = {name: [96.0, 98.0] for name in LATE if name in raw.columns}
    later = [name for name in LATER if name in raw.columns]
    clean = [n for n in raw.columns if n not in ("is_bad", "issue_d", "loan_status", *later)]
    table = on_spark(spark, raw.join(copies(raw.is_bad, 2)), tmp_path).persist()
    assert leaks_in(table, clean, special_codes=codes) == {}
    found = leaks_in(table, [*clean, *later, *COLUMNS], special_codes=codes)
    table.unpersist()
    assert {*found} == {*later, *COLUMNS}
