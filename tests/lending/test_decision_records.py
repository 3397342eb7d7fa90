import datetime
import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F

from penstock.columns import columns_in
from penstock.documents import Documents
from penstock.errors import ConfigError
from penstock.lending.counterfactuals import COUNTERFACTUAL_COLUMNS
from penstock.lending.decision_checks import NO_OFFER, RECORD_COLUMNS
from penstock.lending.decision_records import (
    choose_offers,
    hash_inputs,
    record_decisions,
    select_declined,
)
from penstock.lending.offers import OFFER_COLUMNS
from penstock.lending.policy.history import PolicyHistory
from penstock.lending.policy.policy import Policy
from penstock.lending.unreadable import UNREADABLE_COLUMNS

DAY = datetime.date(2025, 7, 1)
NOON = datetime.datetime(2025, 7, 1, 12)
DECISIONS = (
    "application_id STRING, as_of_date DATE, decision STRING, policy_decision STRING, "
    "rules_hit ARRAY<STRING>, rules_untold ARRAY<STRING>, reasons ARRAY<STRING>, "
    "limit_usd DECIMAL(12,2), interest_rate DOUBLE, pd DOUBLE, points INT, model_version STRING, "
    "policy_version STRING, cut_off DOUBLE, overridden_by STRING, overridden_why STRING, "
    "overridden_at TIMESTAMP"
)


def decided(key, decision, limit=None, by=None, rate=None):
    limit = None if limit is None else Decimal(limit)
    override = (by, "known", NOON) if by else (None, None, None)
    return (key, DAY, decision, "approve" if by else decision, ["hit"], ["untold", key],
            [f"why {decision}"], limit, rate, 0.2, 527, "m/1", "consumer 2025", 0.25,
            *override)  # fmt: skip


ALL = [
    decided("good", "approve", 6000),
    decided("no limit", "approve"),
    decided("poor", "approve", 20000),
    decided("trusted", "approve", 20000, by="ann"),
    decided("bad", "decline", 20000),
    decided("near", "refer", 20000),
    decided("torn", "refer"),
    decided("dear", "approve", 20000, rate=0.12),
    decided("unlawful", "approve", 20000),
]


def offer(key, number, amount, profit, rate=0.1):
    expected = None if profit is None else Decimal(profit) / 2
    rate = None if profit is None else rate
    return (key, number, Decimal(amount), 36, rate, Decimal(10), rate, False, 0.2, 0.5, 0.5,
            Decimal(1), Decimal(1), expected and 2 * expected, expected)  # fmt: skip


OFFERS = [
    *(offer("good", n, a, p) for n, a, p in ((1, 8000, 900), (2, 6000, 500), (3, 4000, 500))),
    *(offer("no limit", n, a, p) for n, a, p in ((1, 8000, 900), (2, 6000, 950))),
    *(offer(key, 1, 5000, -3) for key in ("poor", "trusted")),
    offer("poor", 2, 5000, None),
    offer("bad", 1, 5000, 100),
    offer("near", 1, 5000, 100),
    *(offer("dear", n, 5000, 100 * n, rate) for n, rate in ((1, 0.11), (2, 0.12), (3, 0.13))),
    *(offer("unlawful", n, 5000, 100 * n, rate) for n, rate in ((1, 0.3601), (2, 0.5))),
]
LAWFUL = Policy(
    name="p", version="1", effective_from=DAY, effective_until=None, legal_cap=0.36, cut_off=0.25,
    columns={}, places={"legal_cap": "p.yaml, line 4"}, tables=(),
)  # fmt: skip
NO_LAW = replace(LAWFUL, legal_cap=None)


def chosen_by(policy, *tables, rate_cap=0.36):
    history = PolicyHistory(Documents("p", ()), (policy,))
    return choose_offers(*tables, policy=history, as_of=DAY, rate_cap=rate_cap)


@pytest.fixture(scope="module")
def tables(spark):
    cases = spark.createDataFrame(
        [(row[0], None if row[0] == "near" else 5000) for row in ALL if row[0] != "torn"],
        "application_id STRING, income INT",
    )
    explained = cases.where("application_id = 'bad'").select(
        "application_id",
        F.expr(
            "array(named_struct('family', 'debt', 'feature', 'dti', 'text', 'Debts', "
            "'shortfall', 2D))"
        ).alias("reasons"),
        F.lit("reasons/3").alias("model_version"),
    )
    decisions = spark.createDataFrame(ALL, DECISIONS)
    chosen = chosen_by(LAWFUL, decisions, spark.createDataFrame(OFFERS, OFFER_COLUMNS))
    unreadable = spark.createDataFrame([("torn", ["why refer"], "1f")], UNREADABLE_COLUMNS)
    change = (Decimal(4000), 36, "The application would be approved for 4,000 USD.")
    counterfactuals = spark.createDataFrame([("bad", change)], COUNTERFACTUAL_COLUMNS)
    return decisions, cases, unreadable, explained, counterfactuals, chosen


