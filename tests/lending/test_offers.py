from decimal import Decimal
from math import exp, log

import pytest
from scipy.stats import norm

from penstock.errors import ConfigError
from penstock.lending.offers import OFFER_COLUMNS, make_offers

PARAMETERS = {
    "amount_shares": [1.0, 0.5],
    "price_steps": [0.0, 0.02],
    "rate_cap": 0.28,
    "margin": 0.01,
    "funding_rate": 0.04,
    "operating_rate": 0.015,
    "return_on_capital": 0.12,
    "handling_cost_usd": 50.0,
    "pd_floor": 0.0005,
    "lgd_floor": 0.45,  # above one of them
    "adverse_selection": 3.0,
    "reference_rate": 0.12,
    "reference_take_up": 0.6,
    "take_up_by_rate": -20.0,
    "take_up_by_amount": 1.5,
}
RISKS = {  # application: amount, term, PD over the term, LGD
    "safe": (10_000, 36, 0.02, 0.4),
    "usual": (12_000, 60, 0.15, 0.6),
    "small": (1_000, 36, 0.1, 0.5),
    "risky": (20_000, 60, 0.7, 0.9),
    "sure": (5_000, 36, 0.0, 0.5),
}
UNKNOWN = {
    "lost": (5_000, 36, 1.0, 0.5),
    "no pd": (5_000, 36, None, 0.5),
    "no lgd": (5_000, 36, 0.1, None),
    "pd no number": (5_000, 36, float("nan"), 0.5),
    "pd below 0": (5_000, 36, -0.1, 0.5),
    "pd above 1": (5_000, 36, 1.5, 0.5),
    "lgd no number": (5_000, 36, 0.1, float("nan")),
    "lgd below 0": (5_000, 36, 0.1, -0.5),
    "lgd above 1": (5_000, 36, 0.1, 1.5),
}
NOT_ASSESSED = {"unassessed": (5_000, 36)}
NOTHING_LENT = {"half a cent": ("0.00", 36, 0.1, 0.5), "less": ("-5.00", 36, 0.1, 0.5)}


@pytest.fixture(scope="module")
def offers(spark):
    everybody = RISKS | UNKNOWN | NOTHING_LENT
    assessed = [(key, pd, lgd) for key, (_, _, pd, lgd) in everybody.items()]
    asked = [
        (key, Decimal(amount), term)
        for key, (amount, term, *_) in (everybody | NOT_ASSESSED).items()
    ]
    made = make_offers(
        spark.createDataFrame(assessed, "application_id STRING, pd DOUBLE, lgd DOUBLE"),
        spark.createDataFrame(
            asked, "application_id STRING, amount_usd DECIMAL(12,2), term_months INT"
        ),
        **PARAMETERS,
    )
    from pyspark.sql.types import StructType

    assert made.schema.simpleString() == StructType.fromDDL(OFFER_COLUMNS).simpleString()
    return {(row.application_id, row.offer): row for row in made.collect()}


def costs_by_month(amount, term, pd, lgd, rate):
    """Walk through the months: what a loan earns and costs, one balance after the other."""
    alive, balance, monthly = 1.0, float(amount), 1 - (1 - pd) ** (1 / term)
    instalment = amount * rate / 12 / (1 - (1 + rate / 12) ** -term)
    of_year = max(1 - (1 - monthly) ** 12, 0.0005)
    r = 0.03 * (1 - exp(-35 * of_year)) / (1 - exp(-35))
    r += 0.16 * (1 - (1 - exp(-35 * of_year)) / (1 - exp(-35)))
    stressed = norm.cdf((norm.ppf(of_year) + r**0.5 * norm.ppf(0.999)) / (1 - r) ** 0.5)
    capital = max(lgd, 0.45) * (stressed - of_year)
    profit = loss = years = 0.0
    for _ in range(term):
        expected = alive * balance
        charge = capital * (0.12 - 0.04) / 12
        loss += expected * monthly * lgd
        profit += expected * ((rate - 0.04 - 0.015) / 12 - charge - monthly * lgd)
        years += expected / 12
        balance = balance * (1 + rate / 12) - instalment
        alive *= 1 - monthly
    assert balance == pytest.approx(0, abs=1e-6)
    return {"profit": profit - 50, "loss": loss, "years": years, "capital": amount * capital,
            "instalment": instalment}  # fmt: skip


