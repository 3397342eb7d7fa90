import datetime as dt

import pytest

from penstock.errors import ConfigError
from penstock.lending.lines.samples import split_line_defaults

DATES = {
    "train_until": dt.date(2021, 12, 31),
    "test_from": dt.date(2021, 12, 31),
    "test_until": dt.date(2023, 6, 30),
}


def test_who_judges_is_looked_at_when_all_that_was_learnt_had_happened(spark):
    days = [
        ("2020-12-31", "2021-12-31"),
        ("2021-01-31", "2022-01-31"),
        ("2021-12-31", "2022-12-31"),
        ("2022-06-30", "2023-06-30"),
        ("2022-07-31", "2023-07-31"),
    ]
    rows = [
        (f"{until} {basis}", dt.date.fromisoformat(since), dt.date.fromisoformat(until), basis)
        for since, until in days
        for basis in ("CCF", "EAD factor", "no reference")
    ]
    table = spark.createDataFrame(
        rows, "line_id STRING, reference_month DATE, default_month DATE, basis STRING"
    )
    parts = split_line_defaults(table, **DATES)
    found = [sorted(row.line_id for row in part.collect()) for part in parts]
    assert found == [
        ["2021-12-31 CCF"],
        ["2021-12-31 EAD factor"],
        ["2022-12-31 CCF", "2022-12-31 EAD factor", "2023-06-30 CCF", "2023-06-30 EAD factor"],
    ]
    with pytest.raises(ConfigError, match=r"test_from=2021-12-30.*section split_line_defaults"):
        split_line_defaults(table, **DATES | {"test_from": dt.date(2021, 12, 30)})
