"""Stepwise choice of columns by the likelihood of loans held out.

One regression learns from all loans and picks who is tried; one regression for each fold learns
without that fold, and their loss on it decides. All of them share each pass over the rows. Where
the design knows what columns are worth without a fold, that is what the loans of the fold judge by.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from scipy.stats import chi2

from penstock.errors import DataError
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import Design
from penstock.learn.scorecard.held_out import Folds
from penstock.learn.scorecard.newton import curved

Direction = Literal["forward", "both"]


@dataclass(frozen=True)
class Step:
    """One column tried.

    Attributes:
        column: Its name.
        action: What was tried, and whether it was done.
        chi_square: Score statistic of entering (Wald statistic of leaving), one degree of freedom.
        gain: Fall of the mean loss on loans held out, in nats by unit of weight.
    """

    column: str
    action: Literal["in", "refused", "out", "kept"]
    chi_square: float
    gain: float


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen.

    Attributes:
        columns: In the order they came.
        theta: Intercept and their coefficients, near their optimum: shape (1 + n_columns,).
        reasons: Why each other column was not chosen.
        steps: The way there.
    """

    columns: tuple[str, ...]
    theta: NDArray[np.float64]
    reasons: dict[str, str]
    steps: tuple[Step, ...]


def choose_stepwise(
    rows: DataFrame,
    design: Design,
    *,
    constraints: Constraints,
    ridge: float,
    forced: tuple[str, ...],
    significance: float,
    direction: Direction,
) -> Choice:
    """Choose columns one by one, as long as loans held out become more likely.

    Of the columns whose coefficient may have the sign the data ask for, the one with the greatest
    score statistic is tried, if its p-value is at most `significance`. It stays if the regressions
    without a fold, fitted anew with it, lose less on that fold. A column whose coefficient comes to
    lie at 0, against the sign rule, leaves; with "both", so does one whose Wald statistic is no
    longer significant, if the loss held out does not rise. Nothing that left comes back. Three to
    five Spark jobs for each column tried.

    Args:
        rows: From `design_rows`.
        design: The columns to choose from, and what they are worth without each fold.
        constraints: On the coefficients; the order of two columns counts once both are chosen.
        ridge: Strength of the penalty, >= 0.
        forced: Columns that are in from the start and never leave.
        significance: Greatest p-value of a column that is tried, 0-1.
        direction: "forward": columns enter; "both": they may also leave.

    Raises:
        DataError: All rows are in one fold.

    Source:
        Score statistic: Rao (1948); stepwise by it: Hosmer and Lemeshow, Applied Logistic
        Regression (2000), section 4.3, here with the likelihood of folds held out as the judge.
    """
    if design.n_folds == 1:
        raise DataError(
            "All rows are in one fold: none can be held out. Give at least two folds, or take "
            "all variables that the other rules leave: scorecard_pd.stepwise: none."
        )
    search = _Stepwise(
        rows,
        design,
        constraints=constraints,
        ridge=ridge,
        forced=forced,
        critical=float(chi2.isf(significance, 1)),
    )
    while search.enter():
        search.drop_against_sign()
        while direction == "both" and search.leave():
            pass
    return Choice(search.state.columns, search.theta(), search.reasons(), tuple(search.steps))


