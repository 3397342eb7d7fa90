"""What the optimiser refuses, and what it says of books with little in them."""

import math
from dataclasses import replace

import pytest

from penstock.errors import ConfigError, DataError
from penstock.portfolio import optimise as node
from penstock.portfolio.measuring import measure_offers
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from tests.portfolio.books import (
    NO_TAILS,
    assert_the_table_says_what_the_certificate_does,
    g_by_sql,
    optimise,
)

COLUMNS = "application_id STRING, offer INT, profit DOUBLE, lent DOUBLE, region STRING"
CAP = {"name": "lent", "measure": "lent", "at_most": 250.0}
NORTH = {"name": "north", "measure": "lent", "where": {"region": ["north"]}, "at_most": 9.0}
MOVED = {"limit": "lent", "multiples": [0.5, 1.0]}
PARITY = {"attribute": "region", "min_ratio": 0.8, "enforce": True}
USUAL = {
    "profit": "profit",
    "limits": [CAP],
    "parities": [],
    **NO_TAILS,
    "tolerance": 1e-4,
    "frontiers": [],
}
AUDITED = ("profit", "limits", "parities", *NO_TAILS)
ROWS = [
    ("a", 1, 10.0, 100.0, "north"),
    ("a", 2, 12.0, 150.0, "north"),
    ("b", 1, 7.0, 100.0, "south"),
    ("c", 1, None, 100.0, None),
]


@pytest.fixture(scope="module")
def offers(spark):
    return spark.createDataFrame(ROWS, COLUMNS)


def refused(offers, error=ConfigError, **changed):
    with pytest.raises(error) as told:
        optimise(offers, **USUAL | changed)
    return str(told.value)


def solve(offers, **changed):
    """Return the offers chosen, the status, the metrics, and why the gate is closed."""
    wishes = USUAL | changed
    found = optimise(offers, **wishes)
    plan, prices, *_, certificate = found
    asked = {name: wishes[name] for name in AUDITED}
    audit = audit_portfolio(offers, plan, **asked)
    [[status]] = certificate.tables["status"].rows
    chosen = {row.application_id: row.offer for row in plan.collect()}
    reasons = portfolio_gate(certificate, audit, max_gap=1e-3)
    assert prices.count() >= len(wishes["limits"])
    assert_the_table_says_what_the_certificate_does(found)
    return chosen, status, certificate.metrics, reasons


def proof_by_sql(offers, certificate, rows):
    """Return l b + the sum of max(0, max(-l a)) of a conflict's multipliers: below 0, no plan."""
    multipliers = {row[0]: row[1] for row in certificate.tables["conflict"].rows}
    assert multipliers.keys() == rows.keys() and min(multipliers.values()) > 0
    left = g_by_sql(offers, multipliers, rows, profit="0")
    assert certificate.metrics["limits_leave"] == pytest.approx(left, rel=1e-9)
    return left


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"limits": [CAP, CAP]}, ["Two limits are called 'lent'"]),
        ({"limits": [CAP | {"at_least": 1.0}]}, ["'lent'", "either at_most or at_least"]),
        ({"limits": [{"name": "x", "measure": "lent"}]}, ["'x'", "either at_most or at_least"]),
        ({"limits": [CAP | {"measure": "lnet"}]}, ["'lnet'", "Did you mean 'lent'?"]),
        ({"limits": [CAP | {"per": "profits"}]}, ["'profits'", "Did you mean 'profit'?"]),
        ({"limits": [CAP | {"per": "lent"}]}, ["relates lent to itself"]),
        ({"limits": [NORTH | {"per": "lent", "at_most": 40.0}]}, ["'north'", "40", "0.4 = 40 %"]),
        ({"limits": [CAP | {"at_most": 1e303}]}, ["'lent' is 1e+303", "leave it out"]),
        ({"limits": [CAP | {"where": {"regoin": ["north"]}}]}, ["Did you mean 'region'?"]),
        ({"limits": [CAP | {"where": {"region": ["nort"]}}]}, ["Did you mean 'north'?"]),
        ({"limits": [CAP | {"measure": "region"}]}, ["'region' is string"]),
        (
            {"parities": [{"attribute": "regio", "min_ratio": 0.8, "enforce": False}]},
            ["Did you mean 'region'?"],
        ),
        (
            {"parities": [{"attribute": "region", "min_ratio": 0.8, "enforce": e} for e in (0, 1)]},
            ["Two parities are on 'region'"],
        ),
        ({"profit": "proft"}, ["'proft'", "Did you mean 'profit'?"]),
        ({"frontiers": [{"limit": "lend", "multiples": [1.0]}]}, ["frontiers", "'lent'?"]),
        ({"frontiers": [MOVED, MOVED]}, ["'lent' twice"]),
        ({"frontiers": [MOVED | {"multiples": [1.0, 2.0, 1.0]}]}, ["multiple 1 of 'lent' twice"]),
        ({"limits": [CAP | {"at_most": 0.0}], "frontiers": [MOVED]}, ["'lent'", "which is 0"]),
    ],
)
def test_limits_that_cannot_be_meant_are_refused_by_name(offers, changed, words):
    told = refused(offers, **changed)
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("amount", "told"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-0.5, "-0.5"), (None, "null"), (1e10, "1.0E10")],
)
def test_amounts_that_cannot_be_summed_are_refused(spark, amount, told):
    wrong = spark.createDataFrame([*ROWS, ("w", 1, 1.0, amount, "south")], COLUMNS)
    with pytest.raises(DataError, match=f"'lent' of the offers is {told} of w"):
        measure_offers(wrong, "profit", ["lent"], [])


