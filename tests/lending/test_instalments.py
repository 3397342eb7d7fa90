"""Balances and their discounted sums in closed form, against instalment by instalment."""

import math
from itertools import product

import pytest
from pyspark.sql import functions as F

from penstock.lending.instalments import (
    balance_share,
    discount_factors,
    discounted_balances,
    growth,
    own_rate_balances,
    own_rate_columns,
)

TERMS, RATES, DISCOUNTS = (1, 2, 36, 360), (0.0011, 0.12, 0.36), (0.0, 0.12, 0.5)


def balances(term, rate):
    """Return the balance before each instalment of a loan of 1, and after the last."""
    monthly = rate / 12
    instalment = monthly / (1 - (1 + monthly) ** -term)
    found = [1.0]
    for _ in range(term):
        found.append(found[-1] * (1 + monthly) - instalment)
    return found


def test_balances_and_discounted_sums_equal_those_of_the_schedule(spark):
    cases = [
        (term, rate, discount, months)
        for term, rate, discount in product(TERMS, RATES, DISCOUNTS)
        for months in sorted({0, 1, term // 2, term})
    ]
    rows = spark.createDataFrame(cases, "term INT, rate DOUBLE, discount DOUBLE, months INT")
    rate = growth(F.col("rate"))
    discount, months = growth(F.col("discount")), F.col("months")
    factors = discount_factors(months, discount)
    discounted = discounted_balances(months, F.col("term"), rate, discount, factors)
    remaining = F.col("term") - F.col("months")
    found = (
        rows.withColumns(own_rate_columns(F.col("term"), rate))
        .select(
            discounted.alias("sum"),
            own_rate_balances(months).alias("at_own_rate"),
            balance_share(remaining, F.col("term"), rate).alias("balance"),
        )
        .collect()
    )
    for (term, yearly, discount, months), row in zip(cases, found, strict=True):
        schedule = balances(term, yearly)
        assert row.balance == pytest.approx(schedule[months], rel=1e-9, abs=1e-9)
        expected = math.fsum(
            schedule[j - 1] / (1 + discount / 12) ** j for j in range(1, months + 1)
        )
        assert row.sum == pytest.approx(expected, rel=1e-9), (term, yearly, discount, months)
        if yearly == discount:
            assert row.at_own_rate == row.sum
