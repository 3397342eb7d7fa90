"""Bands of utilisation, by which exposures of credit lines are told apart."""

from pyspark.sql import Column
from pyspark.sql import functions as F

BANDS_PER_UNIT = 5
NAMES = ("0-20 %", "20-40 %", "40-60 %", "60-80 %", "80-100 %", "100 % or more")


def utilisation_band() -> Column:
    """Return the band of balance / limit, 0 to 5; without a limit the last.

    Needs `balance_usd` and `limit_usd`, both at least 0.
    """
    fifths = F.floor(F.try_divide("balance_usd", "limit_usd") * BANDS_PER_UNIT).cast("int")
    last = F.lit(len(NAMES) - 1)
    return F.coalesce(F.least(fifths, last), last)
