"""How far a portfolio hangs on a few names, or a few sectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOP = 10


@dataclass(frozen=True)
class Concentration:
    """Shares of the exposure, 0-1.

    Attributes:
        hhi: Herfindahl-Hirschman index, the sum of squared shares: 1 = all in one.
        largest: Share of the largest one.
        top: Share of the `TOP` largest ones together.

    Source:
        Hirschman, The Paternity of an Index, American Economic Review 54 (1964).
    """

    hhi: float
    largest: float
    top: float

    @property
    def effective(self) -> float:
        """How many of equal size are as concentrated."""
        return 1 / self.hhi

    def metrics(self, of: str) -> dict[str, float | None]:
        """Return index, effective number and largest share by name, of "names" say."""
        return {
            f"hhi_{of}": self.hhi,
            f"effective_{of}": self.effective,
            f"largest_share_{of}": self.largest,
        }


def concentration(exposures: Floats) -> Concentration:
    """Return the concentration of exposures of shape (n,), 0 or more and not all 0."""
    return concentration_of_largest(
        np.sort(exposures)[::-1], total=float(exposures.sum()), squares=float(exposures @ exposures)
    )


def concentration_of_largest(largest: Floats, *, total: float, squares: float) -> Concentration:
    """Return the concentration of exposures of which only sums and the largest are at hand.

    Args:
        largest: The `TOP` largest, or all if they are fewer, in falling order.
        total: Sum of all, above 0.
        squares: Sum of their squares.
    """
    return Concentration(
        hhi=squares / total**2,
        largest=float(largest[0]) / total,
        top=float(largest[:TOP].sum()) / total,
    )
