"""The walk from one allowance to the next adds up to the cent, and each step is its own."""

import datetime as dt
import random
from decimal import Decimal

from pyspark.sql import functions as F

from penstock.lending.allowance_walk import STEPS, walk_allowance
from penstock.lending.provision_checks import WALK_CHECKS

DAYS = (dt.date(2015, 12, 31), dt.date(2016, 12, 31), dt.date(2017, 12, 31))
OUTLOOKS = [{"reporting_date": day, "pd_odds": 1.0, "overlay": 0.0} for day in DAYS]
COLUMNS = (
    "reporting_date DATE, loan_id STRING, stage INT, lgd DOUBLE, lifetime_pd DOUBLE, "
    "pd_12m DOUBLE, exposure_lifetime_usd DOUBLE, exposure_12m_usd DOUBLE, macro_factor DOUBLE, "
    "overlay_usd DECIMAL(14,2), allowance_usd DECIMAL(14,2)"
)


def provision(day, name, stage, *, lgd, pds, exposures, macro, overlay="0.00"):
    """Return a row; PDs and exposures are those of twelve months and of the life."""
    pd, exposure = (pds[0], exposures[0]) if stage == 1 else (pds[1], exposures[1])
    modelled = Decimal(lgd * pd * exposure * macro).quantize(Decimal("0.01"))
    whole = modelled + Decimal(overlay)
    return (day, name, stage, lgd, *pds[::-1], *exposures[::-1], macro, Decimal(overlay), whole)


def walked(spark, rows, outlooks=OUTLOOKS):
    found = walk_allowance(spark.createDataFrame(rows, COLUMNS), outlooks=outlooks)
    kept = [F.expr(sql).alias("is_whole") for sql in WALK_CHECKS.values()]
    return found.select("*", *kept).collect()


def test_a_loan_is_walked_step_by_step_and_others_come_and_go(spark):
    rows = [
        # 12 months: .1 x .5 x 1000; life: .2 x .5 x 800.
        provision(
            DAYS[0], "stays", 1, lgd=0.5, pds=(0.1, 0.2), exposures=(1000.0, 800.0), macro=1.0
        ),
        provision(
            DAYS[1], "stays", 2, lgd=0.6, pds=(0.2, 0.4), exposures=(700.0, 500.0), macro=1.1,
            overlay="7.00",
        ),
        provision(
            DAYS[0], "goes", 3, lgd=0.5, pds=(1.0, 1.0), exposures=(100.0, 100.0), macro=1.0
        ),
        provision(
            DAYS[1], "comes", 1, lgd=0.5, pds=(0.1, 0.2), exposures=(400.0, 300.0), macro=1.0,
            overlay="1.00",
        ),
    ]  # fmt: skip
    found = {(r.stage_before, r.stage_after): r for r in walked(spark, rows)}
    moved = {
        key: {step: float(row[f"{step}_usd"]) for step in STEPS if row[f"{step}_usd"]}
        for key, row in found.items()
        if row.reporting_date == DAYS[1]
    }
    assert moved == {
        (1, 2): {
            "stage": 30.0,  # 50 -> 80: twelve months to the life
            "pd": 80.0,  # .2 -> .4
            "lgd": 32.0,  # .5 -> .6
            "ead": -72.0,  # 800 -> 500
            "macro": 12.0,  # 120 -> 132
            "overlay": 7.0,
        },
        (3, 0): {"closed": -50.0},
        (0, 1): {"new": 21.0},
    }
    assert all(row.is_whole for row in found.values())


def test_it_adds_up_to_the_cent_from_date_to_date_whatever_the_numbers(spark):
    draw = random.Random(11)
    rows = []
    for day in DAYS:
        for loan in range(300):
            if draw.random() < 0.7:
                year, life = sorted((draw.random(), draw.random()))
                near, far = draw.uniform(1, 40_000), draw.uniform(1, 40_000)
                stage, overlay = draw.choice([1, 2, 3]), f"{draw.uniform(0, 9):.2f}"
                rows.append(
                    provision(
                        day, f"{loan}", stage, lgd=draw.random(), pds=(year, life),
                        exposures=(near, far), macro=draw.uniform(0.5, 2), overlay=overlay,
                    )
                )  # fmt: skip
    found = walked(spark, rows)
    assert all(row.is_whole for row in found)
    for before, after in zip(DAYS, DAYS[1:], strict=False):
        of_pair = [row for row in found if row.reporting_date == after]
        for side, day in (("opening_usd", before), ("closing_usd", after)):
            total = sum(row[-1] for row in rows if row[0] == day)
            assert sum(row[side] for row in of_pair) == total
    assert len(found) == 30  # three stages or none, to three stages or none, but none to none


def test_with_one_date_there_is_no_walk(spark):
    rows = [provision(DAYS[0], "a", 1, lgd=0.5, pds=(0.1, 0.2), exposures=(10.0, 9.0), macro=1.0)]
    assert walked(spark, rows, OUTLOOKS[:1]) == []
