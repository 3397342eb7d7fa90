"""The problem as numbers: what a unit of each measure costs at given prices, and exact accounts.

max sum p x  s.t.  sum a x <= b,  at most one offer for each applicant. Prices are those of rows:
profit for one unit of what a row limits, at least 0.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor, lcm, nextafter

import numpy as np
from numpy.typing import NDArray

from penstock.portfolio.choice import MILLION, Floats, Sums
from penstock.portfolio.limits import Row
from penstock.portfolio.tail_limits import Tail

_ROUND_OFF = 2.0**-52


@dataclass(frozen=True)
class Problem:
    """Rows over cells and measures.

    Attributes:
        measures: Names; profit comes before them, at 0, in all arrays.
        n_cells: Number of cells.
        rows: What limits the plan.
        largest: Largest size of profit and of each measure over all offers, in millionths.
        profit: Weight of profit in what is maximised: 1, or 0 to ask only for what is possible.
        tails: What a plan must keep beyond its rows, some of which are cuts of these limits.
    """

    measures: tuple[str, ...]
    n_cells: int
    rows: tuple[Row, ...]
    largest: Floats
    profit: int = 1
    tails: tuple[Tail, ...] = ()

    @cached_property
    def weights(self) -> Floats:
        """Return the weights, rows x cells x (1 + measures)."""
        shape = (len(self.rows), self.n_cells, 1 + len(self.measures))
        weights = np.zeros(shape)
        for number, row in enumerate(self.rows):
            for measure, of_cells in row.weights.items():
                weights[number, :, self._at(measure)] = [float(weight) for weight in of_cells]
        return weights

    @cached_property
    def bounds(self) -> Floats:
        """Return the bounds of rows, in millionths."""
        return np.array([float(row.bound * MILLION) for row in self.rows])

    @cached_property
    def highest(self) -> Floats:
        """Return the highest price of each row: the penalty of a soft one, and nothing above."""
        return np.array([np.inf if r.penalty is None else _up_to(r.penalty) for r in self.rows])

    def values(self, prices: Floats) -> Floats:
        """Return what a unit of profit and of each measure is worth, cells x (1 + measures)."""
        # Without BLAS, whose sums depend on the number of cores.
        values: Floats = -np.einsum("k,kcm->cm", prices, self.weights)
        values[:, 0] += self.profit
        return values

    def sums_of_nobody(self) -> Sums:
        """Return the sums over no offer."""
        return Sums.zero((self.n_cells, 1 + len(self.measures)))

    def usages(self, sums: Sums) -> Floats:
        """Return what rows use, in millionths, as doubles."""
        used: Floats = np.einsum("kcm,cm->k", self.weights, sums.whole().astype(np.float64))
        return used

    def exact_usages(self, sums: Sums) -> list[Fraction]:
        """Return what rows use, in millionths, exactly."""
        whole = sums.whole()
        return [
            sum(
                (Fraction(int(numerators @ whole[:, at]), of) for at, numerators, of in row),
                Fraction(0),
            )
            for row in self._whole_weights
        ]

    def beyond(self, sums: Sums) -> Floats:
        """Return by how much rows are exceeded, in millionths; cuts by what their limit is."""
        over = self.usages(sums) - self.bounds
        for tail in self.tails:
            is_cut = np.array([row.limit == tail.name for row in self.rows])
            over[is_cut] = float(self.tail_excess(tail, sums))
        return over

    def tail_excess(self, tail: Tail, sums: Sums) -> Fraction:
        """Return by how much a plan exceeds a tail limit, in millionths."""
        return tail.worst(self.of_measure(tail.measure, sums)).mean - tail.bound * MILLION

    def of_measure(self, measure: str, sums: Sums) -> list[int]:
        """Return the sums of a measure by cell, in millionths."""
        of_cells: list[int] = sums.whole()[:, self._at(measure)].tolist()
        return of_cells

    def value_of(self, sums: Sums) -> Fraction | None:
        """Return what a plan is worth, penalties off, in millionths; None if it breaks a limit.

        What penalties take is rounded up: of profit, plans are worth whole millionths.
        """
        worth = Fraction(self.profit * int(sum(sums.whole()[:, 0])))
        for row, used in zip(self.rows, self.exact_usages(sums), strict=True):
            excess = used - row.bound * MILLION
            if excess > 0:
                if row.penalty is None:
                    return None
                worth -= row.penalty * excess
        if any(self.tail_excess(tail, sums) > 0 for tail in self.tails):
            return None
        return self.in_whole(worth)

    def dual_value(self, prices: Floats, sums: Sums, applicants: int) -> Fraction:
        """Return a bound that no plan within the limits exceeds, in millionths.

        Args:
            prices: At least 0, those of soft rows at most their penalty.
            sums: Over the offers that are best at these prices.

        Source:
            Weak duality: sum b l + sum max(0, max(p - a l)). The sum is exact for the chosen
            offers; that a choice was made in doubles is allowed for by the rounding of each worth.
        """
        bound = Fraction(self.profit * int(sum(sums.whole()[:, 0])))
        exact = zip(prices, self.rows, self.exact_usages(sums), strict=True)
        bound += sum(Fraction(float(price)) * (r.bound * MILLION - g) for price, r, g in exact)
        bound += Fraction(applicants * self._rounding(prices))
        return self.in_whole(bound)

    def in_whole(self, worth: Fraction) -> Fraction:
        """Cut off a part of a millionth: of profit, plans are worth whole ones."""
        return Fraction(floor(worth)) if self.profit else worth

    @cached_property
    def _whole_weights(self) -> list[list[tuple[int, NDArray[np.object_], int]]]:
        """Return each row's measures: place, weights of cells in whole parts, parts of 1."""
        rows = []
        for row in self.rows:
            measures = []
            for measure, of_cells in row.weights.items():
                of = lcm(*(weight.denominator for weight in of_cells))
                numerators = [weight.numerator * (of // weight.denominator) for weight in of_cells]
                measures.append((self._at(measure), np.array(numerators, object), of))
            rows.append(measures)
        return rows

    def _rounding(self, prices: Floats) -> float:
        if not prices.any():
            return 0.0
        sizes = np.einsum("k,kcm->cm", prices, np.abs(self.weights))
        sizes[:, 0] += self.profit
        terms = len(self.rows) + len(self.measures) + 2
        return float(2 * terms * _ROUND_OFF * (sizes * self.largest).sum(axis=1).max(initial=0.0))

    def _at(self, measure: str) -> int:
        return 1 + self.measures.index(measure)


def _up_to(number: Fraction) -> float:
    """Return the greatest double that is not above a number."""
    nearest = float(number)
    return nearest if Fraction(nearest) <= number else nextafter(nearest, 0.0)
