import datetime as dt
from decimal import Decimal
from math import log1p

import pytest

from penstock.lending.lines.features import add_line_features

COLUMNS = (
    "line_id STRING, month DATE, opened_on DATE, limit_usd DECIMAL(12,2), "
    "balance_usd DECIMAL(12,2), days_past_due INT"
)
OPENED = dt.date(2022, 1, 15)


def row(line, month, limit, balance, days=0):
    return (line, dt.date.fromisoformat(month), OPENED, Decimal(limit), Decimal(balance), days)


ROWS = [
    row("a", "2023-01-31", 2000, 1000, 60),
    row("a", "2023-02-28", 2000, 400),
    # Nothing of March.
    row("a", "2023-04-30", 1000, 900, 30),
    row("a", "2023-07-31", 1000, 500),
    row("a", "2023-08-31", 1000, 300),
    row("a", "2024-02-29", 1000, 100),
    row("b", "2023-08-31", 0, 0),
    row("c", "2023-08-31", 10, 900),
]


def features(spark, rows):
    made = add_line_features(spark.createDataFrame(rows, COLUMNS), utilisation_cap=1.5)
    return {(r.line_id, str(r.month)): r for r in made.collect()}


@pytest.fixture(scope="module")
def found(spark):
    return features(spark, ROWS)


def test_features_are_of_the_months_that_they_say_whatever_rows_are_missing(found):
    july, august = found["a", "2023-07-31"], found["a", "2023-08-31"]
    # Six months before July is January; before August it is February, the fourth row.
    assert july.utilisation_change_6m == pytest.approx(0.5 - 0.5)
    assert august.utilisation_change_6m == pytest.approx(0.3 - 0.2)
    assert found["a", "2024-02-29"].utilisation_change_6m == pytest.approx(0.1 - 0.3)
    assert found["a", "2023-04-30"].utilisation_change_6m is None
    assert (july.greatest_utilisation_12m, august.worst_days_past_due_6m) == (0.9, 30)
    assert found["a", "2023-02-28"].worst_days_past_due_6m == 60
    assert (july.months_on_book, july.log_limit) == (18, pytest.approx(log1p(1000)))


def test_a_limit_cut_is_seen_for_twelve_months(found):
    cut = {month: row.has_limit_cut_12m for (line, month), row in found.items() if line == "a"}
    assert cut == {
        "2023-01-31": False, "2023-02-28": False, "2023-04-30": True, "2023-07-31": True,
        "2023-08-31": True, "2024-02-29": True,
    }  # fmt: skip


def test_without_a_limit_utilisation_is_unknown_and_a_great_one_is_capped(found):
    assert found["b", "2023-08-31"].utilisation is None
    assert found["b", "2023-08-31"].greatest_utilisation_12m is None
    assert found["c", "2023-08-31"].utilisation == 1.5


def test_what_comes_later_changes_no_feature(spark, found):
    early = features(spark, [r for r in ROWS if r[1] <= dt.date(2023, 7, 31)])
    assert early == {key: row for key, row in found.items() if key in early}
