"""Expected credit loss in closed form, against month by month, scenario by scenario."""

import datetime as dt
import random
import re
from decimal import Decimal

import numpy as np
import pytest
from creditriskengine.ecl.ifrs9.ecl_calc import ecl_lifetime
from creditriskengine.ecl.ifrs9.scenarios import Scenario, weighted_ecl
from pyspark.sql import functions as F

from penstock.columns import columns_in
from penstock.lending.capital import add_capital
from penstock.lending.credit_loss import add_credit_loss
from penstock.lending.default_timing import estimate_default_timing
from penstock.lending.provision_checks import DEFAULT_TIMING_COLUMNS, EXPOSURE_COLUMNS
from penstock.lending.staging import add_stage

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
    exposure("nothing to lose", 36, 3, 0.1),
]
RISK = {row[0]: (RANDOM.uniform(0.005, 0.6), RANDOM.uniform(0.05, 1.0)) for row in EXPOSURES}
RISK["nothing to lose"] = (0.2, 0.0)


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
    assert len(performing) == len(EXPOSURES) - 1 == 19
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


def test_where_nothing_can_be_lost_there_is_no_loss_and_no_factor(losses):
    row = losses["nothing to lose"]
    assert (row.ecl_12m_usd, row.ecl_lifetime_usd, row.macro_factor) == (0, 0, 1.0)
    assert row.scenario_lifetime_pd > row.lifetime_pd > 0


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


EIR = 0.0793082611605285  # 100,000 against five times 25,000


@pytest.mark.parametrize(
    ("pds", "published"), [((0.03, 0.03, 0.03, 0.04, 0.04), 6722), ((0.03, 0, 0, 0, 0), 2224)]
)
def test_losses_of_a_published_example_over_the_life_and_of_its_first_year(spark, pds, published):
    """A period is a year there, and stands for a month here.

    Source: IFRScommunity.com, IFRS 9 Impairment, "12-month ECL vs lifetime ECL", with its
    spreadsheet of 20 January 2019: 100,000 paid back by 25,000 in each of five years, an LGD of
    80 %, these marginal PDs. It is in whole units, and by days, of which one year has 366: its
    balances differ from an annuity's by up to 8, its losses by less than a unit.
    """
    years = range(1, 6)
    assert 25_000 * sum((1 + EIR) ** -year for year in years) == pytest.approx(100_000)
    shares = np.array(pds) / sum(pds)
    curve = zip([5] * 5, years, [1] * 5, [1] * 5, shares, np.cumsum(shares), [1.0] * 5, strict=True)
    timing = spark.createDataFrame(
        [tuple(map(float, row)) for row in curve],
        ", ".join(f"{name} DOUBLE" for name in columns_in(DEFAULT_TIMING_COLUMNS).names),
    ).withColumns({name: F.col(name).cast("int") for name in ("term_months", "month")})
    loan = ("a", DAY, DAY, 5, 12 * EIR, "B", 0, 5, 0, False, Decimal("100000.00"))
    alone = {
        "segments": 5,
        "outlooks": [{"reporting_date": DAY, "pd_odds": 1.0, "overlay": 0.0}],
        "scenarios": [{"name": "only", "weight": 1.0, "pd_odds": 1.0, "lgd": 1.0}],
        "past_due_floors": [],
    }
    [found] = add_credit_loss(
        spark.createDataFrame([loan], EXPOSURE_COLUMNS),
        spark.createDataFrame([("a", sum(pds), 0.8)], "loan_id STRING, pd DOUBLE, lgd DOUBLE"),
        timing,
        **alone,
    ).collect()
    balances = [25_000 * (1 - (1 + EIR) ** (year - 6)) / EIR for year in years]
    by_hand = sum(
        0.8 * pd * balance / (1 + EIR) ** year
        for year, pd, balance in zip(years, pds, balances, strict=True)
    )
    assert product(found, "lifetime") == pytest.approx(by_hand, rel=1e-9)
    assert round(float(found.ecl_lifetime_usd)) == published


def plan_of(table):
    """Return the operators of a plan, one on each line, without what they work on."""
    lines = table._jdf.queryExecution().executedPlan().toString().splitlines()
    return [found[0] for line in lines if (found := re.search(r"[A-Z]\w+", line))]


def test_from_exposures_to_capital_no_row_is_made_for_a_month_or_a_scenario(spark, curves):
    exposures = spark.createDataFrame(EXPOSURES, EXPOSURE_COLUMNS)
    risk = spark.createDataFrame(
        [(k, *v) for k, v in RISK.items()], "loan_id STRING, pd DOUBLE, lgd DOUBLE"
    )
    timing = spark.createDataFrame([*curves.values()], DEFAULT_TIMING_COLUMNS)
    losses = add_credit_loss(exposures, risk, timing, **PARAMETERS)
    limits = {"min_pd_ratio": 2.0, "min_pd_rise": 0.005, "significant_days": 30}
    staged = add_stage(losses, outlooks=PARAMETERS["outlooks"], **limits)
    plan = plan_of(add_capital(staged, pd_floor=0.0005, lgd_floor=0.3))
    # By the loan's key and by its term: nothing else is brought together, and nothing multiplied.
    joins = sorted(name for name in plan if "Join" in name)
    assert joins == ["BroadcastHashJoin", "SortMergeJoin"]
    makes_rows = re.compile(
        "Generate|Expand|Cartesian|NestedLoop|Python|Pandas|Arrow|MapPartitions"
    )
    assert not [name for name in plan if makes_rows.search(name)]
    months = losses.selectExpr("loan_id", "explode(sequence(1, remaining_months)) AS month")
    assert "Generate" in plan_of(months)
