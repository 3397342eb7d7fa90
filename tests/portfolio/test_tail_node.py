"""The node under tail limits: plan, prices, charges, audit and gate; and what is refused."""

import numpy as np
import pytest
from pyspark.sql import functions as F

from penstock.annotations import check_annotations
from penstock.errors import ConfigError, DataError
from penstock.lending.pd_bands import upper_pd
from penstock.portfolio import blocks, tail_search
from penstock.portfolio import optimise as node
from penstock.portfolio.bid_prices import BidPrices
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import FACTORS, optimise
from tests.shown import shown

COLUMNS = (
    "application_id STRING, offer INT, profit DOUBLE, lent DOUBLE, at_default DOUBLE, pd DOUBLE, "
    "sector STRING"
)
N, TOLERANCE = 200, 5e-3
TAIL = {"name": "bad years", "level": 0.95, "at_most": 130_000.0}
CAP = {"name": "lent", "measure": "lent", "at_most": 1_300_000.0}
FLOOR = {"name": "volume", "measure": "lent", "at_least": 1_000_000.0}
USUAL = {
    "profit": "profit",
    "limits": [CAP],
    "parities": [],
    "tail_limits": [TAIL],
    "factors": FACTORS,
    "tolerance": TOLERANCE,
    "frontiers": [],
}
AUDITED = ("profit", "limits", "parities", "tail_limits", "factors")


def draw():
    """Draw applicants with two offers; every tenth offer cannot be made, and may have anything."""
    random = np.random.default_rng(6)
    rows = []
    for number in range(N):
        sector = str(random.choice(["car", "house", "boat"], p=[0.5, 0.3, 0.2]))
        pd = max(float(random.beta(1.5, 14)), 2e-3)
        asked = float(np.exp(random.normal(9, 0.5)))
        for offer, share in enumerate((1.0, 0.5)):
            amount = round(asked * share, 4)
            lost = round(0.6 * amount, 4)
            if random.random() < 0.1:
                rows.append((f"a{number}", offer, None, amount, None, None, None))
            else:
                profit = round(0.1 * amount - pd * lost - 25, 6)
                rows.append((f"a{number}", offer, profit, amount, lost, pd, sector))
    return rows


ROWS = draw()


def table(spark, rows):
    return spark.createDataFrame(rows, COLUMNS).withColumn("pd_band", upper_pd(F.col("pd"), 0.25))


@pytest.fixture(scope="module")
def offers(spark):
    cached = table(spark, ROWS).repartition(3).cache()
    yield cached
    cached.unpersist()


@pytest.fixture(scope="module")
def found(offers):
    multiples = {"frontiers": [{"limit": "bad years", "multiples": [0.7, 1.0, 1.4]}]}
    return optimise(offers, **USUAL | multiples)


def audited(offers, plan, **changed):
    wishes = USUAL | changed
    return audit_portfolio(offers, plan, **{name: wishes[name] for name in AUDITED})


def test_the_plan_keeps_the_limit_and_the_audit_finds_the_certificates_figures(offers, found):
    plan, *_, certificate = found
    audit = audited(offers, plan)
    limits = shown(audit, "limits").set_index("limit")
    told = shown(certificate, "limits").set_index("limit")
    assert limits.index.tolist() == ["lent", "bad years"]
    assert limits.used.tolist() == told["used by the plan"].tolist()
    assert 0.98 * TAIL["at_most"] < limits.used["bad years"] <= TAIL["at_most"]
    assert not limits.broken.any()
    assert portfolio_gate(certificate, audit, max_gap=TOLERANCE) == []
    sectors = shown(certificate, "tail_limits")
    assert sectors.sector.tolist() == ["boat", "car", "house"]
    in_worst = sectors["mean loss of the worst scenarios"]
    assert in_worst.sum() == pytest.approx(limits.used["bad years"], rel=1e-12)


def test_a_plan_beyond_the_limit_is_not_released(offers, found):
    plan, certificate = found[0], found[-1]
    tighter = [TAIL | {"at_most": TAIL["at_most"] * 0.9}]
    audit = audited(offers, plan, tail_limits=tighter)
    assert portfolio_gate(certificate, audit, max_gap=TOLERANCE) == [
        "The audit finds limits broken: bad years"
    ]
    beyond = shown(audit, "limits")["beyond it"].tolist()
    used = shown(audit, "limits").used.tolist()
    assert beyond == [0, pytest.approx(used[1] - tighter[0]["at_most"])]


def test_charges_and_bid_prices_know_the_limit(offers, found):
    plan, prices, _, bids, *_ = found
    [price] = [row.price for row in prices.collect() if row.limit == "bad years"]
    assert price > 0
    rows = plan.where("offer IS NOT NULL").collect()
    for row in rows:
        assert row.profit - sum(c.cost for c in row.charges) == pytest.approx(row.worth, abs=1e-9)
    used = sum(c.used for row in rows for c in row.charges if c.limit == "bad years")
    assert used == pytest.approx(TAIL["at_most"], rel=0.02)
    of_rows = [row.asDict(recursive=True) for row in bids.collect()]
    by_bids = BidPrices.of_rows("profit", ("pd_band", "sector"), of_rows)
    by_key = {(row.application_id, row.offer): row.asDict() for row in offers.collect()}
    for row in rows:
        offer = by_key[(row.application_id, row.offer)]
        assert by_bids.worth(offer) == pytest.approx(row.worth, abs=1e-9)


