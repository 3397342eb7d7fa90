"""Profit: what one of two PDs would earn more than the other, at one approval rate."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.errors import ConfigError
from penstock.measure.intervals import critical_value
from penstock.measure.paired import PairCounts
from penstock.measure.swaps import approved_share


@dataclass(frozen=True)
class Stake:
    """What a loan that is made earns, in any one unit of money.

    Attributes:
        good: Profit of a good loan, above 0.
        bad: Loss by a bad one, above 0.

    Raises:
        ConfigError: One of them is not above 0.
    """

    good: float
    bad: float

    def __post_init__(self) -> None:
        for name, value in (("profit_of_good", self.good), ("loss_of_bad", self.bad)):
            if not (value > 0 and math.isfinite(value)):
                raise ConfigError(f"Parameter '{name}' is {value:g}; it must be above 0.")

    @property
    def break_even_pd(self) -> float:
        """Return the PD (0-1) at which the expected profit of a loan is 0."""
        return self.good / (self.good + self.bad)

    def expected(self, pd: float) -> float:
        """Return the expected profit of a loan with this PD."""
        return self.good * (1 - pd) - self.bad * pd


@dataclass(frozen=True)
class ProfitDifference:
    """Profit per application, approved or not.

    Attributes:
        by_a: If score a decides.
        by_b: If score b decides.
        difference: `by_b` less `by_a`.
        low: Lower bound of the confidence interval of the difference.
        high: Upper bound of the same.
    """

    by_a: float
    by_b: float
    difference: float
    low: float
    high: float


def profit_difference(
    pairs: PairCounts, *, approval_rate: float, stake: Stake, level: float
) -> ProfitDifference:
    """Compare the profit of two PDs that approve the same share of the same loans.

    Args:
        pairs: Score a is the PD in use, b the other, 0-1; there are loans.
        approval_rate: Share of loans that are approved, above 0 and below 1.
        stake: What a loan earns.
        level: Confidence of the interval, 0-1 (0.95 = 95 %).

    Raises:
        ConfigError: The approval rate is out of its range.

    Source:
        The interval is that of the estimator's influence function (Hampel, Journal of the American
        Statistical Association 69, 1974): a loan counts by its own profit, and by moving the two
        cut-offs, where a loan earns what its PD says.
    """
    n = pairs.n_good + pairs.n_bad
    loans = int(n.sum())
    a, b = (approved_share(scores, n, approval_rate) for scores in (pairs.score_a, pairs.score_b))
    earned = stake.good * pairs.n_good - stake.bad * pairs.n_bad
    by_a, by_b = (float((share * earned).sum()) / loans for share in (a, b))
    moved = _at_cut_off(pairs.score_a, a, stake) * (a - approval_rate) - _at_cut_off(
        pairs.score_b, b, stake
    ) * (b - approval_rate)
    of_good = stake.good * (b - a) + moved
    of_bad = -stake.bad * (b - a) + moved
    mean = (pairs.n_good * of_good + pairs.n_bad * of_bad).sum() / loans
    squares = pairs.n_good * (of_good - mean) ** 2 + pairs.n_bad * (of_bad - mean) ** 2
    half = critical_value(level) * math.sqrt(float(squares.sum())) / loans
    difference = by_b - by_a
    return ProfitDifference(by_a, by_b, difference, difference - half, difference + half)


def _at_cut_off(pds: NDArray[np.float64], share: NDArray[np.float64], stake: Stake) -> float:
    """Return what the riskiest loan that is approved is expected to earn."""
    return stake.expected(float(pds[share > 0].max()))
