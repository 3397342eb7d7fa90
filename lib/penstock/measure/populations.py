"""Loans by score or by bin, whatever became of them: what stability is measured on.

Needs no labels; counts of goods and bads are in `counts.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BinCounts = dict[str, dict[str, int]]
"""Loans by characteristic and bin."""


@dataclass(frozen=True, eq=False)
class Population:
    """Loans for each distinct score, sorted by score.

    Attributes:
        score: Shape (n_scores,), finite.
        n: Shape (n_scores,), loans.
    """

    score: NDArray[np.float64]
    n: NDArray[np.int64]

    @classmethod
    def of(cls, scores: ArrayLike) -> "Population":
        """Count single loans without Spark: scores of shape (n_loans,)."""
        score, n = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
        return cls(score, n.astype(np.int64))

    @property
    def loans(self) -> int:
        """All loans."""
        return int(self.n.sum())


def quantile_edges(population: Population, *, bins: int) -> NDArray[np.float64]:
    """Return the inner edges of bins with equally many loans: the highest score of all but one.

    Shape (n_bins - 1,) or shorter: equal scores stay in one bin, and empty bins are left out.
    """
    middle = np.cumsum(population.n) - population.n / 2
    of_score = np.minimum(middle * bins / population.loans, bins - 1).astype(np.int64)
    is_last = np.append(of_score[1:] != of_score[:-1], False)
    edges: NDArray[np.float64] = population.score[is_last]
    return edges


def loans_in_bins(population: Population, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the loans in each bin; a score equal to an edge lies below it.

    Shape (n_edges + 1,); `edges` rise.
    """
    of_score = np.searchsorted(edges, population.score, side="left")
    counted = np.bincount(of_score, weights=population.n, minlength=len(edges) + 1)
    return counted.astype(np.int64)
