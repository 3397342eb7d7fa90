"""Candidates of a portfolio: which offers may be made, and in which amounts they count."""

from decimal import Decimal

import pytest

from penstock.catalyst.internals import count_jobs
from penstock.documents import Documents
from penstock.errors import ConfigError
from penstock.lending.candidates import CANDIDATE_COLUMNS, list_candidates, list_portfolio
from penstock.lending.offers import OFFER_COLUMNS
from penstock.lending.policy.history import PolicyHistory
from tests.lending.test_decision_records import ALL, DAY, DECISIONS, LAWFUL, OFFERS

FACTORS = {
    "sector": "purpose",
    "pd_band": "pd_band",
    "loss_at_default": "loss_at_default_usd",
    "asset_correlations": {"car": 0.1},
    "sector_correlation": 0.5,
    "scenarios": 1_000,
    "seed": 1,
}
MAKEABLE = {
    ("good", 2), ("good", 3),  # the first is above the limit
    ("no limit", 1), ("no limit", 2),
    ("poor", 1),  # at a loss; the second has no price
    ("trusted", 1),
    ("dear", 1), ("dear", 2),  # the third is dearer than the policy allows
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(spark):
    applications = [(row[0], "boat" if row[0] == "dear" else "car", "RENT", "CA") for row in ALL]
    return (
        spark.createDataFrame(OFFERS, OFFER_COLUMNS),
        spark.createDataFrame(ALL, DECISIONS),
        spark.createDataFrame(
            applications,
            "application_id STRING, purpose STRING, home_ownership STRING, state STRING",
        ),
    )


WISHES = {
    "policy": PolicyHistory(Documents("p", ()), (LAWFUL,)),
    "as_of": DAY,
    "profit": "profit_usd",
    "limits": [],
    "parities": [],
    "tail_limits": [],
    "factors": FACTORS,
    "frontiers": [],
    "tail_level": 0.99,
    "pd_step": 0.1,
}


LENT = {"name": "lent", "measure": "lent_usd", "at_most": 1.0}
BAD_YEARS = {"name": "bad years", "level": 0.9, "at_most": 1.0}


@pytest.fixture(scope="module")
def candidates(tables):
    return list_candidates(*tables, **WISHES)


@pytest.fixture(scope="module")
def rows(candidates):
    return {(row.application_id, row.offer): row for row in candidates.collect()}


def test_who_is_declined_or_what_is_beyond_the_policy_has_no_profit_and_all_stay(rows):
    assert set(rows) == {(offer[0], offer[1]) for offer in OFFERS}
    assert {key for key, row in rows.items() if row.profit_usd is not None} == MAKEABLE
    assert {row.profit_usd for (name, _), row in rows.items() if name == "unlawful"} == {None}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"limits": [{"name": "x", "measure": "lent", "at_most": 1.0}]}, "mean 'lent_usd'"),
        ({"parities": [{"attribute": "sate", "min_ratio": 0.8, "enforce": False}]}, "mean 'state'"),
        ({"profit": "profits_usd"}, "mean 'profit_usd'"),
        ({"factors": FACTORS | {"sector": "purposes"}}, "mean 'purpose'"),
        (
            {"limits": [LENT], "frontiers": [{"limit": "lend", "multiples": [0.5]}]},
            "'lend', and no limit is called so. Did you mean 'lent'",
        ),
        (
            {
                "tail_limits": [BAD_YEARS],
                "frontiers": [{"limit": "bad years", "multiples": [2, 2]}],
            },
            "multiple 2 of 'bad years' twice",
        ),
    ],
)
def test_wishes_of_what_candidates_have_not_are_refused_before_any_row_moves(
    spark, tables, changed, words
):
    jobs = count_jobs(spark)
    with pytest.raises(ConfigError, match=words):
        list_candidates(*tables, **WISHES | changed)
    assert count_jobs(spark) == jobs


def test_each_amount_counts_by_how_likely_the_offer_is_taken_up(candidates, rows):
    from pyspark.sql.types import StructType

    assert candidates.schema.simpleString() == StructType.fromDDL(CANDIDATE_COLUMNS).simpleString()
    row = rows["good", 2]  # 6,000 USD, take-up a half, PD 0.2, LGD a half, profit 500
    assert (row.lent_usd, row.profit_usd) == (3_000, 250)
    assert (row.expected_defaults, row.taken_up) == (Decimal("0.1"), Decimal("0.5"))
    assert row.loss_at_default_usd == 1_500
    assert 300 < row.tail_loss_usd < 1_500  # more than at the PD, less than if all default
    assert 0.2 <= float(row.pd_band) < 0.22
    assert rows["dear", 1].tail_loss_usd is None  # boats have no asset correlation


def test_a_portfolio_is_the_offers_of_the_plan_with_their_terms(spark, tables, candidates):
    plan = spark.createDataFrame([("good", 2), ("dear", None)], "application_id STRING, offer INT")
    [made] = list_portfolio(plan, tables[0], candidates).collect()
    assert (made.application_id, made.offer, made.amount_usd) == ("good", 2, 6_000)
    assert (made.profit_usd, made.purpose, made.take_up) == (250, "car", 0.5)
