"""Capital against the Committee's own table, and an implementation of others."""

from decimal import Decimal

import pytest
from creditriskengine.rwa.irb.formulas import irb_risk_weight

from penstock.lending.capital import add_capital, add_capital_share

COLUMNS = "pd_12m DOUBLE, lgd DOUBLE, balance_usd DECIMAL(12,2), is_default BOOLEAN"
# Basel Committee, International Convergence of Capital Measurement (2006), annex 5: other retail,
# LGD 45 %. PD and risk weight in per cent.
PUBLISHED = {
    0.03: 4.45, 0.05: 6.63, 0.10: 11.16, 0.25: 21.15, 0.40: 28.42, 0.50: 32.36, 0.75: 40.10,
    1.00: 45.77, 1.30: 50.80, 1.50: 53.37, 2.00: 57.99, 2.50: 60.90, 3.00: 62.79, 4.00: 65.01,
    5.00: 66.42, 6.00: 67.73, 10.00: 75.54, 15.00: 88.60, 20.00: 100.28,
}  # fmt: skip


def test_risk_weights_are_those_of_the_published_table(spark):
    rows = spark.createDataFrame([(pd / 100, 0.45) for pd in PUBLISHED], "pd DOUBLE, lgd DOUBLE")
    shares = add_capital_share(rows, pd="pd", lgd="lgd", name="share").collect()
    # Of 1.30 % the table has 50.80, where the formula gives 50.794.
    weights = [row.share * 1250 for row in shares]
    assert weights == pytest.approx(list(PUBLISHED.values()), rel=0, abs=0.006)


def test_risk_weights_equal_another_implementations_floors_included(spark):
    cases = [(pd, lgd) for pd in (1e-6, 0.0005, 0.004, 0.03, 0.2, 0.6, 0.99) for lgd in (0.3, 0.9)]
    rows = [(pd, lgd, Decimal(100_000), False) for pd, lgd in cases]
    found = add_capital(spark.createDataFrame(rows, COLUMNS), pd_floor=0.0005, lgd_floor=0.0)
    for (pd, lgd), row in zip(cases, found.collect(), strict=True):
        expected = irb_risk_weight(pd, lgd, "other_retail") / 100
        assert row.risk_weight == pytest.approx(expected, rel=1e-9)
        assert float(row.capital_usd) == pytest.approx(8000 * expected, abs=0.0051)
        assert float(row.expected_loss_usd) == pytest.approx(pd * lgd * 100_000, abs=0.0051)


def test_the_expected_loss_of_a_year_is_that_of_the_standards_own_example(spark):
    """IFRS 9, Illustrative Examples, Example 8: 0.5 % x 25 % x 1,000,000 = 1,250."""
    rows = spark.createDataFrame([(0.005, 0.25, Decimal(1_000_000), False)], COLUMNS)
    [row] = add_capital(rows, pd_floor=0.0005, lgd_floor=0.3).collect()
    assert row.expected_loss_usd == 1250


def test_the_lgd_has_a_floor_default_takes_no_capital_and_the_unknown_stays_unknown(spark):
    rows = [(0.02, lgd, Decimal(100), False) for lgd in (0.1, 0.3)]
    rows += [(1.0, 0.8, Decimal(100), True), (None, 0.8, Decimal(100), False)]
    at_floor, same, default, unknown = add_capital(
        spark.createDataFrame(rows, COLUMNS), pd_floor=0.0005, lgd_floor=0.3
    ).collect()
    assert at_floor.risk_weight == same.risk_weight > 0
    assert (default.risk_weight, default.capital_usd, default.expected_loss_usd) == (0, 0, 80)
    assert (unknown.risk_weight, unknown.capital_usd, unknown.expected_loss_usd) == (None,) * 3