@pytest.mark.parametrize("key", RISKS)
def test_an_offer_earns_and_costs_what_its_months_do(offers, key):
    _, term, pd, lgd = RISKS[key]
    for number in (1, 2, 3, 4):
        offer = offers[key, number]
        odds = pd / (1 - pd) * exp(3.0 * (0.02 if number in (2, 4) else 0.0))
        assert offer.pd == pytest.approx(odds / (1 + odds), abs=1e-15)
        amount = float(offer.amount_usd)
        by_month = costs_by_month(amount, term, offer.pd, lgd, offer.interest_rate)
        assert float(offer.profit_usd) == pytest.approx(by_month["profit"], abs=0.006)
        assert float(offer.expected_loss_usd) == pytest.approx(by_month["loss"], abs=0.006)
        assert float(offer.capital_usd) == pytest.approx(by_month["capital"], abs=0.006)
        assert float(offer.installment_usd) == pytest.approx(by_month["instalment"], abs=0.006)


@pytest.mark.parametrize("key", RISKS)
def test_at_the_needed_rate_a_loan_earns_its_margin(offers, key):
    amount, term, pd, lgd = RISKS[key]
    by_month = costs_by_month(amount, term, pd, lgd, offers[key, 1].needed_rate)
    assert by_month["profit"] == pytest.approx(0.01 * by_month["years"], abs=1e-4)


def test_each_amount_comes_at_each_price_and_the_cap_holds(offers):
    first, dearer, half, _ = (offers["usual", number] for number in (1, 2, 3, 4))
    assert (first.amount_usd, half.amount_usd) == (12_000, 6_000)
    assert dearer.interest_rate - first.interest_rate == pytest.approx(0.02)
    assert first.interest_rate == first.needed_rate and not first.is_capped
    # A smaller loan bears its handling on fewer dollars.
    assert half.needed_rate > first.needed_rate
    risky = [offers["risky", number] for number in (1, 2)]
    assert [offer.interest_rate for offer in risky] == [0.28, 0.28]
    assert all(offer.is_capped and offer.profit_usd < 0 for offer in risky)


def test_a_dearer_and_a_smaller_offer_are_taken_up_less(offers):
    for number, share in ((1, 1.0), (2, 1.0), (3, 0.5)):
        offer = offers["usual", number]
        log_odds = log(0.6 / 0.4) - 20 * (offer.interest_rate - 0.12) + 1.5 * log(share)
        assert offer.take_up == pytest.approx(1 / (1 + exp(-log_odds)))
        assert float(offer.expected_profit_usd) == pytest.approx(
            offer.take_up * float(offer.profit_usd), abs=0.006
        )


def test_who_cannot_be_priced_keeps_the_offers_without_a_price(offers):
    assert len(offers) == 4 * len(RISKS | UNKNOWN | NOTHING_LENT | NOT_ASSESSED)
    for key in UNKNOWN | NOTHING_LENT | NOT_ASSESSED:
        for number in (1, 2, 3, 4):
            offer = offers[key, number]
            assert (offer.amount_usd is None) == (key in NOTHING_LENT)
            assert offer.interest_rate is offer.expected_profit_usd is offer.capital_usd is None


def test_a_cap_below_what_money_costs_is_refused():
    with pytest.raises(ConfigError, match="rate_cap of make_offers is 0.05, and .* cost 0.055"):
        make_offers(None, None, **PARAMETERS | {"rate_cap": 0.05})
