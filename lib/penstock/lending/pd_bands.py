"""Bands of PD, each told by the PD that is none of its loans' to exceed."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_PARTS = 1e6


def upper_pd(pd: Column, step: float) -> Column:
    """Return the upper edge of the band that a PD lies in, as a text; null for null.

    Who takes it for the PD is on the safe side, by the width of a band at most.

    Args:
        pd: 0-1.
        step: Width of a band, in log-odds: 0.1 is a tenth of a small PD.

    Returns:
        0-1 with six decimals, rounded up; PDs of 0 and of 1 are bands of their own.
    """
    band = F.floor(F.ln(pd / (1 - pd)) / step)
    edge = 1 / (1 + F.exp(-step * (band + 1)))
    upper = F.when(pd <= 0, 0.0).when(pd >= 1, 1.0).otherwise(F.ceil(edge * _PARTS) / _PARTS)
    return F.when(pd.isNotNull(), F.format_string("%.6f", upper))
