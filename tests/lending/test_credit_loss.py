"""Expected credit loss in closed form, against month by month, scenario by scenario."""

import datetime as dt
import random
from decimal import Decimal

import numpy as np
import pytest
from creditriskengine.ecl.ifrs9.ecl_calc import ecl_lifetime
from creditriskengine.ecl.ifrs9.scenarios import Scenario, weighted_ecl

from penstock.lending.credit_loss import add_credit_loss
from penstock.lending.default_timing import estimate_default_timing
from penstock.lending.provision_checks import EXPOSURE_COLUMNS

DAY = dt.date(2015, 12, 31)
SEGMENTS = 7  # of which neither term is a multiple
PARAMETERS = {
    "segments": SEGMENTS,
    "outlooks": [{"reporting_date": DAY, "pd_odds": 1.2, "overlay": 0.0}],
    "scenarios": [
        {"name": "base", "weight": 0.5, "pd_odds": 1.0, "lgd": 1.0},
        {"name": "up", "weight": 0.2, "pd_odds": 0.7, "lgd": 0.9},
        {"name": "down", "weight": 0.3, "pd_odds": 2.0, "lgd": 1.3},
    ],
    "past_due_floors": [{"days": 30, "pd": 0.4}, {"days": 60, "pd": 0.7}],
}
RANDOM = random.Random(5)