def test_what_cannot_be_made_may_have_any_amounts(spark):
    odd = [("b", 5, None, math.nan, None), ("b", 6, None, 1e40, "x"), ("b", 7, None, -1.0, None)]
    chosen, status, *_ = solve(spark.createDataFrame([*ROWS[:3], *odd], COLUMNS))
    assert (chosen, status) == ({"a": 2, "b": 1}, "optimal_within_tolerance")


def test_a_profit_that_is_no_number_is_refused(spark):
    wrong = spark.createDataFrame([*ROWS, ("w", 1, math.nan, 1.0, "south")], COLUMNS)
    assert "'profit' of the offers is NaN of w" in refused(wrong, DataError)


def test_an_offer_twice_is_refused(spark):
    twice = spark.createDataFrame([*ROWS, ("b", 1, 5.0, 50.0, "south")], COLUMNS)
    assert "Applicant b has an offer with the same number twice" in refused(twice, DataError)


def test_a_parity_of_what_an_applicant_has_several_of_is_refused(spark):
    mixed = spark.createDataFrame([*ROWS, ("b", 2, 5.0, 50.0, "north")], COLUMNS)
    told = refused(mixed, DataError, parities=[PARITY])
    assert "Applicant b has offers of region 'north' and 'south'" in told
    nobody = spark.createDataFrame([("b", None)], "application_id STRING, offer INT")
    asked = {name: USUAL[name] for name in AUDITED} | {"parities": [PARITY | {"enforce": False}]}
    with pytest.raises(DataError, match="Applicant b has offers of region"):
        audit_portfolio(mixed, nobody, **asked)


def test_a_limit_may_be_on_the_profit_itself(offers):
    of_lent = {"name": "return", "measure": "profit", "per": "lent", "at_least": 0.09}
    chosen, status, metrics, reasons = solve(offers, limits=[of_lent])
    # Of 12 on 150 and 7 on 100 it is 7.6 %; of 10 on 100 and of these, 8.5 %.
    assert (chosen, metrics["profit"]) == ({"a": 1, "b": None, "c": None}, 10)
    assert (status, reasons) == ("optimal_within_tolerance", [])


def test_a_budget_of_nothing_makes_no_offers_and_that_is_proven(offers):
    chosen, status, metrics, reasons = solve(offers, limits=[CAP | {"at_most": 0.0}])
    assert set(chosen.values()) == {None} and set(chosen) == {"a", "b", "c"}
    assert (status, metrics["gap"], reasons) == ("optimal_within_tolerance", 0, [])


def test_offers_that_all_lose_are_not_made_and_that_is_proven(spark):
    losing = spark.createDataFrame([("a", 1, -1.0, 5.0, "x"), ("b", 1, -0.1, 5.0, "x")], COLUMNS)
    chosen, status, metrics, reasons = solve(losing)
    assert (chosen, metrics["profit"]) == ({"a": None, "b": None}, 0)
    assert (status, metrics["gap"], reasons) == ("optimal_within_tolerance", 0, [])


def test_one_applicant(spark):
    one = spark.createDataFrame(ROWS[:2], COLUMNS)
    chosen, status, metrics, reasons = solve(one, limits=[CAP | {"at_most": 149.999999}])
    assert (chosen, metrics["profit"]) == ({"a": 1}, 10)
    assert (status, reasons) == ("optimal_within_tolerance", [])
    assert metrics["profit_bound"] == pytest.approx(10, abs=1e-5)
    assert metrics["profit_bound_of_prices"] > 11  # most of the other offer, in part


