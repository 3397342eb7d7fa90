"""Points: a PD on the scale that people read, whatever model gave it."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.learn.scorecard.points import PointScale

# Odds beyond it are none that outcomes can bear out: a PD of 0 or 1 has the points of these.
LEAST_PD = 1e-9


def points_of_pd(scale: PointScale) -> Column:
    """Return the points (INT, higher = safer) of the column `pd`; null where it is no PD.

    Source:
        Points = Offset + Factor ln(odds): Siddiqi, Intelligent Credit Scoring (2017), ch. 10.
    """
    pd = F.col("pd")
    inside = F.when(pd < LEAST_PD, LEAST_PD).when(pd > 1 - LEAST_PD, 1 - LEAST_PD).otherwise(pd)
    exact = scale.offset + scale.factor * (F.log1p(-inside) - F.log(inside))
    # Halves up, as a scorecard rounds.
    return F.when(pd.between(0, 1), F.floor(exact + 0.5)).cast("int")
