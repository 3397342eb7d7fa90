"""Gaps of price, by least squares on single offers and by hand: no Spark."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import norm

from penstock.measure.price_gaps import (
    RATE_UNITS,
    Gap,
    LikeGap,
    Lot,
    like_gap,
    standardised_gap,
)
from penstock.measure.price_groups import ComparedPrices, compare_prices
from penstock.measure.reference_groups import ReferenceGroups

LEVEL = 0.95
KINDS = np.array(list("abcde"))


def lot(rates):
    units = [round(rate * RATE_UNITS) for rate in rates]
    return Lot(len(units), sum(units), sum(unit**2 for unit in units))


def by_kind(rates, kinds, chosen):
    return {str(k): lot(rates[chosen & (kinds == k)]) for k in np.unique(kinds[chosen])}


def simulated(offers=400, markup=0.004, seed=3):
    """Rates that rise with the kind; women have the dear kinds more often, and pay the mark-up."""
    random = np.random.default_rng(seed)
    is_woman = random.random(offers) < 0.4
    place = np.where(is_woman, random.integers(1, 5, offers), random.integers(0, 4, offers))
    rates = 0.08 + 0.03 * place + markup * is_woman + random.normal(0, 0.01, offers)
    return rates.round(6), KINDS[place], is_woman


def test_offers_alike_differ_as_least_squares_of_price_by_group_and_kind_says():
    rates, kinds, is_woman = simulated()
    found = like_gap(by_kind(rates, kinds, is_woman), by_kind(rates, kinds, ~is_woman), level=LEVEL)
    # Kind a has no woman, and e no man: they tell nothing of the gap, and take no freedom.
    both = (kinds != "a") & (kinds != "e")
    design = np.column_stack([is_woman, *(kinds == kind for kind in "bcd")]).astype(float)[both]
    coefficients, [squares], *_ = np.linalg.lstsq(design, rates[both])
    variance = squares / (len(design) - design.shape[1]) * np.linalg.inv(design.T @ design)[0, 0]
    assert found.gap.value == pytest.approx(coefficients[0], abs=1e-12)
    reach = norm.ppf(0.975) * sqrt(variance)
    assert found.gap.high - found.gap.value == pytest.approx(reach, rel=1e-9)
    assert found.gap.value - found.gap.low == pytest.approx(reach, rel=1e-9)
    assert found.compared == (is_woman & both).sum()


def test_the_mark_up_is_found_where_the_mean_mixes_it_with_the_risk():
    rates, kinds, is_woman = simulated(offers=4000)
    of_women, of_men = (by_kind(rates, kinds, chosen) for chosen in (is_woman, ~is_woman))
    found = like_gap(of_women, of_men, level=LEVEL).gap
    assert found.low < 0.004 < found.high and found.low > 0.002
    assert rates[is_woman].mean() - rates[~is_woman].mean() > 0.03
    # Without a mark-up the risk explains the difference of the means.
    rates, kinds, is_woman = simulated(offers=4000, markup=0.0)
    of_women, of_men = (by_kind(rates, kinds, chosen) for chosen in (is_woman, ~is_woman))
    found = like_gap(of_women, of_men, level=LEVEL).gap
    assert found.low < 0 < found.high
    assert standardised_gap(lot(rates[is_woman]), lot(rates[~is_woman]), level=LEVEL).low > 0.5


def test_intervals_hold_as_often_as_they_say():
    held = []
    for seed in range(400):
        rates, kinds, is_woman = simulated(offers=120, seed=seed)
        of_women, of_men = (by_kind(rates, kinds, chosen) for chosen in (is_woman, ~is_woman))
        gap = like_gap(of_women, of_men, level=LEVEL).gap
        held.append(gap.low <= 0.004 <= gap.high)
    # 380 of 400 are expected; 360 and 395 are some four standard deviations away.
    assert 360 < sum(held) < 396


def test_the_standardised_difference_by_hand():
    # Means .12 and .10; squares .0002 and .0002 over 2 + 2 - 2: a deviation of .01414.
    smd = standardised_gap(lot([0.11, 0.13]), lot([0.09, 0.11]), level=LEVEL)
    assert smd.value == pytest.approx(0.02 / sqrt(0.0002), rel=1e-12)
    error = sqrt(4 / 4 + smd.value**2 / 8)
    assert smd.high - smd.value == pytest.approx(norm.ppf(0.975) * error, rel=1e-12)
    assert standardised_gap(lot([0.11, 0.11]), lot([0.1, 0.1]), level=LEVEL) is None
    assert standardised_gap(lot([0.11]), lot([0.1]), level=LEVEL) is None


def test_what_nobody_else_is_like_has_no_gap_and_two_offers_no_interval():
    assert like_gap({"a": lot([0.1])}, {"b": lot([0.2])}, level=LEVEL) is None
    alone = like_gap({"a": lot([0.3])}, {"a": lot([0.2])}, level=LEVEL)
    assert alone.gap.value == pytest.approx(0.1) and (alone.gap.low, alone.compared) == (None, 1)


def test_sums_of_many_offers_lose_nothing():
    # In doubles, the squares of 0.1 + k 1e-9 would have no digit left to tell them apart.
    rates = [0.1 + k * 1e-9 for k in (-1, 0, 1)]
    assert lot(rates).deviations == pytest.approx(2e-18, rel=1e-6)


def test_offers_of_no_kind_are_alike_to_none_and_count_among_all():
    offers = {"f": {None: lot([0.3]), "a": lot([0.1])}, "m": {None: lot([0.2]), "a": lot([0.1])}}
    [f, m] = compare_prices(ReferenceGroups(offers, "m", 0, 0), level=LEVEL)
    assert f.difference == pytest.approx(0.05) and f.offers.n == 2
    assert (f.like.gap.value, f.like.compared) == (0, 1)
    assert (m.difference, m.smd, m.like, m.light(0.0)) == (None, None, None, "")


@pytest.mark.parametrize(
    ("gap", "light"),
    [
        (Gap(0.001, -0.5, 0.5), "green"),
        (Gap(-0.001, -0.5, 0.5), "green"),
        (Gap(0.002, 0.001, 0.003), "amber"),
        (Gap(-0.002, -0.003, -0.001), "amber"),
        (Gap(0.002, 0.0011, 0.003), "red"),
        (Gap(-0.002, -0.003, -0.0011), "red"),
        (Gap(0.002, None, None), "amber"),
    ],
)
def test_a_gap_beyond_what_is_let_pass_is_red_only_with_its_whole_interval(gap, light):
    assert ComparedPrices("f", lot([0.1]), like=LikeGap(gap, 1)).light(0.001) == light
