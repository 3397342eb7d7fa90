"""Settings: the hyper-parameters that each trainer takes, by its library's own names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Setting:
    """One hyper-parameter.

    Attributes:
        default: Taken where the configuration says nothing; a value must be of its type.
        low, high: Least and greatest value of a number; None: no bound.
        is_above: The value must be above `low`, not equal to it.
        choices: What a text may be.
    """

    default: float | str
    low: float | None = None
    high: float | None = None
    is_above: bool = False
    choices: tuple[str, ...] = ()

    def fault(self, value: Any) -> str:
        """Say what a value must be and is not; an empty text if nothing is wrong with it."""
        if isinstance(self.default, str):
            return "" if value in self.choices else f"one of {', '.join(self.choices)}"
        kinds = (int,) if isinstance(self.default, int) else (int, float)
        # A bool is an int to Python.
        if not isinstance(value, kinds) or isinstance(value, bool):
            return "a whole number" if kinds == (int,) else "a number"
        is_low = self.low is not None and (
            value < self.low or (self.is_above and value == self.low)
        )
        if is_low or (self.high is not None and value > self.high):
            least = f"{'above' if self.is_above else 'at least'} {self.low:g}"
            return least if self.high is None else f"{least} and at most {self.high:g}"
        return ""


_TREE: dict[str, Setting] = {
    "maxDepth": Setting(4, 1, 30),
    "minInstancesPerNode": Setting(20, 1),
    "minInfoGain": Setting(0.0, 0),
    "maxBins": Setting(64, 2),
    "subsamplingRate": Setting(0.8, 0, 1, is_above=True),
}
_SUBSETS = Setting("auto", choices=("auto", "all", "onethird", "sqrt", "log2"))

SETTINGS: dict[str, dict[str, Setting]] = {
    "logistic": {
        "regParam": Setting(0.002, 0),  # numbers have a spread of 1, dummies stay as they are
        "elasticNetParam": Setting(0.0, 0, 1),
        "maxIter": Setting(100, 1),
    },
    "random_forest": _TREE
    | {
        "numTrees": Setting(100, 1),
        "maxDepth": Setting(8, 1, 30),
        "featureSubsetStrategy": _SUBSETS,
    },
    "gbt": _TREE
    | {
        "maxIter": Setting(50, 1),
        "stepSize": Setting(0.1, 0, 1, is_above=True),
        "featureSubsetStrategy": Setting("all", choices=_SUBSETS.choices),
    },
    "xgboost": {
        "n_estimators": Setting(200, 1),
        "learning_rate": Setting(0.05, 0, 1, is_above=True),
        "max_depth": Setting(4, 1, 30),
        "min_child_weight": Setting(5.0, 0),
        "gamma": Setting(0.0, 0),
        "subsample": Setting(0.8, 0, 1, is_above=True),
        "colsample_bytree": Setting(0.8, 0, 1, is_above=True),
        "reg_alpha": Setting(0.0, 0),
        "reg_lambda": Setting(1.0, 0),
        "max_bin": Setting(256, 2),
        "num_workers": Setting(1, 1),  # tasks of one core that train together; all at once
    },
}
"""Trainer to the name of each hyper-parameter to what it may be."""


def complete_settings(trainer: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a trainer: those given, and the defaults of the others.

    Raises:
        ConfigError: There is no such trainer or setting, with the nearest, or a value is out of its
            range.
    """
    if trainer not in SETTINGS:
        raise ConfigError(
            f"Parameter 'trainer' is '{trainer}'; it must be one of {', '.join(SETTINGS)} or auto."
            f"{did_you_mean(trainer, SETTINGS)}"
        )
    known = SETTINGS[trainer]
    for name, value in given.items():
        if name not in known:
            raise ConfigError(
                f"'settings' names '{name}', which the trainer {trainer} does not have; it has "
                f"{', '.join(known)}.{did_you_mean(name, known)}"
            )
        if fault := known[name].fault(value):
            raise ConfigError(f"Setting '{name}' of {trainer} is {value!r}; it must be {fault}.")
    return {name: setting.default for name, setting in known.items()} | dict(given)
