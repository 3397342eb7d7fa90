"""The export looks like a lender's, is the same however it is computed, and hides the truth."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.synthetic.book import (
    draw_book,
    export_book,
    generate_applications,
    generate_book,
)

SHARES = {"malformed_share": 0.01, "duplicate_share": 0.01}


@pytest.fixture(scope="module")
def applications(spark):
    return generate_applications(
        spark.range(2000),
        seed=7,
        first_month=date(2024, 7, 1),
        last_month=date(2024, 9, 1),
        drift=1.0,
        malformed_share=0.05,
    )


@pytest.fixture(scope="module")
def first_loans(spark, draw):
    return sorted(draw(spark.range(0, 100, numPartitions=2)).collect())


def test_more_rows_in_other_partitions_and_another_order_begin_with_the_same(
    spark, draw, first_loans
):
    more = sorted(draw(spark.range(149, -1, -1, numPartitions=9)).collect())
    assert more[:100] == first_loans


def test_another_seed_is_another_book(spark, draw, first_loans):
    others = {row.true_pd for row in draw(spark.range(100), seed=8).select("true_pd").collect()}
    assert not others & {row.true_pd for row in first_loans}


def test_an_export_is_text_and_names_no_truth(book):
    raw_loans, true_risk = export_book(book, **SHARES)
    assert {kind for _, kind in raw_loans.dtypes} == {"string"}
    hidden = ("true", "draw", "shift", "tone", "quality", "cents", "charge_off", "payoff", "years")
    assert not [name for name in raw_loans.columns if any(word in name for word in hidden)]
    assert {"id", "true_pd", "true_lgd", "true_ead"} <= set(true_risk.columns)


def test_a_generated_book_is_loans_payments_and_truth(spark):
    months = {"first_issue_month": date(2020, 1, 1), "last_issue_month": date(2020, 6, 1)}
    raw_loans, raw_payments, true_risk = generate_book(
        spark.range(1), seed=7, drift=0.0, snapshot_date=date(2021, 1, 1), **months, **SHARES
    )
    assert "loan_status" in raw_loans.columns
    assert {"id", "month_on_book", "paid_usd"} <= set(raw_payments.columns)
    assert dict(true_risk.dtypes)["true_pd"] == "double"


def test_damage_and_copies_come_in_their_shares(book):
    raw_loans, true_risk = export_book(book, **SHARES)
    is_broken = (
        (F.col("loan_amnt") == "n/a")
        | (F.col("issue_d") == "31/02/2019")
        | (F.col("annual_inc") == "-45000.0")
        | F.col("dti").startswith("999")
        | (F.col("term") == "48 weeks")
        | (F.col("id") == "")
        | (F.col("loan_status") == "#REF!")
        | (F.col("fico_range_low") == "six hundred")
    )
    [raw] = raw_loans.agg(
        F.count("*").alias("rows"),
        F.count_if(is_broken).alias("broken"),
        F.count_distinct("id", F.lit(0)).alias("ids"),
        F.mean(F.col("mths_since_last_delinq").isNull().cast("int")).alias("no_delinquency"),
        F.mean(F.col("mths_since_last_record").isNull().cast("int")).alias("no_record"),
        F.mean(F.col("emp_length").isNull().cast("int")).alias("no_employer"),
        F.mean(F.col("desc").isNull().cast("int")).alias("no_description"),
    ).collect()
    # Four standard deviations of 200 rare rows are 57.
    assert raw.broken == pytest.approx(200, abs=57)
    assert raw.rows - 20_000 == pytest.approx(200, abs=57)
    assert raw.no_delinquency == pytest.approx(0.61, abs=0.03)
    assert raw.no_record == pytest.approx(0.91, abs=0.02)
    assert raw.no_employer == pytest.approx(0.03, abs=0.006)
    assert raw.no_description == pytest.approx(0.30, abs=0.02)
    assert true_risk.count() == 20_000


def test_half_of_the_copies_contradict_their_original_in_income_alone(book):
    raw_loans, _ = export_book(book, malformed_share=0.0, duplicate_share=0.05)
    others = [name for name in raw_loans.columns if name not in {"id", "annual_inc"}]
    pairs = raw_loans.groupBy("id").agg(
        F.count("*").alias("rows"),
        F.count_distinct("annual_inc").alias("incomes"),
        F.count_distinct(F.to_json(F.struct(*others))).alias("rest"),
    )
    counts = {
        (row.incomes, row.rest): row["count"]
        for row in pairs.where("rows = 2").groupBy("incomes", "rest").count().collect()
    }
    assert set(counts) == {(1, 1), (2, 1)}
    assert counts[2, 1] == pytest.approx(500, abs=90)


def test_a_clean_export_has_no_damage_and_no_copies(book):
    raw_loans, _ = export_book(book.where("id < 2000"), malformed_share=0.0, duplicate_share=0.0)
    [row] = raw_loans.agg(
        F.count("*").alias("rows"),
        F.count(F.col("issue_d").try_cast("date")).alias("dates"),
        F.count(F.col("loan_amnt").try_cast("int")).alias("amounts"),
    ).collect()
    assert (row.rows, row.dates, row.amounts) == (2000, 2000, 2000)


def test_an_application_shows_neither_price_nor_outcome(applications):
    raw_applications, _ = applications
    later = {
        "int_rate", "grade", "sub_grade", "installment", "loan_status", "issue_d", "total_pymnt",
        "last_fico_range_low", "recoveries",
    }  # fmt: skip
    assert not later & set(raw_applications.columns)
    assert {kind for _, kind in raw_applications.dtypes} == {"string"}


def test_applicants_are_other_people_than_borrowers(applications, loans):
    _, true_risk = applications
    theirs = [row.true_pd for row in true_risk.orderBy(F.col("id").cast("int")).limit(50).collect()]
    assert not set(theirs) & set(loans.true_pd)
    assert all(0.0 < pd < 1.0 for pd in theirs)


def test_damaged_applications_come_in_their_share(applications):
    raw_applications, _ = applications
    dates = F.col("application_d").try_cast("date")
    [row] = raw_applications.agg(
        F.count("*").alias("rows"),
        F.count_if(dates.isNull()).alias("undated"),
        F.min(dates).cast("string").alias("first"),
        F.max(dates).cast("string").alias("last"),
    ).collect()
    assert (row.rows, row.first, row["last"]) == (2000, "2024-07-01", "2024-09-01")
    # 5 % over seven kinds of damage: 14 of 2,000, four standard deviations are 15.
    assert 1 <= row.undated <= 30


def test_months_out_of_order_are_refused_by_name(spark):
    months = {"seed": 7, "drift": 1.0, "snapshot_date": date(2024, 7, 1)}
    with pytest.raises(ConfigError, match="2015-01-01.*lies before the first.*2016-01-01"):
        draw_book(
            spark.range(1),
            first_issue_month=date(2016, 1, 1),
            last_issue_month=date(2015, 1, 1),
            **months,
        )
    with pytest.raises(ConfigError, match="snapshot_date .2024-07-01. lies before"):
        draw_book(
            spark.range(1),
            first_issue_month=date(2016, 1, 1),
            last_issue_month=date(2025, 1, 1),
            **months,
        )
