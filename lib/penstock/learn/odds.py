"""Odds: a probability moved by a multiple of its odds, as outlooks and dear prices move PDs."""

from pyspark.sql import Column


def shifted(probability: Column, multiple: Column | float) -> Column:
    """Return the probability whose odds are a multiple (0 or more) of these; 0 and 1 stay."""
    # Not over 1 + p x (multiple - 1): at p = 1 and a multiple below 1e-16 that is 0.
    return probability * multiple / (1 - probability + probability * multiple)
