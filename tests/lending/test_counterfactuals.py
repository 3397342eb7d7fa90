"""What a declined applicant can change, and which of the changes that are approved is told."""

from decimal import Decimal

from penstock.columns import columns_in
from penstock.lending.counterfactuals import (
    COUNTERFACTUAL_COLUMNS,
    find_counterfactuals,
    select_approved,
    vary_declines,
)

DECIDED = "application_id STRING, decision STRING, limit_usd DECIMAL(12,2), overridden_by STRING"
ASKED = "application_id STRING, amount_usd DECIMAL(12,2), term_months INT, fico INT"
VARIED = (
    "application_id STRING, declined_id STRING, amount_usd DECIMAL(12,2), term_months INT, "
    "asked_months INT"
)


def varied(spark, rows, **parameters):
    decisions = spark.createDataFrame(
        [(row[0], row[3], None, row[4] if len(row) > 4 else None) for row in rows], DECIDED
    )
    applications = spark.createDataFrame(
        [(row[0], row[1] and Decimal(row[1]), row[2], 700) for row in rows], ASKED
    )
    made = vary_declines(decisions, applications, **parameters)
    assert made.columns == [*applications.columns, "declined_id", "asked_months"]
    found = {}
    for row in made.collect():
        assert row.fico == 700
        found.setdefault(row.declined_id, []).append((str(row.amount_usd), row.term_months))
    assert len({row.application_id for row in made.collect()}) == made.count()
    return found


def test_each_decline_is_varied_in_amount_and_term_and_nothing_else_is(spark):
    rows = [
        ("1", "10050.00", 36, "decline"),
        ("2", "150.00", 36, "decline"),
        ("3", "29.00", 48, "decline"),
        ("4", None, 36, "decline"),
        ("5", "10000.00", 36, "approve"),
        ("6", "10000.00", 36, "refer"),
        ("7", "10000.00", 36, "decline", "ann"),
    ]
    found = varied(
        spark, rows, amount_shares=[1.0, 0.9, 0.7, 0.29], terms_months=[36, 60], amount_step_usd=50
    )
    amounts = ("9000.00", "7000.00", "2900.00")
    # The term alone, as it was asked for to the cent; amounts are rounded down to fifties.
    assert sorted(found.pop("1")) == sorted(
        [("10050.00", 60), *((amount, term) for amount in amounts for term in (36, 60))]
    )
    # Of two shares that round alike there is one, and none of nothing.
    assert sorted(found.pop("2")) == [("100.00", 36), ("100.00", 60), ("150.00", 60)]
    assert sorted(found.pop("3")) == [("29.00", 36), ("29.00", 60)]
    assert not found


def test_the_smallest_change_that_is_approved_and_earns_is_told_in_a_sentence(spark):
    variants = spark.createDataFrame(
        [
            (key, of, Decimal(amount), term, asked)
            for key, of, amount, term, asked in (
                ("a: 1", "a", "10000.00", 60, 36),  # referred
                ("a: 2", "a", "9000.00", 36, 36),  # beyond the limit
                ("a: 3", "a", "8000.00", 36, 36),  # has no offer that may be chosen
                ("a: 4", "a", "7500.00", 60, 36),  # another term
                ("a: 5", "a", "7500.00", 36, 36),
                ("a: 6", "a", "7000.00", 36, 36),
                ("b: 1", "b", "12345.50", 60, 48),  # as near as 36, and longer
                ("b: 2", "b", "12345.50", 36, 48),
                ("c: 1", "c", "1000.00", 36, 36),  # nor has it: no LGD
                ("d: 1", "d", "1000.00", 36, 36),  # declined
            )
        ],
        VARIED,
    )
    kinds = {"a: 1": "refer", "d: 1": "decline"}
    keys = [row.application_id for row in variants.collect()]
    limits = {"a: 2": Decimal(8999), "a: 5": Decimal(7500)}
    decisions = spark.createDataFrame(
        [(key, kinds.get(key, "approve"), limits.get(key), None) for key in keys], DECIDED
    )
    features = variants.select("application_id")
    approved = select_approved(features, variants, decisions)
    # With the amount of each, so that nobody else is made an offer.
    kept = {row.application_id: row.amount_usd for row in approved.collect()}
    amounts = {row.application_id: row.amount_usd for row in variants.collect()}
    assert kept == {key: amounts[key] for key in {*keys} - {"a: 1", "a: 2", "d: 1"}}
    chosen = approved.where("application_id NOT IN ('a: 3', 'c: 1')")
    found = find_counterfactuals(variants, chosen)
    assert [(f.name, f.dataType) for f in found.schema] == [
        (f.name, f.dataType) for f in columns_in(COUNTERFACTUAL_COLUMNS)
    ]
    assert {row.application_id: tuple(row.counterfactual) for row in found.collect()} == {
        "a": (Decimal(7500), 36, "The application would be approved for 7,500 USD."),
        "b": (
            Decimal("12345.50"),
            36,
            "The application would be approved for 12,345.50 USD over 36 months.",
        ),
    }


def test_without_a_decline_there_is_nothing(spark):
    none = spark.createDataFrame([], DECIDED)
    applications = spark.createDataFrame([], ASKED)
    variants = vary_declines(
        none, applications, amount_shares=[0.5], terms_months=[], amount_step_usd=1.0
    )
    assert find_counterfactuals(variants, variants).isEmpty()
