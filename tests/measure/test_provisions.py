"""The report on provisions, by hand."""

import datetime as dt
from decimal import Decimal

import pytest

from penstock.errors import DataError
from penstock.measure.provisions import (
    PROVISION_COLUMNS,
    STEPS,
    WALK_COLUMNS,
    report_provisions,
)

EARLIER, LATER = dt.date(2015, 12, 31), dt.date(2016, 12, 31)


def provision(day, stage, balance, allowance):
    return (day, stage, Decimal(balance), Decimal(allowance), Decimal(3), Decimal(5), 0.5)


def moved(before, after, loans, **steps):
    return (LATER, before, after, loans, *[Decimal(steps.get(step, 0)) for step in STEPS])


@pytest.fixture(scope="module")
def evidence(spark):
    provisions = [
        provision(EARLIER, 1, 100, 2),
        provision(LATER, 1, 300, 3),
        provision(LATER, 1, 100, 2),
        provision(LATER, 3, 100, 80),
    ]
    walk = [
        moved(1, 3, 1, opening=2, stage=10, pd=68, closing=80),
        moved(0, 1, 2, new=5, closing=5),
        moved(2, 0, 4, opening=7, closed=-7),
        moved(1, 1, 3, opening=3, ead=-3),
    ]
    return report_provisions(
        spark.createDataFrame(provisions, PROVISION_COLUMNS),
        spark.createDataFrame(walk, WALK_COLUMNS),
    )


def test_metrics_are_of_the_last_date(evidence):
    assert evidence.metrics == {
        "exposures": 3,
        "balance_usd": 500,
        "allowance_usd": 85,
        "expected_loss_usd": 9,
        "capital_usd": 15,
        "coverage": pytest.approx(0.17),
        "stage_1_share": pytest.approx(0.8),
        "stage_2_share": 0,
        "stage_3_share": pytest.approx(0.2),
    }


def test_stages_have_their_coverage_and_shares_of_their_date(evidence):
    assert evidence.tables["stages"].rows == (
        ("2015-12-31", 1, 1, 100, 1, 2, pytest.approx(0.02)),
        ("2016-12-31", 1, 2, 400, 0.8, 5, pytest.approx(0.0125)),
        ("2016-12-31", 3, 1, 100, 0.2, 80, pytest.approx(0.8)),
    )
    drawn = [(s.name, s.x, s.y) for s in evidence.figures["coverage"].series]
    assert drawn == [
        ("stage 1", ("2015-12-31", "2016-12-31"), pytest.approx((0.02, 0.0125))),
        ("stage 3", ("2016-12-31",), pytest.approx((0.8,))),
    ]


def test_loans_migrate_as_shares_of_where_they_came_from(evidence):
    assert evidence.tables["migration"].rows == (
        ("2016-12-31", "new", 2, 1, 0, 0, 0),
        ("2016-12-31", 1, 4, 0.75, 0, 0.25, 0),
        ("2016-12-31", 2, 4, 0, 0, 0, 1),
    )


def test_the_walk_is_the_sum_of_all_stages(evidence):
    [row] = evidence.tables["walk"].rows
    assert dict(zip(STEPS, row[1:], strict=True)) == {
        "opening": 12, "closed": -7, "new": 5, "stage": 10, "pd": 68, "lgd": 0, "ead": -3,
        "macro": 0, "overlay": 0, "closing": 85,
    }  # fmt: skip
    assert row[1] + sum(row[2:-1]) == row[-1]
    [drawn] = evidence.figures["walk"].series
    assert (drawn.x, drawn.y) == (STEPS[1:-1], row[2:-1])


def test_one_date_has_no_walk_and_none_is_refused(spark):
    provisions = spark.createDataFrame([provision(LATER, 1, 100, 2)], PROVISION_COLUMNS)
    nothing = spark.createDataFrame([], WALK_COLUMNS)
    report = report_provisions(provisions, nothing)
    assert report.tables["walk"].rows == report.tables["migration"].rows == ()
    assert report.figures.keys() == {"coverage"}
    with pytest.raises(DataError, match=r"no exposures to report.*params.common.outlooks"):
        report_provisions(provisions.limit(0), nothing)
