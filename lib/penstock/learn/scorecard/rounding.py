"""What a scorecard loses by points in whole numbers."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.learn.scorecard.points import PointScale
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import auc

# A thousandth of a point is 3.5e-5 of log-odds on a scale of 20 points to double the odds.
POINT_DECIMALS = 3


@dataclass(frozen=True)
class RoundingLoss:
    """How exact and rounded points differ on the same loans.

    Attributes:
        loans: How many.
        auc_exact: Area under the ROC curve of exact points, 0-1; None with one class only.
        auc_rounded: Of the sum of rounded points.
        largest_pd_difference: Greatest absolute difference of the two PDs of one loan.
        largest_point_difference: Greatest absolute difference of the two sums of points.
    """

    loans: int
    auc_exact: float | None
    auc_rounded: float | None
    largest_pd_difference: float
    largest_point_difference: float


def rounding_loss(
    rows: DataFrame, scale: PointScale, *, exact: Column, rounded: Column, label: str
) -> RoundingLoss:
    """Compare exact and rounded points, from loans counted by both, in one Spark query.

    Exact points are rounded to 1e-3 for counting. At most 1,000 rows for each point of the range of
    scores, times the few rounded scores beside each, reach the driver, and never more than there
    are loans.

    Args:
        rows: One row per loan.
        scale: The scale of the points.
        exact: Sum of exact points.
        rounded: Sum of rounded points.
        label: Column of the label: 0 = good, 1 = bad.
    """
    is_bad = F.col(label).cast("double")
    counted = (
        rows.groupBy(
            F.round(exact, POINT_DECIMALS).alias("exact"), rounded.cast("double").alias("rounded")
        )
        .agg(F.count_if(is_bad == 0).alias("n_good"), F.count_if(is_bad == 1).alias("n_bad"))
        .toArrow()
    )
    of_exact, of_rounded, n_good, n_bad = (column.to_numpy() for column in counted.columns)
    difference = scale.pd(of_exact) - scale.pd(of_rounded)
    return RoundingLoss(
        loans=int((n_good + n_bad).sum()),
        # More points are less risk.
        auc_exact=auc(ScoreCounts.added_up(-of_exact, n_good, n_bad)),
        auc_rounded=auc(ScoreCounts.added_up(-of_rounded, n_good, n_bad)),
        largest_pd_difference=float(np.abs(difference).max()),
        largest_point_difference=float(np.abs(of_exact - of_rounded).max()),
    )
