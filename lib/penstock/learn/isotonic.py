"""Isotonic scaling: the stage that turns a classifier's margin into a PD that never falls with it.

Pooled adjacent violators fit it on counts; transforming is CASE expressions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from scipy.optimize import isotonic_regression

from penstock.learn.margin import MarginParams
from penstock.learn.platt import platts_targets
from penstock.measure.prior import shift_prior

STAGE = "Isotonic scaling"
MARGIN = "_penstock_margin"
# CASEs within CASEs: a flat one tries its knots in turn, and takes 5 times as long as Platt scaling
# with 300 of them; these take 1.6 times as long.
FAN_OUT = 8


@dataclass(frozen=True, eq=False)
class Isotonic:
    """PD by margin: straight between knots, and constant beyond the first and last.

    Attributes:
        knots: Shape (n_knots,), margins, rising.
        pds: Shape (n_knots,), PD at each, above 0 and below 1, never falling.
    """

    knots: NDArray[np.float64]
    pds: NDArray[np.float64]

    def pd(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the PD of each margin, 0-1; NaN for NaN."""
        return np.interp(margin, self.knots, self.pds)

    def shifted(self, *, from_rate: float, to_rate: float) -> "Isotonic":
        """Return the scaling whose PDs at the knots are these after `shift_prior`."""
        return Isotonic(self.knots, shift_prior(self.pds, from_rate=from_rate, to_rate=to_rate))


def fit_isotonic(
    margin: NDArray[np.float64], n_good: NDArray[np.int64], n_bad: NDArray[np.int64]
) -> Isotonic:
    """Fit the PD to goods and bads counted by margin, sorted, all of shape (n_margins,).

    The knots are the lowest and highest margin of each block of equal PDs. It follows any rising
    shape, but needs more bads than a sigmoid does: below some thousand rows take Platt scaling.

    Source:
        Pooled adjacent violators: Ayer et al., Annals of Mathematical Statistics 26 (1955); as a
        calibration: Zadrozny and Elkan, KDD (2002), with Platt's targets (1999) for labels, so that
        a block of goods only, or of bads only, has no PD of 0 or 1. Against Platt scaling by sample
        size: Niculescu-Mizil and Caruana, ICML (2005).
    """
    loans = n_good + n_bad
    rates = np.clip(isotonic_regression(n_bad / loans, weights=loans).x, 0, 1)
    # Targets are linear in labels, and so is the regression: the blocks are those of the rates.
    of_good, of_bad = platts_targets(int(n_good.sum()), int(n_bad.sum()))
    pds = of_good + (of_bad - of_good) * rates
    changes = rates[1:] != rates[:-1]
    is_knot = np.append(True, changes) | np.append(changes, True)
    return Isotonic(margin[is_knot], pds[is_knot])


class IsotonicModel(
    MarginParams, Model, DefaultParamsWritable, DefaultParamsReadable["IsotonicModel"]
):
    """Adds the calibrated PD (DOUBLE, inside 0-1; null for a null margin) and drops columns.

    Params: `knots`, `pds`, `rawPredictionCol`, `pdCol`, `dropCols`.
    """

    knots: Param[list[float]] = Param(
        Params._dummy(), "knots", "margins, rising", TypeConverters.toListFloat
    )
    pds: Param[list[float]] = Param(
        Params._dummy(), "pds", "PD at each knot, 0-1", TypeConverters.toListFloat
    )

    @classmethod
    def of(cls, isotonic: Isotonic, *, pd: str, drop: Sequence[str]) -> "IsotonicModel":
        """Return the stage that adds the column `pd` by an isotonic scaling and drops others."""
        return cls()._set(
            knots=isotonic.knots.tolist(),
            pds=isotonic.pds.tolist(),
            pdCol=pd,
            dropCols=list(drop),
        )

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job."""
        return self.output_schema(schema, stage=STAGE)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        kept = self.output_schema(dataset.schema, stage=STAGE).names[:-1]
        pd = F.expr(_piecewise(self.getOrDefault(self.knots), self.getOrDefault(self.pds)))
        # A column of its own, so that the margin is taken from its vector once and not per knot.
        with_margin = dataset.withColumn(MARGIN, self.margin())
        return with_margin.select(*kept, pd.alias(self.getOrDefault(self.pdCol)))


# Text, as Column calls would cost a round trip to the JVM for each of some hundred knots.
def _piecewise(knots: list[float], pds: list[float]) -> str:
    pieces = [f"{pds[0]!r}D"]
    for left in range(len(knots) - 1):
        x, y = knots[left], pds[left]
        slope = (pds[left + 1] - y) / (knots[left + 1] - x)
        pieces.append(f"{y!r}D + {slope!r}D * ({MARGIN} - ({x!r}D))" if slope else f"{y!r}D")
    pieces.append(f"{pds[-1]!r}D")
    # Without its own branch a null would reach ELSE, and be taken for the worst margin.
    unknown = f"WHEN {MARGIN} IS NULL OR isnan({MARGIN}) THEN {MARGIN}"
    return f"CASE {unknown} ELSE {_search(pieces, knots)} END"


def _search(pieces: list[str], bounds: list[float]) -> str:
    if len(pieces) == 1:
        return pieces[0]
    size = ceil(len(pieces) / FAN_OUT)
    branches = []
    for start in range(0, len(pieces), size):
        end = start + size
        inside = _search(pieces[start:end], bounds[start : end - 1])
        is_last = end >= len(pieces)
        branches.append(
            f"ELSE {inside}" if is_last else f"WHEN {MARGIN} < {bounds[end - 1]!r}D THEN {inside}"
        )
    return f"CASE {' '.join(branches)} END"
