"""Prior shift: PDs that were fitted at one bad rate, restated for loans with another."""

from math import log
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column

from penstock.errors import ConfigError

Probability = TypeVar("Probability", Column, NDArray[np.float64])


def shift_prior(pd: Probability, *, from_rate: float, to_rate: float) -> Probability:
    """Return the PD that belongs to a new bad rate, if goods and bads look as before.

    The odds are multiplied by the ratio of the new and old odds of bad: 0, 1 and the order of PDs
    stay as they are.

    Args:
        pd: A column (null stays null) or an array of any shape; PDs, 0-1.
        from_rate: Bad rate of the loans that the PD was fitted on, above 0 and below 1.
        to_rate: Bad rate to restate it for, above 0 and below 1.

    Raises:
        ConfigError: A rate is not as above.

    Source:
        Elkan, IJCAI (2001), theorem 2; Saerens, Latinne and Decaestecker, Neural Computation 14
        (2002).
    """
    _check_rates(from_rate, to_rate)
    bad = pd * (to_rate / from_rate)
    good = (1 - pd) * ((1 - to_rate) / (1 - from_rate))
    return bad / (bad + good)


def prior_log_odds(*, from_rate: float, to_rate: float) -> float:
    """Return what `shift_prior` adds to the log-odds of every PD.

    Raises:
        ConfigError: A rate is not above 0 and below 1.
    """
    _check_rates(from_rate, to_rate)
    return log(to_rate / (1 - to_rate)) - log(from_rate / (1 - from_rate))


def _check_rates(from_rate: float, to_rate: float) -> None:
    for name, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        if not 0 < rate < 1:
            raise ConfigError(f"Parameter '{name}' is {rate}; it must be above 0 and below 1.")