class _Stepwise:
    def __init__(
        self,
        rows: DataFrame,
        design: Design,
        *,
        constraints: Constraints,
        ridge: float,
        forced: tuple[str, ...],
        critical: float,
    ) -> None:
        self._folds = Folds(rows, design, constraints, ridge)
        self._design, self._constraints, self._ridge = design, constraints, ridge
        self._forced, self._critical = forced, critical
        self._refused: dict[str, str] = {}
        self.steps: list[Step] = []
        first = self._folds.without_columns()
        settled = self._folds.settle(first, forced)
        self.state = self._folds.whole(settled) if settled else first

    def enter(self) -> bool:
        """Let the best column in; False if none is left to try."""
        scores = self._scores()
        tried = [
            name
            for name, (chi_square, slope) in scores.items()
            if chi_square > self._critical and self._allowed(name, slope)
        ]
        for name in sorted(tried, key=lambda name: (-scores[name][0], name)):
            chi_square = scores[name][0]
            entered = self._folds.settle(self.state, (*self.state.columns, name))
            gain = self.state.held_out - entered.held_out if entered else -np.inf
            if entered and gain > 0:
                self.steps.append(Step(name, "in", chi_square, gain))
                self.state = self._folds.whole(entered)
                return True
            self.steps.append(Step(name, "refused", chi_square, gain))
            self._refused[name] = (
                f"loans held out become less likely with it (by {-gain:.2g} nats each; "
                f"chi-square {chi_square:.2f})"
                if entered
                else "it has no finite coefficient without one of the folds"
            )
        return False

    def drop_against_sign(self) -> None:
        """Drop columns whose coefficient is held at 0."""
        theta = self.state.regressions[0].theta
        against = [n for n in self._leaving() if theta[self._place(n)] == 0]
        for name in against:
            self._refused[name] = "sign: beside columns chosen later its coefficient is held at 0"
        if against:
            rest = tuple(n for n in self.state.columns if n not in against)
            settled = self._folds.settle(self.state, rest)
            self.state = self._folds.whole(settled) if settled else self.state

    def leave(self) -> bool:
        """Let the weakest column go if it is not missed; True if one has gone."""
        walds = self._walds()
        weakest = min(walds, key=lambda name: (walds[name], name), default=None)
        if weakest is None or walds[weakest] > self._critical:
            return False
        rest = tuple(n for n in self.state.columns if n != weakest)
        left = self._folds.settle(self.state, rest)
        if left is None or left.held_out > self.state.held_out:
            return False
        gain = self.state.held_out - left.held_out
        self.steps.append(Step(weakest, "out", walds[weakest], gain))
        self._refused[weakest] = (
            f"no longer needed beside columns chosen later (chi-square {walds[weakest]:.2f})"
        )
        self.state = self._folds.whole(left)
        return True

    def theta(self) -> NDArray[np.float64]:
        """Return intercept and coefficients of the columns inside."""
        places = [0, *map(self._place, self.state.columns)]
        return self.state.regressions[0].theta[places]

    def reasons(self) -> dict[str, str]:
        """Return why each column that is not chosen is not."""
        reasons = dict(self._refused)
        for name, (chi_square, slope) in self._scores().items():
            p = chi2.sf(chi_square, 1)
            reasons[name] = (
                f"beside the chosen columns it adds nothing (chi-square {chi_square:.2f}, "
                f"p = {p:.3f})"
                if self._allowed(name, slope)
                else f"sign: beside the chosen columns its coefficient would be {slope:+.3f}"
            )
        return reasons

    def _scores(self) -> dict[str, tuple[float, float]]:
        """Return, for each column outside, its score statistic and its coefficient, were it in."""
        at, theta = self.state.likelihoods[0], self.state.regressions[0].theta
        inside = [0, *(self._place(n) for n in self.state.columns if theta[self._place(n)] != 0)]
        among = curved(at.hessian, self._ridge)
        gradient = at.gradient + self._ridge * np.append(0.0, theta[1:])
        scores = {}
        for name in self._design.columns:
            if name in self.state.columns or name in self._refused:
                continue
            place = self._place(name)
            beside = np.linalg.solve(among[np.ix_(inside, inside)], among[inside, place])
            slope = gradient[place] - beside @ gradient[inside]
            bend = among[place, place] - beside @ among[inside, place]
            scores[name] = (float(at.weight * slope**2 / bend), float(-slope / bend))
        return scores

    def _walds(self) -> dict[str, float]:
        at, theta = self.state.likelihoods[0], self.state.regressions[0].theta
        places = [0, *map(self._place, self.state.columns)]
        inverse = np.linalg.inv(curved(at.hessian, self._ridge)[np.ix_(places, places)])
        variance = dict(zip(self.state.columns, np.diag(inverse)[1:] / at.weight, strict=True))
        return {n: float(theta[self._place(n)] ** 2 / variance[n]) for n in self._leaving()}

    def _leaving(self) -> list[str]:
        return [name for name in self.state.columns if name not in self._forced]

    def _allowed(self, name: str, slope: float) -> bool:
        low, high = self._constraints.bound(name)
        return low < 0 if slope < 0 else high > 0

    def _place(self, name: str) -> int:
        return 1 + self._design.columns.index(name)
