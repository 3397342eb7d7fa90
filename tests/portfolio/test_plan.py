"""The plan of the node: a row for each applicant, explained, and the same however it is found."""

import pandas
import pytest
from pyspark.sql import functions as F

from penstock.portfolio import blocks, searching
from penstock.portfolio import optimise as node
from penstock.portfolio.bid_prices import BidPrices
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import NO_TAILS, g_by_sql, optimise
from tests.portfolio.node_book import (
    BOOK,
    LIMITS,
    LOSS,
    PARITY,
    ROWS,
    TOLERANCE,
    USUAL,
    first_of,
    status,
)
from tests.shown import shown

INDIFFERENT = 1e-6  # of profit: who is chosen from in parts has two offers worth the same
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


def as_they_are(plan):
    """Return the rows of a plan in the order of applicants, to be compared bit by bit."""
    rows = sorted(plan.collect(), key=lambda row: row.application_id)
    return [(*row[:6], tuple(tuple(charge) for charge in row.charges or ())) for row in rows]


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
    few = offers.join(first_of(offers, 25), "application_id", "left_semi")
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
