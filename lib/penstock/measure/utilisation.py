"""Bands of utilisation, by which exposures of credit lines are told apart."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.evidence import Mark, Series
from penstock.measure.cells import Cells, total

BANDS_PER_UNIT = 5
NAMES = ("0-20 %", "20-40 %", "40-60 %", "60-80 %", "80-100 %", "100 % or more")


def utilisation_band() -> Column:
    """Return the band of balance / limit, 0 to 5; without a limit the last.

    Needs `balance_usd` and `limit_usd`, both at least 0.
    """
    fifths = F.floor(F.try_divide("balance_usd", "limit_usd") * BANDS_PER_UNIT).cast("int")
    last = F.lit(len(NAMES) - 1)
    return F.coalesce(F.least(fifths, last), last)


def limit_shares(name: str, by_band: Mapping[str, Cells], column: str, mark: Mark) -> Series:
    """Return the share of the limits that a column makes, by band; those without a limit are none.

    Args:
        name: What the series is called.
        by_band: Cells by the name of their band, with `limit_usd` and the column.
        column: An amount in USD.
        mark: How the series is drawn.
    """
    limits = {band: total(cells, "limit_usd") for band, cells in by_band.items()}
    shares = {b: float(total(by_band[b], column) / limit) for b, limit in limits.items() if limit}
    return Series(name, tuple(shares), tuple(shares.values()), mark)
