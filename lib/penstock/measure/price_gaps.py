"""Gaps of price between two groups: of all their offers, and of offers alike. Values only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from penstock.measure.intervals import critical_value

RATE_UNITS = 10**12  # prices are counted in units of 1e-12, as whole numbers


@dataclass(frozen=True)
class Lot:
    """Some offers, by sums that are exact.

    Attributes:
        n: Offers, at least one.
        units: Sum of their prices, in units of 1 / `RATE_UNITS`.
        squares: Sum of the squares of these.
    """

    n: int
    units: int
    squares: int

    def __add__(self, other: "Lot") -> "Lot":
        """Return both lots as one."""
        return Lot(self.n + other.n, self.units + other.units, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Mean price."""
        return float(Fraction(self.units, self.n * RATE_UNITS))

    @property
    def deviations(self) -> float:
        """Sum of the squared deviations from the mean price."""
        return float((self.squares - Fraction(self.units**2, self.n)) / RATE_UNITS**2)


@dataclass(frozen=True)
class Gap:
    """A difference of prices, with its interval; no interval of too few offers.

    Attributes:
        value: The group's price less the reference's; above 0: the group pays more.
        low: Lower bound.
        high: Upper bound.
    """

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, value: float, error: float | None, level: float) -> "Gap":
        """Return the gap of a standard error, by the normal distribution."""
        if error is None:
            return cls(value, None, None)
        half = critical_value(level) * error
        return cls(value, value - half, value + half)


def standardised_gap(group: Lot, beside: Lot, *, level: float) -> Gap | None:
    """Return the difference of the mean prices in pooled standard deviations (SMD).

    Args:
        level: Confidence of the interval, 0-1.

    Returns:
        None if no price differs from the others of its group.

    Source:
        Cohen, Statistical Power Analysis (1988); standard error: Hedges and Olkin, Statistical
        Methods for Meta-Analysis (1985), ch. 5, for large samples.
    """
    squares, degrees = group.deviations + beside.deviations, group.n + beside.n - 2
    if not squares or degrees < 1:
        return None
    smd = (group.mean - beside.mean) / math.sqrt(squares / degrees)
    n = group.n + beside.n
    return Gap.of(smd, math.sqrt(n / (group.n * beside.n) + smd**2 / (2 * n)), level)


@dataclass(frozen=True)
class LikeGap:
    """The gap of offers that are alike.

    Attributes:
        gap: Of the prices, as fractions.
        compared: Offers of the group that some of the reference's are like.
    """

    gap: Gap
    compared: int


def like_gap(
    group: Mapping[str, Lot], beside: Mapping[str, Lot], *, level: float
) -> LikeGap | None:
    """Return the difference of the prices of offers alike, over all kinds that both groups have.

    Each kind counts by group x reference / both, of the offers of that kind. So it is the
    coefficient of the group in the least squares of the price by group and kind, and so is its
    standard error.

    Args:
        group, beside: Kind of offer to the offers of that kind.
        level: Confidence of the interval, 0-1.

    Returns:
        None if no kind is one of both.

    Source:
        Comparison by strata: Cochran, Biometrics 24 (1968). The least squares, by partialling the
        kinds out: Frisch and Waugh, Econometrica 1 (1933).
    """
    both = [(group[kind], beside[kind]) for kind in sorted(group.keys() & beside.keys())]
    if not both:
        return None
    weights = [one.n * other.n / (one.n + other.n) for one, other in both]
    differences = [one.mean - other.mean for one, other in both]
    weight = math.fsum(weights)
    mean = math.fsum(w * d for w, d in zip(weights, differences, strict=True)) / weight
    squares = math.fsum(
        one.deviations + other.deviations + w * (d - mean) ** 2
        for (one, other), w, d in zip(both, weights, differences, strict=True)
    )
    degrees = sum(one.n + other.n for one, other in both) - len(both) - 1
    error = math.sqrt(squares / degrees / weight) if degrees > 0 else None
    return LikeGap(Gap.of(mean, error, level), sum(one.n for one, _ in both))