def labelled_loans(spark):
    rows = []
    for _ in range(400):
        term, is_bad = RANDOM.choice([36, 60]), RANDOM.random() < 0.3
        paid = RANDOM.randrange(0 if is_bad else 1, term)
        last = dt.date(2005 + paid // 12, paid % 12 + 1, 1)
        rows.append((term, dt.date(2005, 1, 1), last if paid else None, int(is_bad)))
    columns = "term_months INT, issue_date DATE, last_payment_date DATE, is_bad INT"
    return spark.createDataFrame(rows, columns)


def exposure(name, term, paid, rate, *, days=0):
    return (
        name, DAY, dt.date(2015, 1, 1), term, rate, "B", paid, term - paid, days, days >= 90,
        Decimal(f"{RANDOM.uniform(100, 40_000):.2f}"),
    )  # fmt: skip


EXPOSURES = [
    *[
        exposure(f"{term}/{paid}", term, paid, RANDOM.uniform(0.002, 0.35))
        for term in (36, 60)
        for paid in (0, 1, 7, 11, 22, term - 13, term - 12, term - 1)
    ],
    exposure("late", 36, 7, 0.1, days=30),
    exposure("later", 60, 7, 0.1, days=89),
    exposure("default", 36, 3, 0.1, days=90),
]
RISK = {row[0]: (RANDOM.uniform(0.005, 0.6), RANDOM.uniform(0.05, 1.0)) for row in EXPOSURES}


@pytest.fixture(scope="module")
def timing(spark):
    return estimate_default_timing(labelled_loans(spark), segments=SEGMENTS).persist()


@pytest.fixture(scope="module")
def losses(spark, timing):
    exposures = spark.createDataFrame(EXPOSURES, EXPOSURE_COLUMNS)
    risk = spark.createDataFrame(
        [(k, *v) for k, v in RISK.items()], "loan_id STRING, pd DOUBLE, lgd DOUBLE"
    )
    found = add_credit_loss(exposures, risk, timing, **PARAMETERS).collect()
    timing.unpersist()
    return {row.loan_id: row for row in found}


@pytest.fixture(scope="module")
def curves(timing):
    return {(row.term_months, row.month): row for row in timing.collect()}


def month_by_month(row, curves, months):
    """Return the loss by marginal PDs, balances and discount factors of each month to come."""
    pd, lgd = RISK[row.loan_id]
    so_far = curves[row.term_months, row.instalments_paid] if row.instalments_paid else None
    to_come = 1 - so_far.default_share if so_far else 1.0
    still_open = so_far.open_share if so_far else 1.0
    lifetime = pd * to_come / (pd * to_come + (1 - pd) * still_open)
    for floor in PARAMETERS["past_due_floors"]:
        if row.days_past_due >= floor["days"]:
            lifetime = max(lifetime, floor["pd"])
    monthly = row.interest_rate / 12
    instalment = float(row.balance_usd) * monthly / (1 - (1 + monthly) ** -row.remaining_months)
    balance, balances, shares = float(row.balance_usd), [], []
    for month in range(1, months + 1):
        balances.append(balance)
        balance = balance * (1 + monthly) - instalment
        share = curves[row.term_months, row.instalments_paid + month].monthly_share
        shares.append(share / to_come)
    scenarios = []
    for scenario in PARAMETERS["scenarios"]:
        odds = lifetime / (1 - lifetime) * 1.2 * scenario["pd_odds"]
        marginal = np.array(shares) * odds / (1 + odds)
        loss = ecl_lifetime(marginal, min(1.0, lgd * scenario["lgd"]), np.array(balances), monthly)
        scenarios.append(Scenario(scenario["name"], scenario["weight"], loss))
    return weighted_ecl(scenarios)


def product(row, horizon):
    pd = row.pd_12m if horizon == "12m" else row.lifetime_pd
    return row.lgd * pd * row[f"exposure_{horizon}_usd"] * row.macro_factor


def test_losses_equal_another_implementations_month_by_month(losses, curves):
    performing = [row for row in losses.values() if not row.is_default]
    assert len(performing) == len(EXPOSURES) - 1 == 18
    for row in performing:
        whole = month_by_month(row, curves, row.remaining_months)
        year = month_by_month(row, curves, min(12, row.remaining_months))
        assert product(row, "lifetime") == pytest.approx(whole, rel=1e-9), row.loan_id
        assert product(row, "12m") == pytest.approx(year, rel=1e-9), row.loan_id
        assert float(row.ecl_lifetime_usd) == pytest.approx(whole, abs=0.0051)
        assert float(row.ecl_12m_usd) == pytest.approx(year, abs=0.0051)


def test_in_the_last_year_twelve_months_are_the_whole_life(losses):
    for row in losses.values():
        assert row.pd_12m <= row.lifetime_pd * (1 + 1e-12)
        if row.remaining_months <= 12:
            assert row.pd_12m == pytest.approx(row.lifetime_pd, rel=1e-12)
            assert row.ecl_12m_usd == row.ecl_lifetime_usd


def test_a_loan_in_default_loses_its_lgd_of_the_balance_whatever_the_outlook(losses):
    row = losses["default"]
    lgd = RISK["default"][1]
    weighted = 0.5 * lgd + 0.2 * 0.9 * lgd + 0.3 * min(1, 1.3 * lgd)
    expected = float(row.balance_usd) * weighted
    assert float(row.ecl_12m_usd) == pytest.approx(expected, abs=0.0051)
    assert row.ecl_lifetime_usd == row.ecl_12m_usd
    assert (row.pd_12m, row.lifetime_pd, row.scenario_lifetime_pd) == pytest.approx((1, 1, 1))


def test_a_new_loan_has_the_pd_of_its_whole_term_and_arrears_have_their_least(losses):
    assert losses["36/0"].lifetime_pd == pytest.approx(RISK["36/0"][0], rel=1e-12)
    assert losses["36/0"].expected_lifetime_pd == losses["36/0"].lifetime_pd
    assert losses["late"].lifetime_pd >= 0.4 and losses["later"].lifetime_pd >= 0.7
    assert losses["later"].expected_lifetime_pd < losses["later"].lifetime_pd or (
        losses["later"].expected_lifetime_pd >= 0.7
    )


def test_what_is_unknown_is_null(spark, timing):
    exposures = spark.createDataFrame(
        [exposure("no pd", 36, 3, 0.1, days=60), exposure("no curve", 48, 3, 0.1)],
        EXPOSURE_COLUMNS,
    )
    risk = spark.createDataFrame(
        [("no pd", None, 0.5), ("no curve", 0.1, 0.5)], "loan_id STRING, pd DOUBLE, lgd DOUBLE"
    )
    found = add_credit_loss(exposures, risk, timing, **PARAMETERS).collect()
    assert [(row.pd_12m, row.ecl_12m_usd, row.ecl_lifetime_usd) for row in found] == [
        (None, None, None)
    ] * 2
