"""Cells: goods and bads counted in disjoint intervals of one column's values.

Doubles are handled as keys, integers in the same order, so that an interval can be halved until one
value is left. Nothing here knows Spark.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Pair = tuple[int, int]  # goods, bads

_BUT_SIGN = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def keys_of(values: Floats) -> Longs:
    """Return integers that are ordered as these doubles are; 0.0 and -0.0 have the same one.

    The bits of a positive double rise with its value, those of a negative one fall.
    """
    bits = (values + 0.0).view(np.int64)
    return bits ^ ((bits >> 63) & _BUT_SIGN)


def values_of(keys: Longs) -> Floats:
    """Return the doubles that have these keys."""
    return (keys ^ ((keys >> 63) & _BUT_SIGN)).view(np.float64)


@dataclass(frozen=True)
class Cells:
    """Goods and bads of one column, by intervals of keys that hold all its known values.

    Attributes:
        low: Shape (n_cells,), ascending: the least key that occurs in a cell.
        high: The greatest key that occurs in it; where it equals `low`, the cell is one value.
        n_good: Goods in it.
        n_bad: Bads in it; no cell is empty.
    """

    low: Longs
    high: Longs
    n_good: Longs
    n_bad: Longs

    @property
    def n_rows(self) -> int:
        """Known values in all cells."""
        return int(self.n_good.sum() + self.n_bad.sum())

    def holding(self, ranks: Longs) -> Longs:
        """Return the cells in which the values of these ranks (0 = the least value) lie."""
        return np.searchsorted(np.cumsum(self.n_good + self.n_bad), ranks, side="right")

    def below(self, values: Floats) -> tuple[Longs, Longs]:
        """Return how many goods and bads are below each value, if no cell is across it."""
        cells = np.searchsorted(self.high, keys_of(values), side="left")
        goods, bads = (np.append(0, np.cumsum(n)) for n in (self.n_good, self.n_bad))
        return goods[cells], bads[cells]

    def across(self, values: Floats) -> Longs:
        """Return the cells that have keys on both sides of one of these values."""
        keys = keys_of(values)
        cells = np.searchsorted(self.high, keys, side="left")
        cells, keys = cells[cells < len(self.high)], keys[cells < len(self.high)]
        return np.unique(cells[self.low[cells] < keys])

    def replaced(self, old: Longs, new: "Cells") -> "Cells":
        """Return the cells with those numbered `old` replaced by the finer ones they consist of."""
        kept = np.delete(np.arange(len(self.low)), old)
        parts = [
            np.concatenate((mine[kept], finer))
            for mine, finer in zip(self.columns, new.columns, strict=True)
        ]
        order = np.argsort(parts[0])
        return Cells(*(part[order] for part in parts))

    @property
    def columns(self) -> tuple[Longs, Longs, Longs, Longs]:
        """The four arrays, in the order of the attributes."""
        return self.low, self.high, self.n_good, self.n_bad


@dataclass(frozen=True)
class Zoom:
    """Which cells of a column are to be counted more finely, and how finely.

    Attributes:
        column: Number of the column.
        low: Shape (n_cells,): as in `Cells`.
        high: As in `Cells`.
        shift: Bits of the distance from `low` that one finer cell does not tell apart; 0: it is one
            value.
        specials: The values of each special code, which are counted apart; used in the first pass.
        is_first: Whether missing values and special codes are counted too.
    """

    column: int
    low: Longs
    high: Longs
    shift: NDArray[np.uint64]
    specials: tuple[tuple[float, ...], ...] = ()
    is_first: bool = False

    @classmethod
    def whole(cls, column: int, specials: tuple[tuple[float, ...], ...], *, bits: int) -> "Zoom":
        """Return the zoom from no knowledge to 2 ** bits cells over all doubles."""
        limits = np.iinfo(np.int64)
        ends = np.array([limits.min]), np.array([limits.max])
        return cls(column, *ends, np.array([64 - bits], np.uint64), specials, is_first=True)

    @classmethod
    def into(
        cls, column: int, cells: Cells, chosen: Longs, specials: tuple[tuple[float, ...], ...],
        *, share: int,
    ) -> "Zoom":  # fmt: skip
        """Return the zoom from the chosen cells to at most `share` finer ones each."""
        low, high = cells.low[chosen], cells.high[chosen]
        # Differences of signed keys need a bit more than they have: as unsigned, they wrap rightly.
        width = high.view(np.uint64) - low.view(np.uint64)
        bits = share.bit_length() - 1
        shift = np.array([max(0, int(w).bit_length() - bits) for w in width], np.uint64)
        is_small = cells.n_good[chosen] + cells.n_bad[chosen] <= share
        return cls(column, low, high, np.where(is_small, np.uint64(0), shift), specials)


# A tally is an array of shape (6, n): the column; the first key that a cell could hold, which tells
# cells apart; the least and the greatest key in it; its goods; its bads.
TALLY = ("column", "part", "low", "high", "n_good", "n_bad")


def tally(zoom: Zoom, values: Floats, is_bad: NDArray[np.bool_]) -> Longs:
    """Count one column of some rows: values of shape (n_rows,), NaN where missing.

    Returns:
        A tally. Missing values and special codes are under column -1 - `zoom.column`, in part 0 and
        in part 1, 2, … by the order of the codes.
    """
    is_known = ~np.isnan(values)
    apart = [~is_known]
    for codes in zoom.specials:
        apart.append(np.isin(values, codes))
        is_known &= ~apart[-1]
    keys, is_bad_known = keys_of(values[is_known]), is_bad[is_known]
    if not zoom.is_first:
        cells = np.searchsorted(zoom.low, keys, side="right") - 1
        is_inside = (cells >= 0) & (keys <= zoom.high[cells])
        keys, is_bad_known = keys[is_inside], is_bad_known[is_inside]
    pieces = [_runs(zoom, np.sort(keys[is_bad_known == bad]), bad=bad) for bad in (False, True)]
    if zoom.is_first:
        for part, chosen in enumerate(apart):
            n_bad = np.count_nonzero(is_bad[chosen])
            counts = np.count_nonzero(chosen) - n_bad, n_bad
            pieces.append(np.array([[-1 - zoom.column, part, 0, 0, *counts]]).T)
    return merged(pieces)


def _runs(zoom: Zoom, keys: Longs, *, bad: bool) -> Longs:
    if not len(keys):
        return np.empty((len(TALLY), 0), np.int64)
    # Keys are sorted and all in some cell, so the few cells are looked up and not the many keys.
    sizes = np.diff(np.searchsorted(keys, zoom.low), append=len(keys))
    start, shift = (np.repeat(of_cell, sizes) for of_cell in (zoom.low.view(np.uint64), zoom.shift))
    parts = (start + ((keys.view(np.uint64) - start) >> shift << shift)).view(np.int64)
    firsts = np.flatnonzero(np.append(True, parts[1:] != parts[:-1]))
    lasts = np.append(firsts[1:], len(keys)) - 1
    counts, none = lasts - firsts + 1, np.zeros_like(firsts)
    column = np.full_like(firsts, zoom.column)
    by_class = (none, counts) if bad else (counts, none)
    return np.stack((column, parts[firsts], keys[firsts], keys[lasts], *by_class))


def merged(tallies: list[Longs]) -> Longs:
    """Add tallies up, cell by cell; cells come out in order."""
    every = np.concatenate(tallies, axis=1)
    if not every.shape[1]:
        return every
    every = every[:, np.lexsort((every[1], every[0]))]
    is_new = (every[:2, 1:] != every[:2, :-1]).any(axis=0)
    firsts = np.flatnonzero(np.append(True, is_new))
    sums = [np.add.reduceat(counts, firsts) for counts in every[4:]]
    return np.stack(
        (
            *every[:2, firsts],
            np.minimum.reduceat(every[2], firsts),
            np.maximum.reduceat(every[3], firsts),
            *sums,
        )
    )
