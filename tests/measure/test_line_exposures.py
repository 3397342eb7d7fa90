import datetime as dt

import pytest

from penstock.errors import DataError
from penstock.measure.line_exposures import LINE_EXPOSURE_COLUMNS, report_line_exposures
from tests.lending.lines.rows import usd

EARLY, LATE = dt.date(2024, 6, 30), dt.date(2024, 12, 31)


def line(day, basis, limit, balance, *told):
    undrawn = max(limit - balance, 0)
    money = map(usd, (limit, balance, undrawn, *told))
    return (day, basis == "balance", basis, *money)


LINES = [
    line(EARLY, "CCF", 1000, 100, 550, 10),
    line(LATE, "CCF", 1000, 100, 550, 10),
    line(LATE, "CCF", 3000, 2000, 2250, None),
    line(LATE, "EAD factor", 1000, 1100, 1150, 20),
    line(LATE, "balance", 1000, 500, 500, 300),
    line(LATE, "balance", 0, 50, 50, 30),
]


def test_the_book_of_the_last_date_is_added_up_and_told_apart(spark):
    evidence = report_line_exposures(spark.createDataFrame(LINES, LINE_EXPOSURE_COLUMNS))
    assert evidence.metrics == pytest.approx(
        {
            "lines": 5,
            "limit_usd": 6000,
            "balance_usd": 3750,
            "undrawn_usd": 2400,
            "ead_usd": 4500,
            "expected_loss_usd": 360,
            # 450 + 250 + 50 of the 1,900 of those not in default.
            "mean_ccf": 750 / 1900,
            "without_loss": 1,
        }
    )
    assert [row[:2] for row in evidence.tables["dates"].rows] == [
        ("2024-06-30", 1), ("2024-12-31", 5),
    ]  # fmt: skip
    assert [row[:2] for row in evidence.tables["bases"].rows] == [
        ("CCF", 2), ("EAD factor", 1), ("balance", 2),
    ]  # fmt: skip
    bands = {row[0]: row[1] for row in evidence.tables["bands"].rows}
    assert bands == {"0-20 %": 1, "40-60 %": 1, "60-80 %": 1, "100 % or more": 2}
    owed, _ = evidence.figures["bands"].series
    assert dict(zip(owed.x, owed.y, strict=True)) == pytest.approx(
        {"0-20 %": 0.55, "40-60 %": 0.5, "60-80 %": 0.75, "100 % or more": 1.2}
    )


def test_a_book_without_a_line_is_told(spark):
    with pytest.raises(DataError, match="no open credit lines.*reporting_dates"):
        report_line_exposures(spark.createDataFrame([], LINE_EXPOSURE_COLUMNS))