def test_what_is_no_price_is_no_start(spark):
    rows = [("lent", math.nan), ("lent", 0.02), ("a", -1.0), ("b", math.inf), ("c", None)]
    start = spark.createDataFrame([*rows, ("gone", 0.5)], "limit STRING, price DOUBLE")
    assert node._prices_of(start) == {"lent": 0.02, "gone": 0.5}


def test_nothing_to_choose_from_is_empty(spark):
    limits = [CAP, NORTH]
    nothing = spark.createDataFrame([], COLUMNS)
    chosen, status, metrics, reasons = solve(nothing, limits=limits)
    assert (chosen, status, metrics["profit"], reasons) == ({}, "empty", 0, [])
    unmade = spark.createDataFrame([("c", 1, None, 1.0, "north")], COLUMNS)
    chosen, status, metrics, reasons = solve(unmade, limits=limits)
    assert (chosen, status, metrics["profit"], reasons) == ({"c": None}, "empty", 0, [])


def test_a_floor_that_an_empty_book_cannot_meet_is_told(spark):
    floor = {"name": "some", "measure": "approvals", "at_least": 1.0}
    nothing = spark.createDataFrame([], COLUMNS)
    chosen, status, _, reasons = solve(nothing, limits=[CAP, floor])
    assert (chosen, status) == ({}, "infeasible_proven")
    assert reasons == ["No plan can meet these limits together: some"]
    certificate = optimise(nothing, **USUAL | {"limits": [CAP, floor]})[-1]
    assert proof_by_sql(nothing, certificate, {"some": ("-1", -1)}) < 0


def test_limits_that_contradict_each_other_are_named(offers):
    floor = {"name": "floor", "measure": "lent", "at_least": 251.0}
    chosen, status, _, reasons = solve(offers, limits=[CAP, floor])
    assert set(chosen.values()) == {None} and status == "infeasible_proven"
    assert reasons == ["No plan can meet these limits together: lent, floor"]
    certificate = optimise(offers, **USUAL | {"limits": [CAP, floor]})[-1]
    rows = {"lent": ("lent", 250), "floor": ("-lent", -251)}
    assert proof_by_sql(offers, certificate, rows) < 0


def test_a_parity_with_a_group_that_has_no_offers_is_proven_impossible_and_sql_says_so(spark):
    rows = [("n1", 1, 5.0, 50.0, "north"), ("n2", 1, 5.0, 50.0, "north")]
    offers = spark.createDataFrame([*rows, ("s1", 1, None, 50.0, "south")], COLUMNS)
    some = {"name": "some", "measure": "approvals", "at_least": 1.0}
    wishes = {"limits": [some], "parities": [PARITY]}
    plan, *_, certificate = optimise(offers, **USUAL | wishes)
    # Of two in the north four fifths of the rate must be the south's, where nobody can have one.
    by_hand = {"some": ("-1", -1), "region: south to north": ("if(region = 'north', 0.4, 0)", 0)}
    assert proof_by_sql(offers, certificate, by_hand) < 0
    audit = audit_portfolio(offers, plan, profit="profit", **wishes, **NO_TAILS)
    [reason] = portfolio_gate(certificate, audit, max_gap=1e-3)
    assert reason == "No plan can meet these limits together: some, region: south to north"
    unproven = replace(certificate, metrics=certificate.metrics | {"limits_leave": 0.0})
    reasons = portfolio_gate(unproven, audit, max_gap=1e-3)
    assert reasons == ["By SQL the limits that are said to conflict leave room for a plan"]


def test_limits_that_only_whole_offers_break_leave_no_plan(offers):
    limits = [CAP | {"at_most": 120.0}, CAP | {"name": "floor", "at_least": 110.0}]
    del limits[1]["at_most"]
    chosen, status, metrics, reasons = solve(offers, limits=limits)
    assert set(chosen.values()) == {None} and status == "gap_not_reached"
    assert metrics["gap"] is None and reasons == ["No plan within all limits was found"]


def test_of_offers_alike_the_lowest_number_is_made_whatever_the_order_of_rows(spark):
    alike = [(key, number, 5.0, 50.0, "x") for number in (7, 3, 9) for key in "pqrs"]
    chosen, status, metrics, _ = solve(spark.createDataFrame(alike, COLUMNS))
    assert (set(chosen.values()), metrics["profit"]) == ({3}, 20)
