import numpy as np
import pytest

from penstock.errors import ConfigError
from penstock.measure.paired import PairCounts
from penstock.measure.profit import Stake, profit_difference

STAKE = Stake(good=1.0, bad=5.0)
LOANS = 4000
REPEATS = 400


def test_a_difference_by_hand():
    # a approves a good and a bad loan of four, b two good ones.
    pairs = PairCounts.of([0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.2, 0.3], [0, 1, 0, 0])
    found = profit_difference(pairs, approval_rate=0.5, stake=STAKE, level=0.95)
    assert (found.by_a, found.by_b, found.difference) == (-1.0, 0.5, 1.5)
    assert found.low < 1.5 < found.high


def test_pds_that_rank_alike_earn_the_same_without_a_doubt():
    pairs = PairCounts.of([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0, 1, 0])
    found = profit_difference(pairs, approval_rate=0.4, stake=STAKE, level=0.95)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def drawn(random) -> PairCounts:
    """Two calibrated PDs of the same loans: b knows all of the risk, a half of it."""
    known, hidden = random.normal(0, 1, (2, LOANS))

    def pd(log_odds):
        return 1 / (1 + np.exp(-log_odds))

    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    blind = (pd(known[:, None] - 1.5 + nodes) * weights).sum(axis=1) / weights.sum()
    full = pd(known - 1.5 + hidden)
    return PairCounts.of(blind, full, (random.random(LOANS) < full).astype(int))


def test_the_interval_is_as_wide_as_the_difference_spreads_in_samples_drawn_anew():
    random = np.random.default_rng(8)
    found = [
        profit_difference(drawn(random), approval_rate=0.7, stake=STAKE, level=0.95)
        for _ in range(REPEATS)
    ]
    differences = np.array([each.difference for each in found])
    half = np.mean([each.high - each.low for each in found]) / 2
    # The spread of 400 draws is known to 3.5 %.
    assert half == pytest.approx(1.96 * differences.std(), rel=0.12)
    covered = np.mean([each.low <= differences.mean() <= each.high for each in found])
    assert covered == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize(("good", "bad"), [(0.0, 5.0), (1.0, -1.0), (float("inf"), 1.0)])
def test_a_stake_is_above_0(good, bad):
    with pytest.raises(ConfigError, match="it must be above 0"):
        Stake(good, bad)
