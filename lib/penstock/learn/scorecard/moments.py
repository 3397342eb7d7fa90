"""Moments of WoE columns: information values, correlations and variance inflation, in one pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from penstock.learn.scorecard.design import Block, Design, Factor, sum_products
from penstock.learn.scorecard.exact import exponent_above

# An eigenvalue of a correlation matrix that is nothing but the rounding of its entries.
DEPENDENT = 1e-10


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """What one pass tells of the columns, each loan counted by its weight.

    Attributes:
        columns: Names, in the order of the arrays.
        weight: Sum of weights.
        bad_rate: Share of bads, 0-1.
        varies: False for a column with one value only, shape (n_columns,).
        iv: Information value, shape (n_columns,).
        correlation: Pearson, shape (n_columns, n_columns); 0 beside a constant column.
    """

    columns: tuple[str, ...]
    weight: float
    bad_rate: float
    varies: NDArray[np.bool_]
    iv: NDArray[np.float64]
    correlation: NDArray[np.float64]

    def vif(self, columns: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the variance inflation of some columns among themselves, shape (len(columns),).

        VIF = 1 / (1 - R^2) of a column on the others, the diagonal of the inverse correlation
        matrix; infinite for all where columns determine one another.

        Source:
            Belsley, Kuh and Welsch, Regression Diagnostics (1980), section 3.2.
        """
        places = [self.columns.index(name) for name in columns]
        chosen = self.correlation[np.ix_(places, places)]
        values, vectors = np.linalg.eigh(chosen)
        inverse = np.where(values > DEPENDENT, 1 / np.maximum(values, DEPENDENT), np.inf)
        parts = np.where(np.abs(vectors) > np.sqrt(DEPENDENT), vectors**2, 0)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nansum(parts * inverse, axis=1))


def column_moments(rows: DataFrame, design: Design) -> ColumnMoments:
    """Count the moments of all columns of a design, in one Spark job.

    The information value needs no bins: sum over bins of (goods' share - bads' share) WoE is the
    mean WoE of goods less that of bads.

    Args:
        rows: From `design_rows`.
        design: From `check_design`.
    """
    weighted = design.exponents + exponent_above(design.largest_weight)
    [sums] = sum_products(rows, design, [Factor(_weighted, np.append(weighted, weighted[0]))])
    products, of_bads = sums[:, :-1], sums[:, -1]
    weight, bads = products[0, 0], of_bads[0]
    of_all = products[0]
    of_goods = of_all - of_bads
    iv = (of_goods / (weight - bads) - of_bads / bads)[1:]
    means = of_all[1:] / weight
    # Of a constant column rounding may leave a variance; its range does not.
    varies = np.array([min(r[0], r[2]) < max(r[1], r[3]) for r in design.ranges], dtype=bool)
    covariance = products[1:, 1:] / weight - np.outer(means, means)
    return ColumnMoments(
        columns=design.columns,
        weight=float(weight),
        bad_rate=float(bads / weight),
        varies=varies,
        iv=iv,
        correlation=_correlation(covariance, varies),
    )


def _weighted(block: Block) -> NDArray[np.float64]:
    return np.vstack((block.values * block.weight, block.weight * block.label))


def _correlation(covariance: NDArray[np.float64], varies: NDArray[np.bool_]) -> NDArray[np.float64]:
    deviation = np.sqrt(np.where(varies, np.diag(covariance), 1.0))
    correlation = covariance / np.outer(deviation, deviation)
    correlation[~varies, :] = correlation[:, ~varies] = 0
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(np.clip((correlation + correlation.T) / 2, -1, 1))
