"""Confidence intervals: the usual confidence, and how far it reaches by the normal distribution."""

from statistics import NormalDist

CONFIDENCE = 0.95


def critical_value(level: float) -> float:
    """Return the standard errors that a two-sided interval reaches to each side (0.95: 1.96)."""
    return NormalDist().inv_cdf((1 + level) / 2)
