"""The scorecard as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from penstock.evidence import Table
from penstock.learn.binning.bins import ColumnBins
from penstock.learn.scorecard.points import PointRule
from penstock.learn.scorecard.selection import FittedScorecard

COLUMNS = (
    "variable", "bin", "goods", "bads", "bad rate", "WoE", "coefficient", "standard error",
    "points", "exact points"
)  # fmt: skip


@dataclass(frozen=True)
class BinPoints:
    """One bin of a variable used: a row of the scorecard."""

    variable: str
    label: str
    n_good: int
    n_bad: int
    woe: float
    coefficient: float
    standard_error: float | None
    points: int
    exact_points: float

    @property
    def bad_rate(self) -> float | None:
        """Share of bads, 0-1; None for a bin that was empty."""
        loans = self.n_good + self.n_bad
        return self.n_bad / loans if loans else None


def bin_points(
    bins: Sequence[ColumnBins], fitted: FittedScorecard, rule: PointRule
) -> tuple[BinPoints, ...]:
    """Return all bins of the variables used, variable by variable, in the order of both.

    Coefficients are those of the scorecard; points have the calibration in them as well.
    """
    return tuple(_bin_points({each.column: each for each in bins}, fitted, rule))


def _bin_points(
    bins: Mapping[str, ColumnBins], fitted: FittedScorecard, rule: PointRule
) -> Iterator[BinPoints]:
    errors = {variable.name: variable.standard_error for variable in fitted.variables}
    for name, coefficient in zip(fitted.columns, fitted.coefficients, strict=True):
        of_column, woe = bins[name], np.array(bins[name].woe)
        exact, rounded = rule.exact(name, woe).tolist(), rule.rounded(name, woe).tolist()
        for place, label in enumerate(of_column.labels):
            yield BinPoints(
                variable=name,
                label=label,
                n_good=of_column.n_good[place],
                n_bad=of_column.n_bad[place],
                woe=of_column.woe[place],
                coefficient=coefficient,
                standard_error=errors[name],
                points=rounded[place],
                exact_points=exact[place],
            )


def scorecard_table(points: Sequence[BinPoints], rule: PointRule) -> Table:
    """Return the scorecard: a row for each bin of each variable used."""
    scale = rule.scale
    title = (
        f"Scorecard: {scale.base_points:g} points are odds of {scale.base_odds:g} to 1, and "
        f"{scale.pdo:g} points more double them"
    )
    rows = (
        (b.variable, b.label, b.n_good, b.n_bad, b.bad_rate, b.woe, b.coefficient,
         b.standard_error, b.points, b.exact_points)
        for b in points
    )  # fmt: skip
    return Table(title, COLUMNS, tuple(rows))


def variable_table(fitted: FittedScorecard, left_out: Mapping[str, str]) -> Table:
    """Return all variables: those used, then the others with the reason why not.

    Standard errors take WoE and the choice of variables as given; a held coefficient has none.

    Args:
        fitted: The scorecard.
        left_out: Variable to reason, of those that binning has left out: it knows better.
    """
    rows = (
        (v.name, v.iv, v.vif, v.coefficient, v.standard_error, left_out.get(v.name, v.reason))
        for v in fitted.variables
    )
    columns = ("variable", "IV", "VIF", "coefficient", "standard error", "left out")
    return Table("Variables", columns, tuple(rows))
