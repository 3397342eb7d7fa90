"""Regressions that leave out a fold each, and the one that learns from all rows, side by side.

All of them share each pass over the rows. Which columns are tried is decided in `stepwise.py`. A
column that tells nothing without a fold, as one bin is all it has there, has no coefficient there.
A pass sums the products of any two columns: of many columns, those not tried are left aside until
the regressions stand still.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import Design
from penstock.learn.scorecard.likelihood import Likelihood, Regression, likelihoods
from penstock.learn.scorecard.newton import (
    LOSS_ROUNDING,
    no_coefficients,
    penalised,
    step_towards,
)

# Steps that move log-odds by less cannot turn the choice of a column.
SETTLED = 1e-3
MAX_SETTLING = 20
MAX_HALVINGS = 10
# Beyond, one more pass over all columns costs less than all of them in each pass.
MANY_COLUMNS = 100


@dataclass(frozen=True, eq=False)
class Regressions:
    """Regressions on the same columns, the one on all rows first, and what they lose.

    Attributes:
        columns: Those that may have a coefficient.
        among: The columns of theta and of the derivatives, in the order of the design.
        regressions: The one on all rows, then those without a fold each.
        likelihoods: Of each regression.
    """

    columns: tuple[str, ...]
    among: tuple[str, ...]
    regressions: tuple[Regression, ...]
    likelihoods: tuple[Likelihood, ...]

    @property
    def held_out(self) -> float:
        """Mean loss of each loan by the regression that has not seen it."""
        return sum(at.held_out for at in self.likelihoods) / self.likelihoods[0].weight

    def only(self, among: tuple[str, ...]) -> "Regressions":
        """Return the same with derivatives by fewer columns, those with coefficients among them."""
        if among == self.among:
            return self
        places = [0, *(1 + self.among.index(name) for name in among)]
        both = np.ix_(places, places)
        return Regressions(
            self.columns,
            among,
            tuple(replace(r, theta=r.theta[places]) for r in self.regressions),
            tuple(
                replace(at, gradient=at.gradient[places], hessian=at.hessian[both])
                for at in self.likelihoods
            ),
        )


@dataclass(frozen=True, eq=False)
class Folds:
    """The rows, and how regressions are fitted to them.

    Attributes:
        rows: From `design_rows`.
        design: All columns, and the number of folds.
        constraints: On the coefficients.
        ridge: Strength of the penalty, >= 0.
    """

    rows: DataFrame
    design: Design
    constraints: Constraints
    ridge: float

    def without_columns(self) -> Regressions:
        """Return the regressions that know the share of bads only."""
        theta = no_coefficients(self.design)
        folds = (None, *range(self.design.n_folds))
        return self._seen((), [Regression(theta, fold) for fold in folds])

    def settle(self, state: Regressions, columns: tuple[str, ...]) -> Regressions | None:
        """Step with these columns until the regressions stand still; None if one has no end.

        Args:
            state: With the derivatives by all columns.

        Returns:
            Perhaps without the derivatives by columns that are not inside: `whole` adds them.
        """
        part = self._part({*state.columns, *columns})
        return part._settled(state.only(part.design.columns), columns)

    def whole(self, state: Regressions) -> Regressions:
        """Return what `settle` has returned with the derivatives by all columns."""
        if state.among == self.design.columns:
            return state
        places = [0, *(1 + self.design.columns.index(name) for name in state.among)]
        thetas = [np.zeros(1 + len(self.design.columns)) for _ in state.regressions]
        for theta, regression in zip(thetas, state.regressions, strict=True):
            theta[places] = regression.theta
        return self._seen_at(thetas, state, state.columns)

    def _part(self, inside: Collection[str]) -> "Folds":
        if len(self.design.columns) <= MANY_COLUMNS:
            return self
        among = [name for name in self.design.columns if name in inside]
        return replace(self, design=self.design.only(among))

    def _settled(self, state: Regressions, columns: tuple[str, ...]) -> Regressions | None:
        for _ in range(MAX_SETTLING):
            try:
                stepped = self._step(state, columns)
            except LinAlgError:
                return None
            moved = _moved(state.regressions, stepped.regressions, self.design)
            state = stepped
            if moved < SETTLED:
                return state
        return None

    def _step(self, state: Regressions, columns: tuple[str, ...]) -> Regressions:
        """Take one Newton step with these columns in each regression, halved while its loss rises.

        Raises:
            LinAlgError: The loss of one does not bend in some direction.
        """
        thetas = [
            step_towards(
                at,
                regression.theta,
                self.design.columns,
                self.design.telling(columns, without=regression.without),
                constraints=self.constraints,
                ridge=self.ridge,
            )
            for regression, at in zip(state.regressions, state.likelihoods, strict=True)
        ]
        stepped = self._seen_at(thetas, state, columns)
        # A column that leaves takes its part of the likelihood with it.
        halvings = 0 if set(state.columns) - set(columns) else MAX_HALVINGS
        for _ in range(halvings):
            risen = self._risen(state, stepped)
            if not any(risen):
                break
            pairs = zip(risen, state.regressions, stepped.regressions, strict=True)
            thetas = [(b.theta + a.theta) / 2 if rose else a.theta for rose, b, a in pairs]
            stepped = self._seen_at(thetas, state, columns)
        return stepped

    def _risen(self, before: Regressions, after: Regressions) -> list[bool]:
        losses = (
            [
                penalised(at, regression.theta, self.ridge)
                for regression, at in zip(state.regressions, state.likelihoods, strict=True)
            ]
            for state in (before, after)
        )
        return [now > then + LOSS_ROUNDING for then, now in zip(*losses, strict=True)]

    def _seen_at(
        self, thetas: list[NDArray[np.float64]], state: Regressions, columns: tuple[str, ...]
    ) -> Regressions:
        stepped = zip(thetas, state.regressions, strict=True)
        return self._seen(columns, [Regression(theta, r.without) for theta, r in stepped])

    def _seen(self, columns: tuple[str, ...], regressions: list[Regression]) -> Regressions:
        seen = likelihoods(self.rows, self.design, regressions)
        return Regressions(columns, self.design.columns, tuple(regressions), tuple(seen))


def _moved(before: tuple[Regression, ...], after: tuple[Regression, ...], design: Design) -> float:
    largest = np.append(1.0, design.largest)
    pairs = zip(before, after, strict=True)
    return max(float((np.abs(b.theta - a.theta) * largest).max()) for b, a in pairs)
