"""One application in plain Python: what each part of the language means, and how tables decide."""

import datetime as dt
from decimal import Decimal

import pytest

from penstock.lending.policy.expressions import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TEXT,
    Fact,
    decimal_kind,
)
from penstock.lending.policy.grammar import read_expression
from penstock.lending.policy.in_one import decider
from penstock.lending.policy.in_python import evaluation, fact_of
from tests.lending.policy.written import POLICY, history_of

KINDS = {
    "a": INTEGER, "b": INTEGER, "x": DOUBLE, "y": DOUBLE, "m": decimal_kind(12, 2), "t": TEXT,
    "f": BOOLEAN, "d": DATE,
}  # fmt: skip
NAMES = {name: Fact(name, kind) for name, kind in KINDS.items()}
INF = float("inf")


def value_of(text, **facts):
    known = {name: fact_of(facts.get(name), kind) for name, kind in KINDS.items()}
    return evaluation(read_expression(text, NAMES))(known)


@pytest.mark.parametrize(
    ("text", "facts", "value"),
    [
        # Not before and, and before or.
        ("f or a = 1 and b = 2", {"f": True, "a": 1, "b": 3}, True),
        ("not f and f", {"f": False}, False),
        ("not (f and f)", {"f": False}, True),
        ("1 + a * 2 = 7", {"a": 3}, True),
        ("(1 + a) * 2 = 8", {"a": 3}, True),
        ("10 - 4 - 3 = 3", {}, True),
        ("-a * 2 = -6", {"a": 3}, True),
        # Three-valued logic.
        ("a > 1 or f", {"f": True}, True),
        ("a > 1 or f", {"f": False}, None),
        ("a > 1 and f", {"f": False}, False),
        ("a > 1 and f", {"f": True}, None),
        ("not a > 1", {}, None),
        ("a is missing", {}, True),
        ("(a > 1) is not missing", {}, False),
        ("a != 1", {}, None),
        ("t in ['u', 'v']", {}, None),
        ("a between 1 and 3", {"a": 3}, True),
        ("a not between b and 3", {"a": 4}, True),
        ("a between b and 3", {"a": 3}, None),
        # Numbers without a value.
        ("x / y > 0", {"x": 1.0, "y": 0.0}, None),
        ("x / y > 0", {"x": 1.0, "y": -0.0}, None),
        ("a / b is missing", {"a": 1, "b": 0}, True),
        ("x > 0", {"x": float("nan")}, None),
        ("x > 0", {"x": INF}, None),
        ("x * x > 0", {"x": 1e200}, None),
        ("1 / (x * x) = 0", {"x": 1e200}, None),
        ("a + 1 > 0", {"a": 2**63 - 1}, None),
        ("-a > 0", {"a": -(2**63)}, None),
        # To the last digit.
        ("a = 9007199254740993", {"a": 2**53 + 1}, True),
        ("a = 9007199254740992", {"a": 2**53 + 1}, False),
        ("a = 9007199254740992.0", {"a": 2**53 + 1}, False),
        ("a = x", {"a": 2**53 + 1, "x": 2.0**53}, True),
        ("x = 0.3", {"x": 0.1 + 0.2}, False),
        ("m * 3 = 0.3", {"m": Decimal("0.10")}, True),
        ("m = 0.1", {"m": Decimal("0.10")}, True),
        ("m > 0.104", {"m": Decimal("0.10")}, False),
        ("m / 3 * 3 = m", {"m": Decimal("0.10")}, True),
        ("x = 0", {"x": -0.0}, True),
        ("x in [0, 1]", {"x": -0.0}, True),
        # Texts, flags and days.
        ('t = "car"', {"t": "Car"}, False),
        ("t in ['car', 'it']", {"t": "it"}, True),
        ("t not in ['car']", {"t": "it"}, True),
        ("f", {}, None),
        ("f = false", {"f": False}, True),
        ("d >= 2024-02-29", {"d": dt.date(2024, 2, 29)}, True),
        ("d between 2024-03-01 and 2024-12-31", {"d": dt.date(2024, 2, 29)}, False),
    ],
)  # fmt: skip
def test_an_expression_means_what_it_says(text, facts, value):
    assert value_of(text, **facts) is value


