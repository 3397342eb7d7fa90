import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F

from penstock.errors import ConfigError, DataError
from penstock.portfolio.losses import measure_losses
from tests.shown import shown

COLUMNS = (
    "application_id STRING, amount_usd DOUBLE, pd DOUBLE, lgd DOUBLE, take_up DOUBLE, "
    "purpose STRING"
)
PARAMETERS = {
    "sector": "purpose",
    "levels": [0.9, 0.999],
    "pd_step": 0.25,
    "asset_correlations": {"car": 0.05, "*": 0.1},
    "sector_correlation": 0.5,
    "scenarios": 20_000,
    "seed": 4,
}
N = 600


def drawn():
    random = np.random.default_rng(8)
    return pandas.DataFrame(
        {
            "application_id": [f"a{i}" for i in range(N)],
            "amount_usd": random.lognormal(9, 0.6, N).round(2),
            "pd": random.beta(1.5, 20, N),
            "lgd": random.uniform(0.3, 0.9, N),
            "take_up": random.uniform(0.2, 1, N),
            "purpose": random.choice(["car", "house", "wedding"], N, p=[0.6, 0.3, 0.1]),
        }
    )


LOANS = drawn()


def plan(spark, loans):
    rows = spark.createDataFrame(loans, COLUMNS)
    return rows.withColumn("amount_usd", F.col("amount_usd").cast("decimal(12,2)"))


def measure(rows, **changed):
    return measure_losses(rows, **PARAMETERS | changed)


@pytest.fixture(scope="module")
def found(spark):
    return measure(plan(spark, LOANS))


def test_sums_are_those_of_the_loans(found):
    exposure = LOANS.amount_usd * LOANS.take_up
    loss = exposure * LOANS.lgd * LOANS.pd
    assert found.metrics["loans"] == N
    assert found.metrics["exposure_usd"] == pytest.approx(exposure.sum(), rel=1e-9)
    assert found.metrics["expected_loss_usd"] == pytest.approx(loss.sum(), rel=1e-9)
    assert found.metrics["expected_loss_rate"] == pytest.approx(loss.sum() / exposure.sum())
    sectors = shown(found, "sectors").set_index("sector")
    assert list(sectors.loans) == list(LOANS.groupby("purpose").size())
    assert list(sectors.exposure) == pytest.approx(list(exposure.groupby(LOANS.purpose).sum()))
    assert list(sectors["expected loss"]) == pytest.approx(list(loss.groupby(LOANS.purpose).sum()))
    assert sectors["99.9 % shortfall"].sum() == pytest.approx(
        found.metrics["simulated_es_99_9_usd"]
    )


def test_concentration_is_that_of_the_shares(found):
    exposure = LOANS.amount_usd * LOANS.take_up
    by_name = exposure / exposure.sum()
    by_sector = by_name.groupby(LOANS.purpose).sum()
    rows = shown(found, "concentration").set_index("by")
    for what, shares in (("names", by_name), ("sectors", by_sector)):
        assert found.metrics[f"hhi_{what}"] == pytest.approx((shares**2).sum())
        assert found.metrics[f"effective_{what}"] == pytest.approx(1 / (shares**2).sum())
        assert found.metrics[f"largest_share_{what}"] == pytest.approx(shares.max())
        assert rows["share of the 10 largest"][what] == pytest.approx(shares.nlargest(10).sum())


def test_risks_stand_in_order_with_their_intervals(found):
    metrics = found.metrics
    for how in ("analytic", "simulated"):
        risks = [metrics[f"{how}_{m}_usd"] for m in ("var_90", "es_90", "var_99_9", "es_99_9")]
        assert [metrics["expected_loss_usd"], *risks] == sorted(
            [metrics["expected_loss_usd"], *risks]
        )
    for measured in ("var_90", "es_90", "var_99_9", "es_99_9"):
        name = f"simulated_{measured}_usd"
        assert metrics[f"{name}_low"] < metrics[name] < metrics[f"{name}_high"]
    # Sectors that do not move as one spread the risk.
    assert metrics["simulated_es_99_9_usd"] < metrics["analytic_es_99_9_usd"]
    rows = shown(found, "risk")
    assert list(zip(rows.level, rows.measure, strict=True)) == [
        (level, measured) for level in ("90 %", "99.9 %") for measured in ("VaR", "ES")
    ]
    assert list(rows["one factor"]) == [
        metrics[f"analytic_{m}_usd"] for m in ("var_90", "es_90", "var_99_9", "es_99_9")
    ]


