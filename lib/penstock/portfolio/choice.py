"""What each applicant's best offer is at given worths: one pass over offers as arrays.

Amounts are whole millionths of their unit and held as such: sums of them are exact, so that no
figure depends on the order of rows, on partitions or on blocks. A worth is one sum of products of
doubles in one order, the same wherever it is worked out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MILLION = 1_000_000
LARGEST = 2**53  # whole numbers up to it are doubles
_LOW = 2**26  # what is summed in two parts never leaves the doubles that are exact
NOBODY = -1  # in the place of an offer's row


@dataclass(frozen=True)
class Offers:
    """Offers of some applicants, each applicant's together, in the order of their numbers.

    Attributes:
        starts: Of n applicants n + 1: where each one's offers begin; everyone has some.
        cells: Of each offer.
        amounts: (1 + measures) x offers: profit, then the measures, in millionths.
    """

    starts: Ints
    cells: NDArray[np.int32]
    amounts: Floats

    @property
    def applicants(self) -> int:
        """How many applicants there are."""
        return len(self.starts) - 1

    def rows_of(self, applicants: Ints) -> Ints:
        """Return the rows of the offers of some applicants, in the order given."""
        sizes = np.diff(self.starts)[applicants]
        before = np.cumsum(sizes) - sizes
        rows: Ints = np.arange(sizes.sum()) + np.repeat(self.starts[applicants] - before, sizes)
        return rows

    def of(self, applicants: Ints) -> "Offers":
        """Return the offers of some applicants, in the order given."""
        rows = self.rows_of(applicants)
        starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[applicants])])
        return Offers(starts, self.cells[rows], self.amounts[:, rows])


@dataclass(frozen=True)
class Choice:
    """The best offer of each applicant.

    Attributes:
        rows: Row of the best offer, the first of equals; `NOBODY` where none is worth more than 0.
        others: Row of what comes second, `NOBODY` where that is no offer.
        margins: By how much the best is worth more than the second, no offer being worth 0.
    """

    rows: Ints
    others: Ints
    margins: Floats


@dataclass(frozen=True)
class Sums:
    """Exact sums over chosen offers, (cells x (1 + measures)), in two parts: high x 2^26 + low."""

    high: Ints
    low: Ints

    @classmethod
    def zero(cls, shape: tuple[int, int]) -> "Sums":
        """Return the sums over no offer, (cells, 1 + measures)."""
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.high + other.high, self.low + other.low)

    def whole(self) -> NDArray[np.object_]:
        """Return the sums as whole numbers of any size, in millionths."""
        whole: NDArray[np.object_] = self.high.astype(object) * _LOW + self.low.astype(object)
        return whole


def worths(offers: Offers, values: Floats) -> Floats:
    """Return what each offer is worth, in millionths.

    Args:
        values: cells x (1 + measures): what a unit of profit and of each measure is worth.
    """
    at = offers.cells
    total: Floats = values[at, 0] * offers.amounts[0]
    for measure in range(1, len(offers.amounts)):
        total += values[at, measure] * offers.amounts[measure]
    return total


def choose(offers: Offers, worth: Floats) -> Choice:
    """Return the best offer of each applicant and what comes second."""
    begins, rows = offers.starts[:-1], np.arange(len(worth))
    if not len(begins):
        return Choice(*(np.empty(0, np.int64),) * 2, np.empty(0))
    best, first = _first_best(worth, rows, offers.starts)
    is_made = best > 0
    rest = worth.copy()
    rest[first] = -np.inf
    second, second_row = _first_best(rest, rows, offers.starts)
    chosen = np.where(is_made, first, NOBODY)
    others = np.where(is_made, np.where(second > 0, second_row, NOBODY), first)
    margins = np.where(is_made, best - np.maximum(second, 0), -best)
    return Choice(chosen, others, margins)


def best_rows(offers: Offers, worth: Floats) -> Ints:
    """Return the rows of the best offers alone, of those applicants who have one worth above 0."""
    if not offers.applicants:
        return np.empty(0, np.int64)
    best, first = _first_best(worth, np.arange(len(worth)), offers.starts)
    return first[best > 0]


def sum_over(offers: Offers, rows: Ints, n_cells: int) -> Sums:
    """Sum profit and measures of some rows by cell, exactly."""
    cells = offers.cells[rows]
    shape = (n_cells, len(offers.amounts))
    high, low = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for measure, amounts in enumerate(offers.amounts):
        of_rows = amounts[rows]
        highs = np.floor(of_rows / _LOW)
        high[:, measure] = np.bincount(cells, highs, n_cells)
        low[:, measure] = np.bincount(cells, of_rows - highs * _LOW, n_cells)
    return Sums(high, low)


def _first_best(worth: Floats, rows: Ints, starts: Ints) -> tuple[Floats, Ints]:
    begins, sizes = starts[:-1], np.diff(starts)
    if (sizes == sizes[0]).all():  # as many for all: the common case, and twice as fast
        table = worth.reshape(len(begins), sizes[0])
        return table.max(axis=1), begins + table.argmax(axis=1)
    best = np.maximum.reduceat(worth, begins)
    candidates = np.where(worth == np.repeat(best, sizes), rows, len(rows))
    return best, np.minimum.reduceat(candidates, begins)