GOOD = {
    "pd": 0.1, "income": Decimal("30000.01"), "months": 60, "purpose": "house", "is_staff": False,
    "since": dt.date(2020, 1, 1),
}  # fmt: skip


@pytest.fixture
def decide_on(tmp_path):
    def decide_on(text=POLICY, **changes):
        return decider(history_of(tmp_path, text).versions[0])({**GOOD, **changes})

    return decide_on


def test_what_no_rule_objects_to_is_approved_with_limit_and_price(decide_on):
    found = decide_on()
    assert (found.decision, found.reasons, found.rules_untold) == ("approve", (), ())
    assert found.rules_hit == ("half", "most", "rate")
    assert (found.limit_usd, found.interest_rate) == (Decimal("15000.00"), 0.05 + 0.1)


def test_the_strictest_table_decides_and_a_decline_lists_every_rule_that_declines(decide_on):
    found = decide_on(months=3, pd=0.3, is_staff=True, purpose="car")
    assert found.decision == "decline"
    assert found.rules_hit[:3] == ("young", "staff", "risky")
    assert found.reasons == ("The history is short.", "The risk is high.")
    assert decide_on(is_staff=True, purpose="car").decision == "refer"


def test_a_rule_that_cannot_be_told_refers_to_a_person(decide_on):
    found = decide_on(months=None)
    assert (found.decision, found.rules_untold) == ("refer", ("young",))
    assert found.reasons == ("'young' cannot be told: one of months, since is missing",)
    # It is told all the same where the other half of it is true.
    assert decide_on(months=None, since=dt.date(2025, 1, 1)).decision == "decline"


def test_who_cannot_be_scored_is_referred_unless_a_rule_declines(decide_on):
    for unknown in (None, float("nan")):
        found = decide_on(pd=unknown)
        assert (found.decision, found.interest_rate) == ("refer", None)
        assert found.reasons[:2] == (
            "cannot be scored: pd is missing",
            "'safe' cannot be told: pd is missing",
        )
    assert decide_on(pd=None, months=1).decision == "decline"


def test_in_a_table_first_an_earlier_rule_shadows_a_later_one(decide_on):
    both = POLICY.replace("pd > cut_off", "pd > cut_off or months = 60")
    assert decide_on(both, pd=0.05).decision == "approve"
    assert decide_on(both, pd=0.06).reasons == ("The risk is high.",)


def test_a_price_above_the_cap_and_a_limit_without_income_are_no_offers(decide_on):
    at_cap = POLICY.replace("0.05 + pd", "pd").replace("0.2\n", "0.9\n")
    assert decide_on(at_cap, pd=0.36).decision == "approve"
    above = decide_on(at_cap, pd=0.3600000001)
    assert (above.decision, above.interest_rate) == ("refer", None)
    assert above.reasons == ("price: no rule gives a value that may be offered (made from pd)",)
    poor = decide_on(income=None)
    assert (poor.decision, poor.limit_usd) == ("refer", None)
    assert poor.reasons == ("limit: no rule gives a value that may be offered (made from income)",)


def test_rules_of_a_unique_table_that_contradict_on_an_application_refer_it(decide_on):
    text = POLICY.replace("hit: first", "hit: unique", 1).replace("pd <= 0.05", "pd * 2 <= 0.5")
    found = decide_on(text, pd=0.22)
    assert found.decision == "refer"
    assert found.reasons == ("cut_off: rules that exclude each other hit together",)


def test_limits_are_rounded_down_to_the_cent(decide_on):
    assert decide_on(income=Decimal("0.03")).limit_usd == Decimal("0.01")
