"""Limits of the node that nobody can meet together: the proof holds in SQL."""

import pytest

from penstock.portfolio import feasibility, searching
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import (
    NO_TAILS,
    assert_the_table_says_what_the_certificate_does,
    g_by_sql,
    optimise,
)
from tests.portfolio.node_book import USUAL, N, first_of, status
from tests.shown import shown

MISLEADING = 42  # applicants who can keep limits that nobody can meet together


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
        few = offers.join(first_of(offers, sample), "application_id", "left_semi")
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
