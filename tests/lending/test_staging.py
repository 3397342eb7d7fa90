"""Stages at their boundaries, and the allowance that goes with each."""

import datetime as dt
import math
from decimal import Decimal
from itertools import product

from creditriskengine.core.types import IFRS9Stage
from creditriskengine.ecl.ifrs9.sicr import assess_sicr
from creditriskengine.ecl.ifrs9.staging import assign_stage

from penstock.lending.staging import add_stage

DAYS = (dt.date(2015, 12, 31), dt.date(2016, 12, 31))
COLUMNS = (
    "reporting_date DATE, expected_lifetime_pd DOUBLE, scenario_lifetime_pd DOUBLE, "
    "days_past_due INT, is_default BOOLEAN, ecl_12m_usd DECIMAL(14,2), "
    "ecl_lifetime_usd DECIMAL(14,2)"
)
PARAMETERS = {
    "outlooks": [
        {"reporting_date": day, "pd_odds": 1.0, "overlay": overlay}
        for day, overlay in zip(DAYS, (0.0, 0.1), strict=True)
    ],
    "min_pd_ratio": 2.0,
    "min_pd_rise": 0.005,
    "significant_days": 30,
}


def staged(spark, *cases, day=DAYS[0]):
    money = (Decimal("10.00"), Decimal("33.30"))
    rows = [(day, *case, case[2] >= 90, *money) for case in cases]
    return add_stage(spark.createDataFrame(rows, COLUMNS), **PARAMETERS).collect()


def test_risk_has_increased_where_it_doubled_and_rose_or_is_late_to_the_day(spark):
    cases = [
        (0.005, 0.010, 0),  # doubled and risen by 50 bp, both exactly
        (0.01, 0.02, 0),  # doubled exactly
        (0.001, 0.006, 0),  # risen by 50 bp exactly
        (0.001, 0.0059, 0),  # risen by 49 bp
        (0.01, 0.0199, 0),  # not doubled
        (0.001, 0.004, 0),  # risen by 30 bp only
        (0.2, 0.3, 0),  # risen by far, not doubled
        (0.2, 0.2, 29),
        (0.2, 0.2, 30),
        (0.2, 0.2, 89),
        (0.2, 1.0, 90),
    ]
    found = [row.stage for row in staged(spark, *cases)]
    assert found == [2, 2, 2, 1, 1, 1, 1, 1, 2, 2, 3]
    assert found == [other_stage(*case) for case in cases]


def test_stages_are_another_implementations_on_a_grid_of_pds_and_days(spark):
    pds = [n / 2000 for n in (1, 2, 5, 10, 11, 20, 30, 200, 1000)]
    cases = list(product(pds, pds, (0, 29, 30, 89, 90)))
    found = [row.stage for row in staged(spark, *cases)]
    assert found == [other_stage(*case) for case in cases]
    assert {*found} == {1, 2, 3}


def other_stage(expected, lifetime, days):
    """Return the stage by `creditriskengine`, which is content with a multiple or a rise.

    What lies exactly at a limit, the thirtieth day too, it counts as below.
    """
    sicr = {"relative_threshold": math.inf, "absolute_threshold": math.inf, "dpd_backstop": 29}
    limits = {"relative_threshold": 2.0, "absolute_threshold": 0.005}
    is_riskier = all(
        assess_sicr(lifetime, expected, days, **sicr | {name: math.nextafter(limit, 0)})
        for name, limit in limits.items()
    )
    stage = assign_stage(days, is_defaulted=days >= 90, sicr_triggered=is_riskier, dpd_backstop=29)
    return {IFRS9Stage.STAGE_1: 1, IFRS9Stage.STAGE_2: 2, IFRS9Stage.STAGE_3: 3}[stage]


def test_the_allowance_is_that_of_the_stage_with_what_judgement_adds(spark):
    cases = [(0.2, 0.2, 0), (0.2, 0.2, 30), (0.2, 1.0, 90)]
    plain = [(row.overlay_usd, row.allowance_usd) for row in staged(spark, *cases)]
    assert plain == [(0, 10), (0, Decimal("33.30")), (0, Decimal("33.30"))]
    added = [(r.overlay_usd, r.allowance_usd) for r in staged(spark, *cases, day=DAYS[1])]
    assert added == [
        (1, 11),
        (Decimal("3.33"), Decimal("36.63")),
        (0, Decimal("33.30")),  # in default nothing is added
    ]
