"""Constraints on the coefficients of a scorecard, from words to inequalities."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from penstock.errors import ConfigError, did_you_mean

FREE = "free"
_CONDITION = re.compile(r"(<=|>=|=)\s*(\S+)")
_SNAP = 1e-10


@dataclass(frozen=True)
class Constraints:
    """Bounds of single coefficients and the order of pairs, by names of columns.

    A column without a bound of its own has the sign rule: with WoE positive where loans are safer,
    its coefficient in the log-odds of bad is at most 0.

    Attributes:
        bounds: Column to least and greatest coefficient.
        order: Pairs (a, b): the coefficient of a is at least that of b. A pair holds as soon as
            both of its columns are in the regression.
    """

    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    order: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, conditions: Mapping[str, str], columns: Sequence[str]) -> "Constraints":
        """Read conditions by column, parted by commas.

        "free" lifts the sign rule; "<= -0.2", ">= -1.5", "= -1" bound the coefficient, within the
        sign rule; "<= other", ">= other", "= other" compare it with that of another column.

        Raises:
            ConfigError: A condition that is none of these, or a column that is not there.
        """
        bounds: dict[str, tuple[float, float]] = {}
        order: list[tuple[str, str]] = []
        for column, text in conditions.items():
            _require(column, columns)
            words = [word.strip() for word in text.split(",")]
            low, high = -np.inf, np.inf if FREE in words else 0.0
            for sign, value in (_split(word, column) for word in words if word != FREE):
                number = _number(value)
                if number is None:
                    _require(value, columns)
                    order += [(column, value)] * (sign != "<=") + [(value, column)] * (sign != ">=")
                else:
                    low = max(low, number) if sign != "<=" else low
                    high = min(high, number) if sign != ">=" else high
            bounds[column] = (low, high)
        return cls(bounds, tuple(order))

    def bound(self, column: str) -> tuple[float, float]:
        """Return the least and the greatest coefficient of a column."""
        return self.bounds.get(column, (-np.inf, 0.0))

    def inequalities(
        self, columns: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return sides and limits for intercept and columns: sides @ theta >= limits.

        Sides have shape (n_limits, 1 + n_columns), limits (n_limits,). The intercept is free.
        """
        sides: list[NDArray[np.float64]] = []
        limits: list[float] = []
        units = np.eye(len(columns) + 1)[1:]
        for unit, column in zip(units, columns, strict=True):
            for sign, limit in zip((1.0, -1.0), self.bound(column), strict=True):
                if np.isfinite(limit):
                    sides.append(sign * unit)
                    limits.append(sign * limit)
        for above, below in self.order:
            if above in columns and below in columns:
                sides.append(units[columns.index(above)] - units[columns.index(below)])
                limits.append(0.0)
        return np.array(sides).reshape(len(limits), len(columns) + 1), np.array(limits)

    def on_bounds(self, theta: NDArray[np.float64], columns: Sequence[str]) -> NDArray[np.float64]:
        """Return theta, shape (1 + n_columns,), without the rounding between it and its bounds."""
        held = theta.copy()
        for place, column in enumerate(columns, start=1):
            low, high = self.bound(column)
            near = [limit for limit in (low, high) if abs(theta[place] - limit) < _SNAP]
            held[place] = near[0] if near else np.clip(theta[place], low, high)
        return held

    def check(self, columns: Sequence[str]) -> None:
        """Refuse constraints that no coefficients of these columns satisfy.

        Raises:
            ConfigError: They contradict one another.
        """
        sides, limits = self.inequalities(columns)
        if not len(limits):
            return
        nothing = np.zeros(len(columns) + 1)
        found = linprog(nothing, A_ub=-sides, b_ub=-limits, bounds=(None, None))
        if found.status:
            named = sorted({*self.bounds, *(name for pair in self.order for name in pair)})
            raise ConfigError(
                f"No coefficients satisfy the constraints on {', '.join(named)} together: loosen "
                f"one. A coefficient is at most 0 unless its column is '{FREE}'."
            )


def _split(condition: str, column: str) -> tuple[str, str]:
    found = _CONDITION.fullmatch(condition)
    if not found:
        raise ConfigError(
            f"Constraint '{condition}' on column '{column}' is not understood: write '{FREE}', or "
            f"'<=', '>=' or '=' and a number or another column."
        )
    return found[1], found[2]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _require(column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise ConfigError(
            f"A constraint names column '{column}', which the scorecard does not read."
            f"{did_you_mean(column, columns)}"
        )