def test_the_frontier_moves_the_limit_and_its_price_is_a_slope(found):
    points = sorted(found[2].collect(), key=lambda row: row.bound)
    assert [p.bound for p in points] == pytest.approx([m * TAIL["at_most"] for m in (0.7, 1, 1.4)])
    most, price = [p.most_profit for p in points], [p.price for p in points]
    assert most == sorted(most) and price == sorted(price, reverse=True)
    assert most[1] == pytest.approx(found[-1].metrics["profit_bound_of_prices"], rel=1e-4)


@pytest.mark.parametrize("small", [tail_search.SMALL, 60])
def test_neither_partitions_nor_order_nor_blocks_move_a_bit(offers, monkeypatch, small):
    monkeypatch.setattr(node, "SAMPLE", 20)  # passes by Spark, not over the driver's memory
    monkeypatch.setattr(tail_search, "SMALL", small)
    one = optimise(offers, **USUAL)
    monkeypatch.setattr(blocks, "OFFERS", 37)
    other = optimise(offers.orderBy(F.col("profit").desc()).repartition(5, "lent"), **USUAL)
    for at in (1, 3):
        assert one[at].collect() == other[at].collect()
    assert one[-1].metrics == other[-1].metrics
    by_applicant = [sorted(plan.collect(), key=lambda row: row[0]) for plan in (one[0], other[0])]
    assert by_applicant[0] == by_applicant[1]


def test_a_floor_that_the_tail_limit_forbids_is_told_with_what_either_would_need(offers):
    limits, tails = [CAP, FLOOR], [TAIL | {"at_most": 60_000.0}]
    wishes = {"limits": limits, "tail_limits": tails, "tolerance": 1e-2}
    plan, *_, certificate = optimise(offers, **USUAL | wishes)
    [[status]] = certificate.tables["status"].rows
    assert status == "infeasible_proven"
    audit = audited(offers, plan, limits=limits, tail_limits=tails)
    [reason] = portfolio_gate(certificate, audit, max_gap=0.5)
    assert reason == "No plan can meet these limits together: volume, bad years"
    assert certificate.metrics["limits_leave"] < -1e-6  # scenarios drawn anew
    conflict = shown(certificate, "conflict").set_index("limit")
    needed = conflict["bound that it alone would need"]
    wider = [TAIL | {"at_most": float(needed["bad years"]) * 1.001}]
    found = optimise(offers, **USUAL | wishes | {"tail_limits": wider})
    assert found[-1].metrics["profit"] is not None
    assert audited(offers, found[0], limits=limits, tail_limits=wider).metrics["broken_limits"] == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"factors": FACTORS | {"sector": "secotr"}}, "sector of factors is 'secotr'.*'sector'"),
        ({"factors": FACTORS | {"pd_band": "band"}}, "pd_band of factors is 'band', which the"),
        ({"tail_limits": [TAIL | {"level": 0.999}]}, "scenarios is 1,000, .* Draw 20,000"),
        ({"tail_limits": [TAIL | {"name": "lent"}]}, "Two limits are called 'lent'"),
        ({"tail_limits": [TAIL, TAIL]}, "Two limits are called 'bad years'"),
        ({"frontiers": [{"limit": "bad year", "multiples": [1.0]}]}, "Did you mean 'bad years'"),
    ],
)
def test_tail_limits_that_cannot_be_meant_are_refused(offers, changed, words):
    with pytest.raises(ConfigError, match=words):
        optimise(offers, **USUAL | changed)


def test_a_sector_without_a_correlation_or_an_offer_without_a_sector_is_refused(spark, offers):
    only_cars = FACTORS | {"asset_correlations": {"car": 0.1}}
    with pytest.raises(DataError, match="the sector 'boat', for which asset_correlations"):
        optimise(offers, **USUAL | {"factors": only_cars})
    unknown = table(spark, [*ROWS[:4], ("w", 1, 5.0, 9.0, 1.0, 0.1, None)])
    with pytest.raises(DataError, match="Column 'sector' of the offers is null"):
        optimise(unknown, **USUAL)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("tail_limits", [TAIL | {"level": 0.5}], "level is 0.5; it must be greater than 0.5"),
        ("tail_limits", [TAIL | {"level": 1.0}], "level is 1.0; it must be less than 1"),
        ("tail_limits", [TAIL | {"at_most": -1.0}], "at_most is -1.0"),
        ("factors", FACTORS | {"asset_correlations": {}}, "asset_correlations"),
        ("factors", FACTORS | {"sector_correlation": 1.1}, "sector_correlation is 1.1"),
        ("factors", FACTORS | {"scenarios": 999}, "scenarios is 999"),
    ],
)
def test_numbers_beyond_their_range_are_refused_before_anything_runs(name, value, words):
    with pytest.raises(ConfigError, match=words):
        check_annotations(node.optimise, {name: value}, {name: ("params", "optimise", name)})
