"""The audit of plans: what SQL says of a good one, and of such as were spoilt on their way."""

from dataclasses import replace

import pytest

from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import NO_TAILS, optimise
from tests.portfolio.node_book import BOOK, TOLERANCE
from tests.shown import shown

COLUMNS = "application_id STRING, offer INT, profit DOUBLE, lent DOUBLE, region STRING"
ROWS = [
    ("a", 1, 10.0, 100.0, "north"),
    ("a", 2, 12.0, 150.0, "north"),
    ("b", 1, 7.0, 100.0, "south"),
    ("b", 2, 8.0, 150.0, "south"),
    ("c", 1, None, 100.0, None),
]
LIMITS = [{"name": "lent", "measure": "lent", "at_most": 250.0}]
KEPT = {"profit": "profit", "limits": LIMITS, "parities": [], **NO_TAILS}
PARITY = {"attribute": "region", "min_ratio": 0.8, "enforce": True}


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


def test_a_tight_parity_is_within_the_rule(spark):
    # 24 of 100 to 30 of 100 is four fifths exactly; as doubles, 0.24 / 0.3 is a little less.
    rows = [(f"{g}{n}", 1, 1.0, 1.0, g) for g in "ns" for n in range(100)]
    offers = spark.createDataFrame(rows, COLUMNS)
    most = {"n": 24, "s": 30}
    plan = spark.createDataFrame(
        [(key, 1 if int(key[1:]) < most[key[0]] else None) for key, *_ in rows],
        "application_id STRING, offer INT",
    )
    audit = audit_portfolio(offers, plan, profit="profit", limits=[], parities=[PARITY], **NO_TAILS)
    assert [row[4] for row in audit.tables["approval_rates"].rows] == [True, True]
    parity = PARITY | {"min_ratio": 0.81}
    audit = audit_portfolio(offers, plan, profit="profit", limits=[], parities=[parity], **NO_TAILS)
    assert [row[4] for row in audit.tables["approval_rates"].rows] == [False, True]
    assert audit.metrics["broken_limits"] == 1  # an enforced parity is a limit


NUMBER = "The audit finds another number of offers than the certificate"
PROFIT = "The audit finds another profit than the certificate"
UNMAKEABLE = "The audit finds offers that cannot be made"


@pytest.fixture(scope="module")
def certified(spark):
    """Return offers, and the certificate of their best plan: the second of a, the first of b."""
    offers = spark.createDataFrame(ROWS, COLUMNS)
    plan, *_, certificate = optimise(offers, **KEPT, tolerance=1e-4, frontiers=[])
    assert {(row[0], row[1]) for row in plan.collect()} == {("a", 2), ("b", 1), ("c", None)}
    return offers, certificate


@pytest.mark.parametrize(
    ("plan", "reasons"),
    [
        ([("a", 2), ("b", 1)], []),
        ([("a", 1), ("a", 2)], ["The audit finds an applicant with more than one offer", PROFIT]),
        ([("a", 2)], [NUMBER, PROFIT]),
        ([("a", 1), ("b", 1)], [PROFIT]),
        ([("a", 2), ("b", 2)], ["The audit finds limits broken: lent", PROFIT]),
        ([("a", 1), ("c", 1)], [UNMAKEABLE, PROFIT]),  # it has no profit
        ([("a", 2), ("b", 7)], [UNMAKEABLE, PROFIT]),  # there is no such offer
    ],
)
def test_a_plan_spoilt_on_its_way_to_the_table_is_not_released(spark, certified, plan, reasons):
    offers, certificate = certified
    rows = spark.createDataFrame(plan, "application_id STRING, offer INT")
    audit = audit_portfolio(offers, rows, **KEPT)
    assert portfolio_gate(certificate, audit, max_gap=1e-3) == reasons
