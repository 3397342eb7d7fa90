"""Passes over all offers, wherever they lie, and those over offers on the driver."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.portfolio.choice import (
    NOBODY,
    Floats,
    Ints,
    Offers,
    Sums,
    best_rows,
    choose,
    sum_over,
    worths,
)

Keys = NDArray[np.object_]


@dataclass(frozen=True)
class Applicants:
    """Some applicants with their offers, in the order of a hash of their keys."""

    keys: Keys
    offers: Offers


class Passes(Protocol):
    """All offers, to be passed over."""

    @property
    def applicants(self) -> int:
        """How many applicants there are."""

    def sums(self, values: Sequence[Floats]) -> list[Sums]:
        """Return, for each set of worths, the sums over the best offers: one pass for all sets."""

    def subsample(self, size: int) -> Applicants:
        """Return about so many applicants, or all, always the same."""

    def near(self, values: Floats, widths: Floats) -> Applicants:
        """Return the applicants whose margin is at most the width of their best offer's cell."""


class InMemory:
    """Passes over offers on the driver."""

    def __init__(self, everyone: Applicants, n_cells: int) -> None:
        self.everyone, self.n_cells = everyone, n_cells

    @property
    def applicants(self) -> int:
        """How many applicants there are."""
        return self.everyone.offers.applicants

    def sums(self, values: Sequence[Floats]) -> list[Sums]:
        """Return, for each set of worths, the sums over the best offers."""
        return [sum_best(self.everyone.offers, each, self.n_cells) for each in values]

    def subsample(self, size: int) -> Applicants:
        """Return the first applicants."""
        return self._of(np.arange(min(size, self.applicants)))

    def near(self, values: Floats, widths: Floats) -> Applicants:
        """Return the applicants whose margin is at most the width of their best offer's cell."""
        return self._of(near_indifference(self.everyone.offers, values, widths))

    def _of(self, applicants: Ints) -> Applicants:
        return Applicants(self.everyone.keys[applicants], self.everyone.offers.of(applicants))


def sum_best(offers: Offers, values: Floats, n_cells: int) -> Sums:
    """Return the sums over the best offers at some worths."""
    return sum_over(offers, best_rows(offers, worths(offers, values)), n_cells)


def near_indifference(offers: Offers, values: Floats, widths: Floats) -> Ints:
    """Return the applicants whose margin is at most the width of their best offer's cell."""
    margins, cells = margins_of(offers, values)
    return np.flatnonzero(margins <= widths[cells])


def margins_of(offers: Offers, values: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Return each applicant's margin, and the cell of the best offer, or of the nearest one."""
    choice = choose(offers, worths(offers, values))
    at = np.where(choice.rows != NOBODY, choice.rows, choice.others)
    return choice.margins, offers.cells[at]
