"""A plan by sector and band of PD: the few numbers that its loss distribution depends on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.errors import DataError
from penstock.measure.unusable import refuse_unusable

Floats = NDArray[np.float64]

# What is read of a plan; `take_up` weighs all else, so that amounts are those that will be lent.
PLAN_COLUMNS = (
    "application_id STRING, amount_usd DECIMAL(12,2), pd DOUBLE, lgd DOUBLE, take_up DOUBLE"
)
MOST_CELLS = 20_000

# A sum of doubles depends on their order, one of whole numbers does not; so many make a unit.
_USD, _SQUARED_USD = 1e6, 1.0
MOST_USD = 1e9  # of a loan: its square still is a bigint
_WHOLE = "decimal(20,0)"  # whose sums have room; a double becomes one fast by way of a bigint only
_FAULTS = {
    "amount_usd null, NaN, below 0 or above a billion": "bad_amount",
    "pd null, NaN or outside 0-1": "bad_pd",
    "lgd null, NaN or outside 0-1": "bad_lgd",
    "take_up null, NaN or outside 0-1": "bad_take_up",
    "no sector": "no_sector",
}


@dataclass(frozen=True, eq=False)
class LossCells:
    """Loans of one sector and band of PD together; all of shape (n_cells,), in order of both.

    Of a loan of amount A, LGD l and take-up t: if the loans of a cell default with probability p
    each, independently, their loss has the mean `at_default` p and the variance
    `squares` p - `squared_means` p^2.

    Attributes:
        sector: Name.
        pd: Mean PD, 0-1, weighted with `at_default`: it gives the expected loss of the loans.
        loans: Number.
        exposure: Sum of t A, USD.
        squared_exposure: Sum of (t A)^2, USD^2.
        at_default: Sum of t l A, USD: the expected loss if all defaulted.
        squares: Sum of t (l A)^2, USD^2.
        squared_means: Sum of (t l A)^2, USD^2.
    """

    sector: NDArray[np.str_]
    pd: Floats
    loans: Floats
    exposure: Floats
    squared_exposure: Floats
    at_default: Floats
    squares: Floats
    squared_means: Floats

    @property
    def sectors(self) -> list[str]:
        """Names of the sectors, in order."""
        return [str(name) for name in np.unique(self.sector)]

    @property
    def expected_loss(self) -> float:
        """Expected loss, USD."""
        return float(self.at_default @ self.pd)

    def by_sector(self, amounts: Floats) -> Floats:
        """Return the sums of amounts of shape (n_cells,) over each sector, in their order."""
        return np.array([amounts[self.sector == name].sum() for name in self.sectors])

    def of(self, sector: str) -> "LossCells":
        """Return the cells of one sector."""
        chosen = self.sector == sector
        return LossCells(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def count_loss_cells(plan: DataFrame, *, sector: str, pd_step: float) -> LossCells:
    """Sum a plan up by sector and band of PD, in one Spark query.

    Sums are the same in any order of rows, and true to a millionth of a dollar a loan.

    Args:
        plan: One row per applicant, with the columns of `PLAN_COLUMNS` and the sector.
        sector: Column of the sector.
        pd_step: Width of a band, in log-odds of PD; PDs of 0 and of 1 are bands of their own.

    Raises:
        DataError: Rows that are unusable, no exposure at all, or too many cells for the driver.
    """
    name = column_of(sector).cast("string")
    band = F.floor(F.ln(F.col("pd") / (1 - F.col("pd"))) / pd_step)
    # The logarithms of 0 and of infinity are null; bands of their own need numbers.
    edged = F.when(F.col("pd") <= 0, -(2**40)).when(F.col("pd") >= 1, 2**40).otherwise(band)
    keys = (name.alias("sector"), F.when(_is_usable(name), edged).alias("band"))
    cells = plan.groupBy(*keys).agg(*_sums(name)).limit(MOST_CELLS + 1).collect()
    refuse_unusable(
        {fault: sum(row[column] for row in cells) for fault, column in _FAULTS.items()},
        purpose="Cannot tell the losses of the plan",
        rows="loans",
        cure="Every loan of a plan needs them: mend the table that offers are made of.",
    )
    if len(cells) > MOST_CELLS:
        raise DataError(
            f"The plan has more than {MOST_CELLS:,} cells of '{sector}' and bands of PD. "
            "Take a column of fewer values as the sector, or a greater pd_step."
        )
    return _cells(sorted(cells, key=lambda row: (row["sector"], row["band"])))


def largest_exposures(plan: DataFrame, *, most: int) -> Floats:
    """Return the greatest amounts x take-up of single loans, USD, in falling order."""
    exposure = (F.col("take_up") * F.col("amount_usd").cast("double")).alias("usd")
    rows = plan.select(exposure).orderBy(F.col("usd").desc()).limit(most).collect()
    return np.array([float(row["usd"]) for row in rows])


def _is_rate(name: str) -> Column:
    # NaN is above all numbers to Spark.
    return F.coalesce(F.col(name).between(0, 1), F.lit(False))


def _is_amount() -> Column:
    amount = F.col("amount_usd").cast("double")
    return F.coalesce(amount.between(0, MOST_USD), F.lit(False))


def _is_usable(sector: Column) -> Column:
    return (
        _is_amount() & _is_rate("pd") & _is_rate("lgd") & _is_rate("take_up") & sector.isNotNull()
    )


def _whole(value: Column, parts: float) -> Column:
    return F.floor(value * parts + 0.5).cast("bigint").cast(_WHOLE)


def _sums(sector: Column) -> list[Column]:
    amount, take_up = F.col("amount_usd").cast("double"), F.col("take_up")
    lost = F.col("lgd") * amount
    summed = {
        "exposure": (take_up * amount, _USD),
        "squared_exposure": (take_up * amount * take_up * amount, _SQUARED_USD),
        "at_default": (take_up * lost, _USD),
        "expected_loss": (take_up * lost * F.col("pd"), _USD),
        "squares": (take_up * lost * lost, _SQUARED_USD),
        "squared_means": (take_up * lost * take_up * lost, _SQUARED_USD),
    }
    return [
        F.count(F.lit(1)).alias("loans"),
        F.count_if(~_is_amount()).alias("bad_amount"),
        *[F.count_if(~_is_rate(rate)).alias(f"bad_{rate}") for rate in ("pd", "lgd", "take_up")],
        F.count_if(sector.isNull()).alias("no_sector"),
        *[
            F.sum(F.when(_is_usable(sector), _whole(value, parts))).alias(name)
            for name, (value, parts) in summed.items()
        ],
    ]


def _cells(rows: list[Row]) -> LossCells:
    def column(name: str, parts: float = 1.0) -> Floats:
        return np.array([float(row[name]) for row in rows]) / parts

    at_default = column("at_default", _USD)
    # Where nothing can be lost, any PD will do.
    pd = np.divide(
        column("expected_loss", _USD), at_default, out=np.zeros(len(rows)), where=at_default > 0
    )
    loans, exposure = column("loans"), column("exposure", _USD)
    # Sums of squares are rounded to whole units; no sum is below that of equal loans.
    squared_means = np.maximum(column("squared_means", _SQUARED_USD), at_default**2 / loans)
    return LossCells(
        sector=np.array([row["sector"] for row in rows], dtype=str),
        pd=pd,
        loans=loans,
        exposure=exposure,
        squared_exposure=np.maximum(column("squared_exposure", _SQUARED_USD), exposure**2 / loans),
        at_default=at_default,
        squares=np.maximum(column("squares", _SQUARED_USD), squared_means),
        squared_means=squared_means,
    )
