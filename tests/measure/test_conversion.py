import datetime as dt

import pytest

from penstock.errors import DataError
from penstock.measure.conversion import LINE_DEFAULT_COLUMNS, report_conversion
from tests.lending.lines.rows import usd


def default(year, basis, ccf=None, undrawn=1000):
    clipped = None if ccf is None else min(max(ccf, 0.0), 1.0)
    drawn = 0 if ccf is None else ccf * undrawn
    return (dt.date(year, 6, 30), basis, ccf, clipped, usd(undrawn), usd(500), usd(500 + drawn))


DEFAULTS = [
    default(2021, "CCF", -0.7),
    default(2021, "CCF", 0.0),
    default(2022, "CCF", 0.55, undrawn=3000),
    default(2022, "CCF", 1.25),
    default(2022, "CCF", 1.0),
    default(2022, "EAD factor"),
    default(2022, "EAD factor"),
    default(2023, "no reference"),
]


def test_what_is_clipped_and_left_out_is_counted(spark):
    evidence = report_conversion(spark.createDataFrame(DEFAULTS, LINE_DEFAULT_COLUMNS))
    assert evidence.metrics == pytest.approx(
        {
            "defaults": 8,
            "with_ccf": 5,
            "near_limit": 2,
            "left_out": 1,
            "below_0": 1,
            "above_1": 1,
            "mean_ccf": (0 + 0 + 0.55 + 1 + 1) / 5,
            "mean_ccf_uncapped": (0 + 0 + 0.55 + 1.25 + 1) / 5,
            "drawn_share": (-700 + 0 + 1650 + 1250 + 1000) / 7000,
        }
    )
    assert evidence.tables["bases"].rows == (
        ("CCF", 5, 0.625), ("EAD factor", 2, 0.25), ("no reference", 1, 0.125),
    )  # fmt: skip
    assert evidence.tables["years"].rows == (
        ("2021", 2, 2, 1, 0, 0.0, 0.0),
        ("2022", 5, 3, 0, 1, pytest.approx(2.55 / 3), pytest.approx(2.8 / 3)),
        ("2023", 1, 0, 0, 0, None, None),
    )
    [series] = evidence.figures["distribution"].series
    shares = {round(x, 2): y for x, y in zip(series.x, series.y, strict=True) if y}
    # What lies beyond the figure is in its outermost bars.
    assert shares == pytest.approx({-0.45: 0.2, 0.05: 0.2, 0.55: 0.2, 1.05: 0.2, 1.25: 0.2})


def test_without_a_ccf_there_is_no_mean_and_without_a_default_no_report(spark):
    table = spark.createDataFrame(DEFAULTS, LINE_DEFAULT_COLUMNS)
    evidence = report_conversion(table.where("basis != 'CCF'"))
    assert (evidence.metrics["mean_ccf"], evidence.figures) == (None, {})
    with pytest.raises(DataError, match="There are no defaults of credit lines"):
        report_conversion(table.limit(0))
