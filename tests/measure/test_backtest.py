"""Two policies over judged loans: by hand, and their paired interval by the closed form."""

from decimal import Decimal

import numpy as np
import pytest
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.backtest import DECIDED, EARNED, WARNINGS, backtest_policies

DRAWS = {"resamples": 1000, "seed": 5}
# Loan, what the policy and the other say of it, whether it turned bad, profit expected and made.
LOANS = [
    ("both", "approve", "approve", 0, 100, 200),
    ("out", "approve", "decline", 1, -50, -600),
    ("in", "decline", "approve", 0, 80, 300),
    ("near", "refer", "refer", 0, 60, 100),
    ("risky", "decline", "refer", 1, -90, -400),
    ("unknown", "approve", "approve", 1, 10, None),
]


def tables(spark, loans):
    """Return decisions by both and valued loans; of the latter one more, which nobody decided."""
    decided = [(name, *both, "p 1", "p 2") for name, *both, _, _, _ in loans]
    money = [[None if usd is None else Decimal(usd) for usd in row[4:]] for row in loans]
    valued = [(row[0], row[3], *usd) for row, usd in zip(loans, money, strict=True)]
    return (
        spark.createDataFrame(decided, DECIDED).coalesce(1),
        spark.createDataFrame([*valued, ("nobody", 1, *money[0])], EARNED).coalesce(1),
    )


@pytest.fixture(scope="module")
def found(spark):
    return backtest_policies(*tables(spark, LOANS), **DRAWS)


def test_approvals_bad_rates_and_profits_are_those_by_hand(found):
    exact = {name: v for name, v in found.metrics.items() if not name.endswith(("low", "high"))}
    assert exact == {
        "loans": 5.0, "left_out": 1.0,
        "approval_rate": 2 / 5, "bad_rate": 1 / 2, "profit": (200 - 600) / 5,
        "other_approval_rate": 2 / 5, "other_bad_rate": 0.0, "other_profit": (200 + 300) / 5,
        "gain": (300 + 600) / 5, "swapped_in": 1.0, "swapped_out": 1.0,
    }  # fmt: skip


def test_those_decided_otherwise_have_rows_of_their_own(found):
    policies = found.tables["policies"]
    assert [row[:6] for row in policies.rows] == [
        ("the policy", "p 1", 0.4, 0.5, 10.0, -80.0),
        ("the other policy", "p 2", 0.4, 0.0, 36.0, 100.0),
        ("the other alone", "", 0.2, 0.0, 16.0, 60.0),
        ("the policy alone", "", 0.2, 1.0, -10.0, -120.0),
        ("approve all", "", 1.0, 0.4, 20.0, -80.0),
    ]
    assert [row[8] for row in policies.rows] == [None, 180.0, None, None, 0.0]
    decisions = found.tables["decisions"]
    assert decisions.rows == (
        ("p 1", "approve", "p 2", "approve", 1, 0.0, 200.0, 200.0),
        ("p 1", "approve", "p 2", "decline", 1, 1.0, -600.0, -600.0),
        ("p 1", "decline", "p 2", "approve", 1, 0.0, 300.0, 300.0),
        ("p 1", "decline", "p 2", "refer", 1, 1.0, -400.0, -400.0),
        ("p 1", "refer", "p 2", "refer", 1, 0.0, 100.0, 100.0),
    )
    assert [row[0] for row in found.tables["warnings"].rows] == [*WARNINGS]


def test_the_interval_of_the_gain_is_that_of_the_same_loans_under_both(spark):
    """Of what differs alone: 1.96 standard errors of the difference of each loan."""
    n = 3000
    random = np.random.default_rng(7)
    earned = np.where(random.random(n) < 0.2, -600, 200)
    decided = random.random((2, n))
    # They part on one loan in ten.
    first, other = decided[0] < 0.7, np.where(decided[1] < 0.1, decided[0] > 0.7, decided[0] < 0.7)
    named = {True: "approve", False: "decline"}
    loans = [
        (f"l{i}", named[bool(a)], named[bool(b)], int(usd < 0), 0, int(usd))
        for i, (a, b, usd) in enumerate(zip(first, other, earned, strict=True))
    ]
    metrics = backtest_policies(*tables(spark, loans), **DRAWS).metrics
    gain = earned * (other.astype(int) - first.astype(int))
    for name, values in (("gain", gain), ("profit", earned * first)):
        half = 1.96 * values.std() / np.sqrt(n)
        low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
        assert metrics[name] == pytest.approx(values.mean())
        assert low < metrics[name] < high
        assert (high - low) / 2 == pytest.approx(half, rel=0.15)
    assert metrics["swapped_in"] == (other & ~first).sum()
    assert metrics["swapped_out"] == (first & ~other).sum()


def test_by_the_same_policy_there_is_no_gain_and_none_approved_has_no_bad_rate(spark):
    declined = [("a", "decline", "decline", 0, 1, 2), ("b", "refer", "refer", 1, 1, -2)]
    metrics = backtest_policies(*tables(spark, declined), **DRAWS).metrics
    assert (metrics["gain"], metrics["gain_low"], metrics["gain_high"]) == (0, 0, 0)
    assert (metrics["approval_rate"], metrics["bad_rate"], metrics["profit"]) == (0, None, 0)


def test_without_any_profit_there_is_nothing_to_tell(spark):
    decided, valued = tables(spark, LOANS)
    unknown = valued.withColumn("realised_profit_usd", F.lit(None).cast("decimal(12,2)"))
    for loans in (unknown, valued.where("false")):
        with pytest.raises(DataError, match="No judged loan has a profit"):
            backtest_policies(decided, loans, **DRAWS)
