"""Texts as they stand in raw files, read one by one."""

import datetime
from decimal import Decimal

from penstock.lending.parsing import (
    date,
    fraction,
    money,
    months,
    percent,
    text,
    whole_number,
    years_employed,
)


def read(spark, parse, *texts):
    raw = spark.createDataFrame([(value,) for value in texts], "raw STRING").coalesce(1)
    return [row.value for row in raw.select(parse(text("raw")).alias("value")).collect()]


def test_empty_and_not_available_are_missing_and_none_is_a_word(spark):
    texts = (None, "", "  ", "NA", "n/a", " N/A ", "NONE", " car ")
    assert read(spark, lambda value: value, *texts) == [None] * 6 + ["NONE", "car"]


def test_whole_numbers_come_with_or_without_decimals_and_are_never_cut(spark):
    texts = ("2", "2.0", "-1", "2.5", "two", "99999999999", "NaN", None)
    assert read(spark, whole_number, *texts) == [2, 2, -1, None, None, None, None, None]


def test_money_is_rounded_to_cents_and_too_much_of_it_is_unreadable(spark):
    cents = read(spark, lambda value: money(value, 12), "14071.3189", "0.005", "1e11", "$5", "inf")
    assert cents == [Decimal("14071.32"), Decimal("0.01"), None, None, None]


def test_a_fraction_is_read_with_and_without_its_percent_sign(spark):
    fractions = read(spark, fraction, " 10.65%", "0.1065", "7.5 %", "119%", "%", "NaN", "a lot")
    assert fractions == [0.1065, 0.1065, 0.075, 1.19, None, None, None]


def test_a_percentage_becomes_a_fraction(spark):
    assert read(spark, percent, "14.04", "0", "14.04%") == [0.1404, 0.0, None]


def test_dates_are_days_or_months_and_must_exist(spark):
    texts = ("2011-12-31", "Dec-2011", "dec-2011", "2011-02-30", "31/12/2011", "2011", "Dec-11")
    december = datetime.date(2011, 12, 1)
    assert (
        read(spark, date, *texts) == [datetime.date(2011, 12, 31), december, december] + [None] * 4
    )


def test_terms_are_read_with_and_without_their_unit(spark):
    assert read(spark, months, " 36 months", "60", "1 month", "3 years") == [36, 60, 1, None]


def test_years_employed_have_two_open_ends(spark):
    texts = ("< 1 year", "1 year", "3 years", "10+ years", "4", "n/a", "long")
    assert read(spark, years_employed, *texts) == [0, 1, 3, 10, 4, None, None]
