"""What a line would owe at a default, and what the book of a day would."""

import datetime as dt
from decimal import Decimal

import pytest
from creditriskengine.models.ead import calculate_ead

from penstock.columns import columns_in
from penstock.errors import ConfigError
from penstock.lending.lines.checks import LINE_EXPOSURE_CHECKS, LINE_EXPOSURE_COLUMNS
from penstock.lending.lines.exposure import add_exposure, list_open_lines, present_exposures
from tests.lending.lines.rows import usd

COLUMNS = (
    "line_id STRING, reporting_date DATE, opened_on DATE, limit_usd DECIMAL(12,2), "
    "balance_usd DECIMAL(12,2), days_past_due INT, is_default BOOLEAN, pd_12m DOUBLE, lgd DOUBLE, "
    "ccf DOUBLE, model_version STRING"
)
DAY = dt.date(2024, 12, 31)
# (1050 + 660) of what could be owed, 1000 and 600.
PAST = [(usd(1000), usd(980), usd(1050)), (usd(500), usd(600), usd(660))]
PAST_COLUMNS = "limit_usd DECIMAL(12,2), balance_usd DECIMAL(12,2), ead_usd DECIMAL(12,2)"
FACTOR = 1710 / 1600


def line(name, limit, balance, ccf=0.5, *, is_default=False, pd=0.1, lgd=0.6):
    return (name, DAY, DAY, usd(limit), usd(balance), 0, is_default, pd, lgd, ccf, "ccf/1")


LINES = [
    line("room", 1000, 400),
    line("never used", 1000, 0, 0.3),
    line("some room", 1000, 950),
    line("hardly room", 1000, "950.01"),
    line("fully drawn", 1000, 1000, None),
    line("over the limit", 1000, 1200),
    line("closed", 0, 300),
    line("nothing", 0, 0),
    line("no ccf", 1000, 400, None),
    line("in default", 1000, 400, is_default=True),
    line("no pd", 1000, 400, pd=None),
]


def exposed(spark, past):
    lines = spark.createDataFrame(LINES, COLUMNS)
    return add_exposure(lines, spark.createDataFrame(past, PAST_COLUMNS), min_undrawn_share=0.05)


@pytest.fixture(scope="module")
def found(spark):
    return {row.line_id: row for row in exposed(spark, PAST).collect()}


def test_a_line_with_room_owes_its_balance_and_the_share_of_what_is_undrawn(found):
    by_ccf = {name for name, row in found.items() if row.expected_by == "CCF"}
    assert by_ccf == {
        "room", "never used", "some room", "no ccf", "in default", "no pd",
    }  # fmt: skip
    for name in by_ccf - {"no ccf"}:
        row = found[name]
        expected = calculate_ead(float(row.balance_usd), float(row.undrawn_usd), row.ccf)
        assert float(row.expected_ead_usd) == pytest.approx(expected, abs=0.005)
    assert found["room"].expected_ead_usd == 700
    assert found["no ccf"].expected_ead_usd is None


def test_near_its_limit_a_line_owes_the_factor_of_it_and_no_less_than_its_balance(found, spark):
    owed = {n: float(r.expected_ead_usd) for n, r in found.items() if r.expected_by != "CCF"}
    assert owed == pytest.approx(
        {
            "hardly room": 1000 * FACTOR,
            "fully drawn": 1000 * FACTOR,
            "over the limit": 1200 * FACTOR,
            "closed": 300 * FACTOR,
            "nothing": 0,
        },
        abs=0.0051,  # to the cent
    )
    nothing_known = {r.line_id: r.expected_ead_usd for r in exposed(spark, []).collect()}
    assert nothing_known["hardly room"] == 1000
    repaid = [(usd(1000), usd(990), usd(800))]
    less = {r.line_id: r.expected_ead_usd for r in exposed(spark, repaid).collect()}
    assert (less["hardly room"], less["over the limit"]) == (Decimal("950.01"), 1200)


def test_the_loss_expected_is_pd_lgd_and_exposure_and_in_default_the_balance_counts(
    spark, broken_rules
):
    made = present_exposures(exposed(spark, PAST))
    wanted = columns_in(LINE_EXPOSURE_COLUMNS)
    assert [(f.name, f.dataType) for f in made.schema] == [(f.name, f.dataType) for f in wanted]
    rows = {row.line_id: row for row in made.collect()}
    assert rows["room"].expected_loss_usd == Decimal("42.00")  # 0.1 x 0.6 x 700
    owing = rows["in default"]
    assert (owing.basis, owing.ead_usd, owing.expected_loss_usd) == ("balance", 400, 240)
    assert rows["no pd"].expected_loss_usd is None and rows["no pd"].ead_usd == 700
    broken = broken_rules(made.where("line_id IN ('room', 'no ccf')"), LINE_EXPOSURE_CHECKS)
    assert broken == [[], ["ead_not_below_the_balance", "ead_is_known"]]


def test_the_book_is_that_of_ends_of_months(spark):
    months = [(name, dt.date(2024, month, 30)) for name in "ab" for month in (6, 9)]
    lines = spark.createDataFrame(months, "line_id STRING, month DATE")
    found = list_open_lines(lines, reporting_dates=[dt.date(2024, 9, 30)])
    assert sorted(found.collect()) == [("a", dt.date(2024, 9, 30)), ("b", dt.date(2024, 9, 30))]
    assert found.columns == ["line_id", "reporting_date"]
    with pytest.raises(ConfigError, match="no book of .* 2024-12-30.*reporting_dates"):
        list_open_lines(lines, reporting_dates=[DAY, dt.date(2024, 12, 30)])
