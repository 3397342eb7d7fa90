import datetime as dt
from decimal import Decimal

from penstock.columns import columns_in
from penstock.lending.lines.checks import LINE_MONTH_CHECKS, LINE_MONTH_COLUMNS, RAW_LINE_COLUMNS
from penstock.lending.lines.reading import read_line_months

GOOD = ("a", "2024-02-10", "2020-05-07", "1000", "250.5", "0", "false", "0.02", "0.7")
FIELDS = [field.split()[0] for field in RAW_LINE_COLUMNS.split(", ")]


def changed(**texts):
    return tuple(dict(zip(FIELDS, GOOD, strict=True), **texts).values())


def test_texts_become_columns_and_a_credit_balance_is_none(spark, broken_rules):
    rows = [
        GOOD,
        changed(balance_usd="-12.00", is_default="1", pd_12m="", lgd="NA"),
        changed(limit_usd="n/a"),
        changed(limit_usd="-1"),
        changed(month="soon"),
        changed(balance_usd=None),
        changed(opened_on="2024-03-01"),
        changed(days_past_due="-1", is_default="maybe"),
        changed(pd_12m="1.2", lgd="high"),
    ]
    read = read_line_months(spark.createDataFrame(rows, RAW_LINE_COLUMNS))
    wanted = columns_in(LINE_MONTH_COLUMNS).names
    first, credit = read.select(wanted).collect()[:2]
    assert tuple(first) == (
        "a", dt.date(2024, 2, 29), dt.date(2020, 5, 7), 1000, Decimal("250.50"), 0, False, 0.02, 0.7
    )  # fmt: skip
    assert (credit.balance_usd, credit.is_default, credit.pd_12m, credit.lgd) == (
        0, True, None, None,
    )  # fmt: skip
    assert broken_rules(read, LINE_MONTH_CHECKS) == [
        [],
        [],
        ["limit_not_negative"],
        ["limit_not_negative"],
        ["opened_by_the_month"],  # and its key, which the contract asks for
        ["balance_is_known"],
        ["opened_by_the_month"],
        ["days_past_due_not_negative", "default_is_known"],
        ["pd_in_range", "lgd_is_read"],
    ]
