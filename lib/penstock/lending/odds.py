"""Odds: a probability moved by a multiple of its odds, as outlooks and dear prices move PDs."""

from pyspark.sql import Column


def shifted(probability: Column, multiple: Column) -> Column:
    """Return the probability whose odds are a multiple (0 or more) of these; 0 and 1 stay."""
    return probability * multiple / (1 - probability + probability * multiple)
