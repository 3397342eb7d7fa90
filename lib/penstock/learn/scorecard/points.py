"""Points: the log-odds of a scorecard on a scale that people read, by bin."""

from dataclasses import asdict, dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PointScale:
    """Points = offset + factor x ln(goods per bad).

    Source:
        Siddiqi, Intelligent Credit Scoring (2017), ch. 10: Factor = PDO / ln 2, Offset = Base -
        Factor ln(BaseOdds).

    Attributes:
        pdo: Points that double the odds, > 0.
        base_points: Points at the base odds.
        base_odds: Goods per bad, > 0.
    """

    pdo: float
    base_points: float
    base_odds: float

    @property
    def factor(self) -> float:
        """Points by unit of log-odds."""
        return self.pdo / log(2)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base_points - self.factor * log(self.base_odds)

    def pd(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the PD (0-1) that points of any shape stand for."""
        return 1 / (1 + np.exp((points - self.offset) / self.factor))


@dataclass(frozen=True)
class PointRule:
    """What a column adds to the points of a loan: share + slopes[column] x WoE.

    Intercept and offset are spread over the columns in equal shares, so that each bin's points
    stand alone and their sum is the score.

    Attributes:
        scale: The scale of the points.
        columns: The columns of the scorecard.
        slopes: Points by unit of WoE, shape (n_columns,).
        share: Points of each column at WoE 0.
    """

    scale: PointScale
    columns: tuple[str, ...]
    slopes: tuple[float, ...]
    share: float

    @classmethod
    def of(
        cls,
        scale: PointScale,
        columns: tuple[str, ...],
        coefficients: tuple[float, ...],
        intercept: float,
    ) -> "PointRule":
        """Return the points of log-odds of bad = intercept + sum of coefficient x WoE.

        points_ij = -(beta_j WoE_ij + alpha / n) Factor + Offset / n.
        """
        share = (scale.offset - intercept * scale.factor) / len(columns)
        return cls(scale, columns, tuple(-b * scale.factor for b in coefficients), share)

    def exact(self, column: str, woe: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points of a column at WoE values of any shape."""
        return self.slopes[self.columns.index(column)] * woe + self.share

    def rounded(self, column: str, woe: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the points in whole numbers, halves up."""
        # Not rint: Spark rounds halves away from zero, numpy to even; floor is one on both.
        return np.floor(self.exact(column, woe) + 0.5).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """Return the rule as plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "PointRule":
        """Rebuild the rule from `to_json`'s document."""
        return cls(
            PointScale(**document["scale"]),
            tuple(document["columns"]),
            tuple(document["slopes"]),
            document["share"],
        )
