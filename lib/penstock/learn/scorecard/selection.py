"""Which variables a scorecard uses, why not the others, and the coefficients of those it uses."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import compress
from typing import Any, get_args

from pyspark.sql import DataFrame

from penstock.errors import ConfigError, DataError
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import Design, check_design
from penstock.learn.scorecard.filters import filter_columns
from penstock.learn.scorecard.moments import ColumnMoments, column_moments
from penstock.learn.scorecard.newton import FittedRegression, fit_regression, refuse_separation
from penstock.learn.scorecard.standard_errors import standard_errors
from penstock.learn.scorecard.stepwise import Direction, choose_stepwise
from penstock.learn.scorecard.variables import Variable

Judged = Callable[[Sequence[str]], AbstractContextManager[tuple[DataFrame, Design]]]
"""Gives rows and design of some columns, whose values know nothing of the fold that judges."""


@dataclass(frozen=True)
class Selection:
    """How the columns of a scorecard are chosen.

    Attributes:
        iv_floor: Least information value.
        max_correlation: Greatest absolute correlation of two columns, 0-1.
        max_vif: Greatest variance inflation factor, >= 1.
        stepwise: "forward": columns enter one by one; "both": they may also leave; "none": all that
            are left by the limits above are used, as far as the sign rule allows.
        significance: Greatest p-value of a column that may enter stepwise, 0-1.
        forced: Columns used in any case.
        forbidden: Columns never used.
    """

    iv_floor: float
    max_correlation: float
    max_vif: float
    stepwise: str
    significance: float
    forced: tuple[str, ...]
    forbidden: tuple[str, ...]

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> "Selection":
        """Rebuild the selection from `asdict`'s document, in which JSON made lists of tuples."""
        named = {name: tuple(params[name]) for name in ("forced", "forbidden")}
        return cls(**params | named)

    def check(self, columns: Sequence[str]) -> None:
        """Refuse a selection that cannot be meant, by the columns it may choose from.

        Raises:
            ConfigError: An unknown way, a number out of range, a column that is not there, or is
                both forced and forbidden.
        """
        faults = []
        if self.stepwise not in ("none", *get_args(Direction)):
            faults.append(f"stepwise is '{self.stepwise}'; it may be none, forward or both")
        if not 0 < self.significance < 1:
            faults.append(f"significance is {self.significance:g}; it lies between 0 and 1")
        if not 0 < self.max_correlation <= 1:
            faults.append(f"max_correlation is {self.max_correlation:g}; it lies in 0-1")
        if self.max_vif < 1:
            faults.append(f"max_vif is {self.max_vif:g}; no inflation is below 1")
        for way, names in (("forced", self.forced), ("forbidden", self.forbidden)):
            if unknown := [name for name in names if name not in columns]:
                faults.append(f"{way} columns {', '.join(unknown)} are not among the variables")
        if both := [name for name in self.forced if name in self.forbidden]:
            faults.append(f"{', '.join(both)} is both forced and forbidden")
        if faults:
            raise ConfigError(f"The selection of the scorecard is wrong: {'; '.join(faults)}.")


@dataclass(frozen=True)
class FittedScorecard:
    """The log-odds of bad = intercept + sum of coefficient x WoE.

    Attributes:
        columns: Columns used, as they came.
        coefficients: Shape (n_columns,).
        intercept: Log-odds of bad at WoE 0.
        variables: All variables: those used first, then by falling information value.
    """

    columns: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float
    variables: tuple[Variable, ...]


def fit_scorecard(
    rows: DataFrame,
    *,
    selection: Selection,
    constraints: Constraints,
    ridge: float,
    judged: Judged | None = None,
) -> FittedScorecard:
    """Choose columns and fit their coefficients.

    The rows are read some three times for each column that enters, and some eight times besides:
    persist them first.

    Args:
        rows: From `design_rows`: one row per loan.
        selection: How columns are chosen.
        constraints: On coefficients.
        ridge: Strength of the penalty, >= 0.
        judged: What steps are judged on; None: the rows, whose values are given.

    Raises:
        ConfigError: Constraints that contradict one another.
        DataError: Rows that cannot be fitted on, columns that separate goods from bads, a forced
            column that is constant, or no column left.
    """
    design = check_design(rows)
    moments = column_moments(rows, design)
    kept, reasons = _filtered(moments, selection)
    if not ridge:
        refuse_separation(design.only(kept), constraints)
    start = None
    if kept and selection.stepwise != "none":
        with judged(kept) if judged else nullcontext((rows, design.only(kept))) as by:
            choice = choose_stepwise(
                *by,
                constraints=constraints,
                ridge=ridge,
                forced=tuple(name for name in kept if name in selection.forced),
                significance=selection.significance,
                direction="both" if selection.stepwise == "both" else "forward",
            )
        kept, start, reasons = choice.columns, choice.theta, reasons | choice.reasons
    while kept:
        fitted = fit_regression(
            rows, design.only(kept), constraints=constraints, ridge=ridge, start=start
        )
        against = _against_sign(fitted, selection.forced)
        if not against:
            errors = standard_errors(fitted, constraints=constraints, ridge=ridge)
            return _scorecard(moments, fitted, errors, reasons)
        reasons |= dict.fromkeys(against, "sign: its coefficient is held at 0")
        stays = [name not in against for name in kept]
        kept, start = tuple(compress(kept, stays)), fitted.theta[[True, *stays]]
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise DataError(f"No variable is left for the scorecard. {told}.")


def _filtered(
    moments: ColumnMoments, selection: Selection
) -> tuple[tuple[str, ...], dict[str, str]]:
    kept, reasons = filter_columns(
        moments,
        iv_floor=selection.iv_floor,
        max_correlation=selection.max_correlation,
        max_vif=selection.max_vif,
        forced=selection.forced,
        forbidden=selection.forbidden,
    )
    if lost := [f"'{name}': {reasons[name]}" for name in selection.forced if name not in kept]:
        raise DataError(f"Forced into the scorecard, but of no use there: {'; '.join(lost)}.")
    return kept, reasons


def _against_sign(fitted: FittedRegression, forced: Sequence[str]) -> list[str]:
    coefficients = zip(fitted.columns, fitted.theta[1:], strict=True)
    return [name for name, b in coefficients if b == 0 and name not in forced]


def _scorecard(
    moments: ColumnMoments,
    fitted: FittedRegression,
    errors: tuple[float | None, ...],
    reasons: dict[str, str],
) -> FittedScorecard:
    iv = dict(zip(moments.columns, moments.iv.tolist(), strict=True))
    vif = moments.vif(fitted.columns).tolist()
    intercept, *coefficients = fitted.theta.tolist()
    told = zip(fitted.columns, vif, coefficients, errors, strict=True)
    used = [Variable(name, iv[name], inflation, b, "", error) for name, inflation, b, error in told]
    rest = sorted(reasons, key=lambda name: (-iv[name], name))
    return FittedScorecard(
        fitted.columns,
        tuple(coefficients),
        intercept,
        (*used, *(Variable(name, iv[name], None, None, reasons[name]) for name in rest)),
    )