def recorded(decisions, cases, unreadable, *others):
    return record_decisions(decisions, hash_inputs(cases, unreadable), *others)


@pytest.fixture(scope="module")
def records(tables):
    made = recorded(*tables)
    wanted = columns_in(RECORD_COLUMNS)
    assert made.columns == wanted.names
    assert [f.dataType.simpleString() for f in made.schema] == [
        f.dataType.simpleString() for f in wanted
    ]
    return {row.application_id: row for row in made.collect()}


def test_the_offer_is_the_most_profitable_within_the_limit(tables):
    chosen = {row.application_id: row.chosen for row in tables[-1].collect()}
    # Of two as good ones the first; above the limit, without profit or for a decline there is none.
    # Nor is there one above the price that the policy gives, or its legal cap.
    assert {key: its.offer for key, its in chosen.items()} == {
        "good": 2, "no limit": 2, "near": 1, "dear": 2,
    }  # fmt: skip


def test_without_a_legal_cap_any_rate_may_be_offered(tables, spark):
    offers = spark.createDataFrame(OFFERS, OFFER_COLUMNS).where("application_id = 'unlawful'")
    [row] = chosen_by(NO_LAW, tables[0], offers).collect()
    assert row.chosen.offer == 2


def test_offers_above_the_legal_cap_are_refused_before_one_is_chosen(tables):
    said = "^p.yaml, line 4: legal_cap is 0.36, and rate_cap of make_offers is 0.37: .* Lower"
    with pytest.raises(ConfigError, match=said):
        chosen_by(LAWFUL, *tables[:2], rate_cap=0.37)


def test_each_decision_is_recorded_with_what_it_rests_on(records):
    assert set(records) == {row[0] for row in ALL}
    names = columns_in(DECISIONS).names
    decided = {row[0]: dict(zip(names, row, strict=True)) for row in ALL}
    # All that the two tables have in common, but the decision where there is no offer.
    carried = {*names} & {*columns_in(RECORD_COLUMNS).names} - {"decision"}
    assert carried > {"rules_hit", "pd", "points", "model_version", "policy_version", "cut_off"}
    for key, row in records.items():
        assert {n: row[n] for n in carried} == {n: decided[key][n] for n in carried}
    bad = records["bad"]
    assert (bad.decision, bad.policy_reasons, bad.reasons_version) == (
        "decline",
        ["why decline"],
        "reasons/3",
    )
    assert [tuple(reason) for reason in bad.score_reasons] == [("debt", "dti", "Debts", 2.0)]
    assert records["good"].score_reasons is None and records["good"].offer.amount_usd == 6000
    assert bad.counterfactual.text == "The application would be approved for 4,000 USD."
    assert records["near"].counterfactual is None


def test_who_has_no_offer_that_earns_is_referred_unless_a_person_decided(records):
    poor, trusted = records["poor"], records["trusted"]
    assert (poor.decision, poor.policy_decision, poor.policy_reasons) == (
        "refer",
        "approve",
        [NO_OFFER],
    )
    assert (trusted.decision, trusted.overridden_by, trusted.offer) == ("approve", "ann", None)


def test_hashes_are_those_of_the_rows_and_move_with_any_value(records, tables):
    text = json.dumps({"application_id": "near", "income": None}, separators=(",", ":"))
    assert records["torn"].input_hash == "1f"
    assert records["near"].input_hash == hashlib.sha256(text.encode()).hexdigest()
    decisions, cases, *rest = tables
    again = {r.application_id: r for r in recorded(*tables).repartition(3).collect()}
    assert again == records
    richer = cases.withColumn(
        "income", F.when(F.col("application_id") == "bad", 1).otherwise(F.col("income"))
    )
    other = recorded(decisions, richer, *rest).collect()
    moved = {
        r.application_id for r in other if r.record_hash != records[r.application_id].record_hash
    }
    assert moved == {"bad"}


def as_json(value):
    """Return a value as Spark writes it."""
    if isinstance(value, Row):
        return as_json(value.asDict())
    if isinstance(value, dict):
        return f"{{{','.join(f'{as_json(k)}:{as_json(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    if isinstance(value, datetime.datetime):
        return f'"{value:%Y-%m-%dT%H:%M:%S}.000Z"'
    return str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)


def test_the_hash_of_a_record_is_of_all_its_other_columns(records):
    for row in records.values():
        others = {name: value for name, value in row.asDict().items() if name != "record_hash"}
        assert row.record_hash == hashlib.sha256(as_json(others).encode()).hexdigest()


def test_declined_applications_are_explained_or_all_if_asked_for(tables, spark):
    features = spark.createDataFrame(
        [("bad", 1.0), ("good", 2.0), ("other", 3.0)], "application_id STRING, x DOUBLE"
    )
    for explain, explained in (("declines", ["bad"]), ("all", ["bad", "good"])):
        chosen = select_declined(tables[0], features, explain=explain).collect()
        assert sorted(row.application_id for row in chosen) == explained
