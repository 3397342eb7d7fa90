"""Vintage curves: how many loans of one vintage have gone bad by each month on book."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.measure.counts import UNKNOWN_GROUP
from penstock.measure.figures import vintage_curve_figure
from penstock.measure.unusable import refuse_unusable

TABLE_MONTHS = (6, 12, 24, 36, 48, 60)


@dataclass(frozen=True, eq=False)
class VintageCounts:
    """Loans of one vintage, and the months in which they went bad.

    Attributes:
        loans: All loans of the vintage.
        bads: Those that are known to have gone bad in some month, however late.
        new_bads: Shape (n_months + 1,), loans that went bad in each month on book from 0 on, up to
            the month that every loan of the vintage has been watched to.
    """

    loans: int
    bads: int
    new_bads: NDArray[np.int64]


def count_vintages(
    loans: DataFrame, *, vintage: str, bad_month: str, months_watched: str
) -> dict[str, VintageCounts]:
    """Count the loans that went bad by vintage and month on book, in one Spark query.

    At most vintages x (longest months on book + 2) rows reach the driver.

    Args:
        loans: One row per loan, with the columns named below.
        vintage: Column of the vintage; null becomes "unknown".
        bad_month: Column of the month on book in which the loan went bad, an integer from 0 on;
            null: not bad so far.
        months_watched: Column of the whole months from issue to the date of the data, for bad loans
            too: a loan's own last month would end the curve at the first default.

    Returns:
        Vintage to counts, in the order of the names.

    Raises:
        DataError: Months watched are unknown, or a loan went bad before month 0 or after them.
    """
    bad, watched = F.col(bad_month).cast("int"), F.col(months_watched).cast("int")
    counted = (
        loans.groupBy(
            F.coalesce(F.col(vintage).cast("string"), F.lit(UNKNOWN_GROUP)).alias("vintage"),
            bad.alias("month"),
        )
        .agg(
            F.count(F.lit(1)).alias("loans"),
            F.min(watched).alias("watched"),
            F.count_if(watched.isNull()).alias("unwatched"),
            F.count_if((bad < 0) | (bad > watched)).alias("outside"),
        )
        .toArrow()
    )
    names, month, n, watched_to, unwatched, outside = (c.to_numpy() for c in counted.columns)
    refuse_unusable(
        {
            f"{months_watched} null": unwatched.sum(),
            f"{bad_month} below 0 or above {months_watched}": outside.sum(),
        },
        purpose="Cannot draw vintage curves",
        rows="loans",
        cure="Mend those loans first.",
    )
    found: dict[str, VintageCounts] = {}
    for name in sorted(set(names)):
        of_vintage = names == name
        last = int(watched_to[of_vintage].min())
        found[name] = _curve(month[of_vintage], n[of_vintage], last)
    return found


def vintages_by_year(
    loans: DataFrame, *, date: str, bad_date: str, as_of: datetime.date
) -> dict[str, VintageCounts]:
    """Count the loans that went bad by year and month on book, in one Spark query.

    Args:
        loans: One row per loan, with the columns named below; those without `date` are left out.
        date: Column of the day (DATE) that months on book are counted from.
        bad_date: Column of the day (DATE) on which the loan went bad; null: not bad, or unknown.
        as_of: Day that the data speak of.

    Raises:
        DataError: As `count_vintages`.
    """
    dated = loans.where(F.col(date).isNotNull()).select(
        F.year(date).alias("year"),
        F.floor(F.months_between(F.col(bad_date), F.col(date))).alias("bad_month"),
        F.floor(F.months_between(F.lit(as_of), F.col(date))).alias("months_watched"),
    )
    return count_vintages(
        dated, vintage="year", bad_month="bad_month", months_watched="months_watched"
    )


def curve_evidence(vintages: Mapping[str, VintageCounts]) -> Evidence:
    """Return table and figure of vintage curves, "vintage_curves" both; empty without vintages."""
    if not vintages:
        return Evidence({})
    curves = {name: cumulative_bad_rate(counts) for name, counts in vintages.items()}
    rows = tuple(
        (name, counts.loans, counts.bads, len(curves[name]) - 1, *_shares_at(curves[name]))
        for name, counts in vintages.items()
    )
    by_month = (f"by_month_{month}" for month in TABLE_MONTHS)
    columns = ("vintage", "loans", "bads", "months_watched", *by_month)
    return Evidence(
        {},
        {"vintage_curves": Table("Share of loans gone bad, by month on book", columns, rows)},
        {"vintage_curves": vintage_curve_figure(curves)},
    )


def _shares_at(curve: NDArray[np.float64]) -> list[float | None]:
    return [float(curve[month]) if month < len(curve) else None for month in TABLE_MONTHS]


def cumulative_bad_rate(counts: VintageCounts) -> NDArray[np.float64]:
    """Return the share of loans that had gone bad by the end of each month on book, 0-1.

    Shape (n_months + 1,); never falls.
    """
    rate: NDArray[np.float64] = np.cumsum(counts.new_bads) / counts.loans
    return rate


def _curve(month: NDArray[np.float64], loans: NDArray[np.int64], last: int) -> VintageCounts:
    # A bad beyond the youngest loan's month would be compared with loans not old enough; a month
    # that is not known, which is NaN here, belongs to loans that are not bad.
    inside = month <= last
    months = month[inside].astype(np.int64)
    new_bads = np.bincount(months, weights=loans[inside], minlength=last + 1)
    went_bad = int(loans[~np.isnan(month)].sum())
    return VintageCounts(int(loans.sum()), went_bad, new_bads.astype(np.int64))
