"""The swap set: whom one of two scores approves and the other does not, at one approval rate.

Convention as in `discrimination.py`: bad = 1, higher score = riskier.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from penstock.errors import ConfigError
from penstock.measure.paired import PairCounts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Approved:
    """Loans of one kind; fractions come from loans that are tied at a cut-off.

    Attributes:
        loans: How many, >= 0.
        bads: Defaults among them.
    """

    loans: float
    bads: float

    @property
    def bad_rate(self) -> float | None:
        """Share of defaults, 0-1; None without loans."""
        return self.bads / self.loans if self.loans else None


@dataclass(frozen=True)
class SwapSet:
    """What changes if score b decides in place of score a.

    Attributes:
        by_a: Approved by score a.
        by_b: Approved by score b; as many loans.
        swapped_in: Approved by b only.
        swapped_out: Approved by a only; as many loans.
    """

    by_a: Approved
    by_b: Approved
    swapped_in: Approved
    swapped_out: Approved


def swap_set(pairs: PairCounts, *, approval_rate: float) -> SwapSet:
    """Compare who is approved by two scores of the same loans.

    Each score approves the same share of all loans, those with the lowest scores. Of loans tied at
    a cut-off, each counts by the share of them that is approved; a loan tied in both scores is
    drawn once, so that equal scores swap nobody.

    Args:
        pairs: Score a is the one in use, b the other.
        approval_rate: Share of loans that are approved, above 0 and below 1.

    Raises:
        ConfigError: The approval rate is out of its range.
    """
    n = pairs.n_good + pairs.n_bad
    a, b = (approved_share(scores, n, approval_rate) for scores in (pairs.score_a, pairs.score_b))

    def summed(share: Floats) -> Approved:
        return Approved(float((share * n).sum()), float((share * pairs.n_bad).sum()))

    return SwapSet(
        by_a=summed(a),
        by_b=summed(b),
        swapped_in=summed(np.maximum(b - a, 0)),
        swapped_out=summed(np.maximum(a - b, 0)),
    )


def approved_share(scores: Floats, n: NDArray[np.int64], approval_rate: float) -> Floats:
    """Return which share of each pair's loans is approved, shape (n_pairs,).

    Args:
        scores, n: Shape (n_pairs,): a score of each pair, and its loans.
        approval_rate: Share of all loans that are approved, those with the lowest scores; of loans
            tied at the cut-off, each counts by the share of them that is.

    Raises:
        ConfigError: The approval rate is out of its range.
    """
    if not 0 < approval_rate < 1:
        raise ConfigError(f"An approval rate is {approval_rate}; it must be above 0 and below 1.")
    score, place = np.unique(scores, return_inverse=True)
    at = np.bincount(place, weights=n, minlength=len(score))
    below = np.cumsum(at) - at
    # In decimals: 0.55 x 100 is above 55 as a double, and lets in a trace of one more loan.
    approved = float(Decimal(str(approval_rate)) * int(n.sum()))
    share: Floats = np.clip((approved - below) / at, 0, 1)[place]
    return share
