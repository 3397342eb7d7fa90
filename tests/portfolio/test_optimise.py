"""The node on small tables: what it hands out hangs together, and is held against SQL."""

from dataclasses import replace

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F

from penstock.portfolio import blocks, feasibility, searching
from penstock.portfolio import optimise as node
from penstock.portfolio.bid_prices import BidPrices
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import (
    NO_TAILS,
    assert_the_table_says_what_the_certificate_does,
    g_by_sql,
    optimise,
)
from tests.shown import shown

COLUMNS = (
    "application_id STRING, offer INT, profit DOUBLE, lent DOUBLE, loss DOUBLE, "
    "region STRING, housing STRING, product STRING"
)
N, TOLERANCE = 240, 5e-4
MISLEADING = 42  # applicants who can keep limits that nobody can meet together
INDIFFERENT = 1e-6  # of profit: who is chosen from in parts has two offers worth the same


def draw(applicants=N, seed=5):
    """Draw applicants with up to four offers; every ninth offer cannot be made."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(applicants):
        region = random.choice(["north", "south", None], p=[0.5, 0.4, 0.1])
        housing = "own" if random.random() < 0.3 else "rent"
        pd = random.beta(1.5, 14) * (0.7 if housing == "own" else 1.1)
        asked = float(np.exp(random.normal(9, 0.5)))
        for offer in range(1 + number % 4):
            amount = round(asked * (1, 0.75, 0.5, 0.25)[offer], 4)
            loss = round(0.6 * pd * amount, 6)
            profit = round(0.09 * amount - loss - 25, 6)
            is_made = random.random() > 1 / 9
            row = (f"a{number}", 3 * offer, profit if is_made else None, amount, loss)
            rows.append((*row, region, housing, "long" if offer % 2 else "short"))
    return pandas.DataFrame(rows, columns=[c.split()[0] for c in COLUMNS.split(", ")])


BOOK = draw()
LOSS = "loss rate"
LIMITS = [
    {"name": "lent", "measure": "lent", "at_most": 900_000.0},
    {"name": LOSS, "measure": "loss", "per": "lent", "at_most": 0.035},
    {
        "name": "south",
        "measure": "lent",
        "where": {"region": ["south"], "product": ["short"]},
        "per": "lent",
        "at_most": 0.3,
    },
    {"name": "many", "measure": "approvals", "at_least": 120.0},
    {
        "name": "long",
        "measure": "approvals",
        "where": {"product": ["long"]},
        "per": "approvals",
        "at_least": 0.45,
    },
]
# The same by hand, as rows of sum a x <= b.
ROWS = {
    "lent": ("lent", 900_000),
    "loss rate": ("loss - 0.035 * lent", 0),
    "south": ("lent * (if(region <=> 'south' AND product = 'short', 1, 0) - 0.3)", 0),
    "many": ("-1", -120),
    "long": ("0.45 - if(product = 'long', 1, 0)", 0),
}
PARITY = {"attribute": "housing", "min_ratio": 0.8, "enforce": False}
HOUSED = BOOK.groupby("housing").application_id.nunique().to_dict()
# Either rate is at least 0.95 of the other.
PARITY_ROWS = {
    f"housing: {other} to {one}": (
        f"if(housing = '{one}', {0.95 / HOUSED[one]!r}D, 0D)"
        f" - if(housing = '{other}', {1 / HOUSED[other]!r}D, 0D)",
        0,
    )
    for one, other in (("own", "rent"), ("rent", "own"))
}
MULTIPLES = [0.4, 0.6, 0.8, 1.0, 1.3, 1.8]
OF_RATIO = [0.5, 0.55, 0.57, 1.0]  # at the first of either, the floor cannot be met
USUAL = {
    "profit": "profit",
    "limits": LIMITS,
    "parities": [PARITY],
    **NO_TAILS,
    "tolerance": TOLERANCE,
    "frontiers": [],
}


def table(spark, book):
    rows = spark.createDataFrame(book.astype(object).where(book.notna(), None), COLUMNS)
    return rows.withColumn("lent", F.col("lent").cast("decimal(14,4)"))


def prices_of(found):
    return {row.limit: row.price for row in found[1].collect()}


def status(certificate):
    [[told]] = certificate.tables["status"].rows
    return told


def as_they_are(plan):
    """Return the rows of a plan in the order of applicants, to be compared bit by bit."""
    rows = sorted(plan.collect(), key=lambda row: row.application_id)
    return [(*row[:6], tuple(tuple(charge) for charge in row.charges or ())) for row in rows]


@pytest.fixture(scope="module")
def offers(spark):
    cached = table(spark, BOOK).repartition(3).cache()
    yield cached
    cached.unpersist()


@pytest.fixture(scope="module")
def found(offers):
    return optimise(
        offers,
        **USUAL
        | {
            "frontiers": [
                {"limit": "lent", "multiples": MULTIPLES},
                {"limit": "loss rate", "multiples": OF_RATIO},
            ]
        },
    )


@pytest.fixture(scope="module")
def rows(found):
    return pandas.DataFrame([row.asDict(recursive=True) for row in found[0].collect()])


def test_a_plan_has_a_row_for_each_applicant_and_its_sums_are_those_of_the_certificate(found, rows):
    metrics = found[-1].metrics
    assert status(found[-1]) == "optimal_within_tolerance"
    assert sorted(rows.application_id) == sorted(set(BOOK.application_id))
    made = BOOK.merge(rows[["application_id", "offer"]].dropna(), on=["application_id", "offer"])
    assert len(made) == metrics["approved"] == rows.offer.notna().sum()
    assert made.profit.sum() == pytest.approx(metrics["profit"], rel=1e-12)
    assert 0 <= metrics["gap"] <= TOLERANCE
    assert metrics["gap"] == pytest.approx(1 - metrics["profit"] / metrics["profit_bound"])
    parts = metrics["gap_of_prices"] + metrics["gap_of_whole_offers"]
    assert parts == pytest.approx(metrics["gap"], abs=1e-12)
    without = set(BOOK.application_id) - set(BOOK[BOOK.profit.notna()].application_id)
    assert without  # the book has such applicants
    theirs = rows[rows.application_id.isin(without)]
    assert theirs.offer.isna().all() and theirs.margin.isna().all() and (theirs.worth == 0).all()


def test_the_certificate_is_a_table_too(found):
    assert_the_table_says_what_the_certificate_does(found)
    assert found[-1].metrics["broken_limits"] == 0


def test_the_bound_is_g_of_the_prices_as_sql_works_it_out(offers, found):
    by_sql = g_by_sql(offers, prices_of(found), ROWS)
    # Down to a whole millionth, which all plans are worth.
    bound = found[-1].metrics["profit_bound_of_prices"]
    assert -1e-6 <= bound - by_sql <= 1e-12 * by_sql
    assert found[-1].metrics["profit_bound"] <= bound


@pytest.fixture(scope="module")
def audit(offers, found):
    return audit_portfolio(
        offers, found[0], profit="profit", limits=LIMITS, parities=[PARITY], **NO_TAILS
    )


def test_the_audit_agrees_with_the_certificate_exactly(audit, found):
    certificate = found[-1]
    assert audit.metrics["profit"] == certificate.metrics["profit_of_offers"]
    assert audit.metrics["offers"] == certificate.metrics["approved"]
    assert (audit.metrics["broken_limits"], audit.metrics["most_offers"]) == (0, 1)
    by_audit, told = shown(audit, "limits"), shown(certificate, "limits")
    assert by_audit.used.tolist() == told["used by the plan"].tolist()
    assert portfolio_gate(certificate, audit, max_gap=TOLERANCE) == []
    wide = replace(certificate, metrics=certificate.metrics | {"gap": 0.002})
    reasons = portfolio_gate(wide, audit, max_gap=0.001)
    assert reasons == ["Gap 0.002, at most 0.001 allowed (max_gap)"]


def test_the_figure_of_limits_shows_use_and_price(found):
    [bars] = found[-1].figures["limits"].series
    told = {row.limit: row for row in found[1].collect()}
    for name, share in zip(bars.x, bars.y, strict=True):
        limit, _, price = name.partition(", price ")
        row = told.pop(limit)
        assert share == pytest.approx(100 * row.used / row.bound)
        assert float(price or 0) == pytest.approx(row.price, rel=1e-2)
    assert not told


def test_a_plan_is_told_by_the_values_of_each_attribute(audit, rows):
    made = BOOK.merge(rows[["application_id", "offer"]].dropna(), on=["application_id", "offer"])
    parts = shown(audit, "composition").set_index(["attribute", "value"])
    for name in ("region", "product", "housing"):
        by = made.groupby(made[name].fillna("none"))
        assert parts.loc[name, "offers made"].to_dict() == by.size().to_dict()
        assert parts.loc[name, "profit"].to_dict() == pytest.approx(by.profit.sum().to_dict())
        assert parts.loc[name, "share of them"].sum() == pytest.approx(1)
    [bars] = audit.figures["composition"].series
    assert sum(bars.y) == pytest.approx(300)  # of three attributes


def test_the_search_is_told_step_by_step_to_the_gap_that_is_certified(found):
    told, metrics = shown(found[-1], "passes"), found[-1].metrics
    assert told["profit bound"].is_monotonic_decreasing
    assert told["best plan"].dropna().is_monotonic_increasing
    assert (told["prices tried"] > 0).sum() == metrics["passes"]
    last = told.iloc[-1]
    assert last["profit bound"] == metrics["profit_bound"]
    assert last["best plan"] == metrics["profit"] and last["gap"] == metrics["gap"]
    assert told["limits broken at the prices"][0] > 0  # at prices of 0


def test_charges_explain_the_worth_of_an_offer(rows):
    made = rows[rows.offer.notna()]
    costs = made.charges.map(lambda charges: sum(charge["cost"] for charge in charges))
    assert (made.profit - costs).to_numpy() == pytest.approx(made.worth.to_numpy(), abs=1e-9)
    assert made.charges.map(len).max() >= 2  # several limits have a price


def test_margins_are_those_over_the_second_offer(found, rows):
    bids = BidPrices.of_rows("profit", ("product", "region"), map(_row, found[3].collect()))
    by_key = {(o["application_id"], o["offer"]): bids.worth(o) for o in _offers() if _is_made(o)}
    for row in rows[rows.margin.notna()].itertuples():
        worth = by_key.get((row.application_id, row.offer), 0.0)
        second = by_key.get((row.application_id, row.second_offer), 0.0)
        assert row.margin == pytest.approx(worth - second, abs=1e-9)


def test_bid_prices_from_the_table_decide_as_the_plan_does_but_for_the_moved(found, rows):
    bids = BidPrices.of_rows("profit", ("product", "region"), map(_row, found[3].collect()))
    by_applicant = {}
    for offer in _offers():
        by_applicant.setdefault(offer["application_id"], []).append(offer)
    differ = []
    for row in rows.itertuples():
        theirs = by_applicant[row.application_id]
        place = bids.choose(theirs)
        chosen = None if place is None else theirs[place]["offer"]
        if chosen != (None if pandas.isna(row.offer) else row.offer):
            differ.append(row.margin)
    assert max(differ, default=0) < INDIFFERENT
    assert len(differ) <= (rows.margin < INDIFFERENT).sum() <= 2 * len(LIMITS) + 5


def test_what_if_is_the_bound_moved_along_its_price(found):
    what_if = shown(found[-1], "what_if").set_index("limit")
    price, bound = prices_of(found), found[-1].metrics["profit_bound_of_prices"]
    assert what_if.index.tolist() == ["lent", "many"]
    moved = what_if.loc["lent", "profit bound at 1.1 x"]
    assert moved == pytest.approx(bound + 0.1 * 900_000 * price["lent"], rel=1e-12)
    moved = what_if.loc["many", "profit bound at 0.9 x"]  # a lower floor: more profit
    assert moved == pytest.approx(bound + 12 * price["many"], rel=1e-12)


def test_the_frontier_rises_and_bends_down(found):
    along = sorted((row.bound, row.most_profit, row.price) for row in points(found, "lent"))
    assert along[0] == (0.4 * 900_000, None, None)
    bounds, most, prices = map(np.array, zip(*along[1:], strict=True))
    assert bounds == pytest.approx([900_000 * multiple for multiple in MULTIPLES[1:]])
    slopes, size = np.diff(most) / np.diff(bounds), most.max()
    assert (np.diff(most) >= 0).all()
    assert (np.diff(slopes) * np.diff(bounds)[1:] <= 1e-9 * size).all()
    # Each price is a slope of the frontier there: between those before and behind.
    assert (prices[1:-1] <= slopes[:-1] * (1 + 1e-6)).all()
    assert (prices[1:-1] >= slopes[1:] * (1 - 1e-6)).all()
    at_one = dict(zip(MULTIPLES[1:], most, strict=True))[1.0]
    assert at_one <= found[-1].metrics["profit_bound_of_prices"] * (1 + 1e-9)


def test_the_frontier_of_a_ratio_moves_the_ratio(offers, found):
    along = sorted((row.bound, row.most_profit, row.plan_profit) for row in points(found, LOSS))
    bounds, most, by_prices = map(list, zip(*along, strict=True))
    assert bounds == pytest.approx([0.035 * multiple for multiple in OF_RATIO])
    assert most[0] is by_prices[0] is None
    assert most[1] < most[2] < most[3]
    tighter = [
        limit | {"at_most": bounds[1]} if limit["name"] == LOSS else limit for limit in LIMITS
    ]
    own = optimise(offers, **USUAL | {"limits": tighter})[-1].metrics
    assert own["profit"] <= most[1] <= own["profit_bound_of_prices"] * (1 + 1e-3)


def points(found, limit):
    return found[2].where(F.col("limit") == limit).collect()


def _first(offers, applicants):
    """Return the applicants, of those with an offer, whose keys have the lowest hashes."""
    keys = offers.where("profit IS NOT NULL").select("application_id").distinct()
    return keys.orderBy(F.xxhash64("application_id"), "application_id").limit(applicants)


def _row(row):
    return row.asDict(recursive=True)


def _offers():
    return BOOK.astype(object).where(BOOK.notna(), None).to_dict("records")


def _is_made(offer):
    return offer["profit"] is not None


@pytest.mark.parametrize("is_large", [False, True])
def test_neither_partitions_nor_order_nor_blocks_move_a_bit(offers, found, monkeypatch, is_large):
    monkeypatch.setattr(node, "SAMPLE", 20)  # passes by Spark, not over the driver's memory
    if is_large:  # as of many applicants: prices from a sample, a core of those near indifference
        monkeypatch.setattr(searching, "SAMPLE", 100)
        monkeypatch.setattr(searching, "SMALL", 50)
        monkeypatch.setattr(searching, "_CORES", (40, 80))
    one = optimise(offers, **USUAL) if is_large else found
    monkeypatch.setattr(blocks, "OFFERS", 37)
    turned = offers.orderBy(F.col("profit").desc()).repartition(7, "lent")
    other = optimise(turned, **USUAL)
    assert as_they_are(one[0]) == as_they_are(other[0])
    assert any(row[5] is not None and row[5] < 0 for row in as_they_are(one[0]))  # some are moved
    assert one[1].collect() == other[1].collect()
    assert one[3].collect() == other[3].collect()
    assert one[-1].metrics == other[-1].metrics


def test_prices_of_the_last_plan_are_where_the_search_begins(offers, found):
    again = optimise(offers, found[1], **USUAL)
    first, second = (shown(each[-1], "passes")["profit bound"] for each in (found, again))
    assert second[0] == first[0]  # at prices of 0
    assert second[1] == found[-1].metrics["profit_bound_of_prices"] < first[1]
    least = (1 - TOLERANCE) * found[-1].metrics["profit_bound"]
    assert least <= again[-1].metrics["profit"] <= found[-1].metrics["profit_bound"]
    assert again[-1].metrics["profit_bound"] <= found[-1].metrics["profit_bound"] * (1 + 1e-9)


def test_of_few_applicants_the_plan_is_the_best_in_whole_offers_and_the_gate_opens(offers):
    few = offers.join(_first(offers, 25), "application_id", "left_semi")
    limits = [
        {"name": "lent", "measure": "lent", "at_most": 90_000.0},
        {"name": LOSS, "measure": "loss", "per": "lent", "at_most": 0.035},
    ]
    wishes = USUAL | {"limits": limits, "parities": [], "tolerance": 1e-6}
    plan, *_, certificate = optimise(few, **wishes)
    assert status(certificate) == "optimal_within_tolerance"
    metrics = certificate.metrics
    assert metrics["profit_bound"] < metrics["profit_bound_of_prices"]
    audit = audit_portfolio(few, plan, profit="profit", limits=limits, parities=[], **NO_TAILS)
    assert portfolio_gate(certificate, audit, max_gap=1e-6) == []


def test_enforced_parity_is_kept_and_charged_and_soft_limits_are_paid_for(offers, found, caplog):
    caplog.set_level("INFO", "penstock.portfolio.optimise")
    soft = {"name": "lent", "measure": "lent", "at_most": 600_000.0, "penalty": 0.01}
    parity = PARITY | {"min_ratio": 0.95, "enforce": True}
    limits, parities = [soft, *LIMITS[1:]], [parity]
    plan, prices, *_, certificate = optimise(
        offers, **USUAL | {"limits": limits, "parities": parities}
    )
    told = [r.getMessage() for r in caplog.records if r.name == "penstock.portfolio.optimise"]
    assert told == [
        "Parity is enforced: each approval rate by housing is at least 0.95 of every other"
    ]
    free = audit_portfolio(
        offers, found[0], profit="profit", limits=LIMITS, parities=parities, **NO_TAILS
    )
    audit = audit_portfolio(
        offers, plan, profit="profit", limits=limits, parities=parities, **NO_TAILS
    )
    assert not shown(free, "approval_rates")["within the rule"].all()  # it binds
    assert shown(audit, "approval_rates")["within the rule"].all()
    beyond = shown(audit, "limits").set_index("limit")["beyond it"]
    assert beyond["lent"] > 0 and beyond.drop("lent").eq(0).all()
    metrics = certificate.metrics
    paid = metrics["profit_of_offers"] - 0.01 * beyond["lent"]
    assert metrics["profit"] == pytest.approx(paid, rel=1e-12)
    assert portfolio_gate(certificate, audit, max_gap=TOLERANCE) == []
    priced = {row.limit: row.price for row in prices.collect()}
    rows = ROWS | {"lent": ("lent", 600_000)} | PARITY_ROWS
    by_sql = g_by_sql(offers, priced, rows)
    assert metrics["profit_bound_of_prices"] == pytest.approx(by_sql, rel=1e-9)
    assert priced["lent"] == pytest.approx(0.01, rel=1e-6)
    assert priced["housing: rent to own"] + priced["housing: own to rent"] > 0
    made = plan.where("offer IS NOT NULL").selectExpr(
        "profit - aggregate(charges, 0D, (a, c) -> a + c.cost) - worth AS off"
    )
    assert made.agg(F.max(F.abs("off"))).collect()[0][0] < 1e-9


@pytest.mark.parametrize("sample", [searching.SAMPLE, MISLEADING])
def test_limits_that_nobody_can_meet_are_proven_so_and_the_proof_holds_in_sql(
    offers, monkeypatch, sample
):
    monkeypatch.setattr(feasibility, "SAMPLE", sample)
    limits = [
        {"name": "volume", "measure": "lent", "at_least": 800_000.0},
        {"name": "losses", "measure": "loss", "at_most": 14_000.0},
        {"name": "idle", "measure": "loss", "at_most": 9e9},
        {"name": "loss rate", "measure": "loss", "per": "lent", "at_most": 0.015},
    ]
    rows = {
        "volume": ("-lent", -800_000),
        "losses": ("loss", 14_000),
        "loss rate": ("loss - 0.015 * lent", 0),
    }
    wishes = USUAL | {"limits": limits, "parities": []}
    found = optimise(
        offers, **wishes | {"frontiers": [{"limit": "volume", "multiples": [0.5, 1.0]}]}
    )
    plan, _, frontier, *_, certificate = found
    assert_the_table_says_what_the_certificate_does(found)
    assert status(certificate) == "infeasible_proven"
    if sample == MISLEADING:  # those who are asked first could keep their share of all limits
        share = sample / N
        few = offers.join(_first(offers, sample), "application_id", "left_semi")
        theirs = [
            limit | {sense: limit[sense] * (1 if "per" in limit else share)}
            for limit in limits
            for sense in limit.keys() & {"at_most", "at_least"}
        ]
        assert status(optimise(few, **wishes | {"limits": theirs})[-1]) != "infeasible_proven"
    assert certificate.metrics["profit"] is None and certificate.metrics["gap"] is None
    assert plan.count() == N and plan.where("offer IS NOT NULL").count() == 0
    assert frontier.count() == 0
    conflict = shown(certificate, "conflict").set_index("limit")
    assert conflict.index.tolist() == ["volume", "loss rate"]
    left = g_by_sql(offers, conflict.multiplier.to_dict(), rows, profit="0")
    assert certificate.metrics["limits_leave"] == pytest.approx(left, rel=1e-9) and left < 0
    audit = audit_portfolio(offers, plan, profit="profit", limits=limits, parities=[], **NO_TAILS)
    [reason] = portfolio_gate(certificate, audit, max_gap=0.5)
    assert all(name in reason for name in conflict.index)
    # Either alone would have to take a bound that a plan can meet.
    needed = conflict["bound that it alone would need"]
    volume, *others, rate = limits
    for wider in (
        [volume | {"at_least": needed["volume"] / 1.002}, *others, rate],
        [volume, *others, rate | {"at_most": needed["loss rate"] * 1.002}],
    ):
        assert optimise(offers, **wishes | {"limits": wider})[-1].metrics["profit"] is not None
    assert 0.015 < needed["loss rate"] < 0.0175  # by an LP it is 0.01712