def test_the_figure_shows_the_distribution_and_what_is_read_off_it(found):
    simulated, smooth, *marks = found.figures["distribution"].series
    assert sum(simulated.y) == pytest.approx(1, abs=1e-3)
    assert sum(smooth.y) == pytest.approx(1, abs=2e-3)
    at = [mark.x[0] for mark in marks]
    assert at == [
        found.metrics[name] / found.metrics["exposure_usd"]
        for name in ("expected_loss_usd", "simulated_var_99_9_usd", "simulated_es_99_9_usd")
    ]
    for bars in found.figures["sectors"].series:
        assert sum(bars.y) == pytest.approx(1)


def test_the_same_loans_in_other_partitions_give_the_same_bits(spark, found):
    again = measure(plan(spark, LOANS.sample(frac=1, random_state=1)).repartition(5))
    assert again == found


def test_narrow_bands_change_little(spark, found):
    fine = measure(plan(spark, LOANS), pd_step=0.01).metrics
    for name in ("analytic_var_99_9_usd", "analytic_es_99_9_usd"):
        assert fine[name] == pytest.approx(found.metrics[name], rel=2e-3)


def test_certain_outcomes_have_no_analytic_risk(spark):
    rows = LOANS.head(4).assign(pd=[0.0, 1.0, 0.0, 1.0], lgd=[0.5, 0.5, 0.5, 0.0], take_up=1.0)
    found = measure(plan(spark, rows))
    lost = rows.amount_usd[1] * 0.5
    assert found.metrics["analytic_var_99_9_usd"] is None
    assert found.metrics["simulated_var_99_9_usd"] == pytest.approx(lost)
    assert found.metrics["simulated_es_90_usd"] == pytest.approx(lost)
    assert "one factor" not in [s.name for s in found.figures["distribution"].series]


def test_unusable_loans_are_counted_by_what_is_wrong(spark):
    spoilt = LOANS.head(9).astype({"purpose": object})
    spoilt.loc[0, "pd"], spoilt.loc[1, "pd"], spoilt.loc[2, "pd"] = np.nan, 1.01, -0.01
    spoilt.loc[3, "lgd"], spoilt.loc[4, "take_up"] = np.inf, 2.0
    spoilt.loc[5, "amount_usd"], spoilt.loc[6, "purpose"] = -1.0, None
    spoilt.loc[7, "amount_usd"] = 1e9 + 1
    message = (
        "Cannot tell the losses of the plan: "
        "2 loans with amount_usd null, NaN, below 0 or above a billion; "
        "3 loans with pd null, NaN or outside 0-1; 1 loans with lgd null, NaN or outside 0-1; "
        "1 loans with take_up null, NaN or outside 0-1; 1 loans with no sector. Every loan"
    )
    with pytest.raises(DataError, match=message):
        measure(plan(spark, spoilt))


def test_loans_of_cents_and_of_a_billion_are_loans(spark):
    rows = LOANS.head(2).assign(amount_usd=[0.07, 1e9], pd=0.5, lgd=1.0, take_up=1.0)
    for each in (rows.head(1), rows.tail(1)):
        found = measure(plan(spark, each))
        assert found.metrics["expected_loss_usd"] == pytest.approx(each.amount_usd.sum() / 2)
        assert found.metrics["simulated_var_99_9_usd"] == pytest.approx(each.amount_usd.sum())
        assert found.metrics["effective_names"] == pytest.approx(1)


def test_a_plan_that_lends_nothing_has_no_losses_to_tell(spark):
    for rows, loans in ((LOANS.head(3).assign(take_up=0.0), 3), (LOANS.head(0), 0)):
        found = measure(plan(spark, rows))
        assert found.metrics == {"loans": loans, "exposure_usd": 0.0}
        assert not found.tables


def test_a_sector_without_correlation_is_named(spark):
    message = "the sector 'wedding', for which .* no correlation. Did you mean 'weding'"
    with pytest.raises(DataError, match=message):
        measure(plan(spark, LOANS), asset_correlations={"car": 0.1, "house": 0.1, "weding": 0.1})


def test_a_sector_of_its_own_for_each_loan_is_refused(spark):
    each = spark.range(20_001).selectExpr(
        "id", "CAST(1 AS DECIMAL(12,2)) amount_usd", "0.1D pd", "0.5D lgd", "1D take_up"
    )
    with pytest.raises(DataError, match="more than 20,000 cells of 'id' and bands of PD"):
        measure(each, sector="id")


def test_too_few_scenarios_for_a_level_are_refused(spark):
    message = "scenarios is 5,000, of which 5 lie beyond the level 0.999.* Draw 20,000"
    with pytest.raises(ConfigError, match=message):
        measure(plan(spark, LOANS.head(1)), scenarios=5000)
