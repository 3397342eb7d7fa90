"""Scalings: how the margin of a classifier becomes a PD, as configuration says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.folds import FOLD
from penstock.learn.isotonic import IsotonicModel, fit_isotonic
from penstock.learn.margin import MarginCounts
from penstock.learn.platt import PlattModel, Sigmoid, fit_sigmoid

HELD_OUT, OUT_OF_FOLD = CALIBRATIONS = ("held_out", "out_of_fold")
PLATT, ISOTONIC = CALIBRATORS = ("platt", "isotonic")

ScalingModel = PlattModel | IsotonicModel
"""The last stage of a calibrated model."""


@dataclass(frozen=True)
class Calibration:
    """Which loans the PD is calibrated on, and how.

    Attributes:
        calibration: "held_out": the classifier is fitted on development rows, its scaling on
            calibration rows. "out_of_fold": the classifier is fitted on both, its scaling on the
            margins that loans of each fold have from a classifier fitted without that fold.
        calibrator: "platt", or "isotonic".
        population_bad_rate: Bad rate of the population, above 0 and below 1, if the rows were drawn
            by outcome and PDs shall be those of the population; None: the rows are as loans come.
        fold: Column of the number of the fold (INT); read if "out_of_fold".

    Raises:
        ConfigError: An attribute is not as above.
    """

    calibration: str = HELD_OUT
    calibrator: str = PLATT
    population_bad_rate: float | None = None
    fold: str = FOLD

    def __post_init__(self) -> None:
        for name, known in (("calibration", CALIBRATIONS), ("calibrator", CALIBRATORS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(
                    f"Parameter '{name}' is '{value}'; it must be {' or '.join(known)}."
                    f"{did_you_mean(str(value), known)}"
                )
        _check_bad_rate(self.population_bad_rate)

    @property
    def is_out_of_fold(self) -> bool:
        """Whether the classifier is fitted on all rows, and once more without each fold."""
        return self.calibration == OUT_OF_FOLD


def fit_scaling(
    counts: MarginCounts, calibration: Calibration, *, pd: str, drop: Sequence[str]
) -> ScalingModel:
    """Fit the stage that adds the column `pd` by the margin, and drops other columns.

    The PD lies inside 0-1 and never falls with the margin.

    Args:
        counts: Loans of both classes by margin, which the classifier has not seen.
        calibration: How.
        pd: Column to add.
        drop: Columns to leave out.
    """
    if calibration.calibrator == PLATT:
        return PlattModel.of(fit_line(counts, calibration), pd=pd, drop=drop)
    fitted, rates = fit_isotonic(*counts), _rates(counts, calibration)
    return IsotonicModel.of(fitted.shifted(**rates) if rates else fitted, pd=pd, drop=drop)


def fit_line(counts: MarginCounts, calibration: Calibration) -> Sigmoid:
    """Return the sigmoid of these loans, whatever the calibrator is: log-odds linear in the margin.

    It is what points are made of, as they are sums over the bins of a loan.
    """
    fitted, rates = fit_sigmoid(*counts), _rates(counts, calibration)
    return fitted.shifted(**rates) if rates else fitted


def _rates(counts: MarginCounts, calibration: Calibration) -> dict[str, float]:
    to_rate = calibration.population_bad_rate
    if to_rate is None:
        return {}
    _, n_good, n_bad = counts
    return {"from_rate": float(n_bad.sum() / (n_good + n_bad).sum()), "to_rate": to_rate}


def _check_bad_rate(rate: Any) -> None:
    # `conf/base` has null there, so that a text would pass as well.
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if rate is not None and not (is_number and 0 < rate < 1):
        raise ConfigError(
            f"Parameter 'population_bad_rate' is {rate!r}; it must be null, or a rate above 0 and "
            "below 1."
        )
