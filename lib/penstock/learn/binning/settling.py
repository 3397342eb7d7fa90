"""Settling: count all numeric columns finely enough to know their pre-bins, pass by pass.

Who counts is a function's affair: Spark, or numpy in tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from penstock.learn.binning.cells import Cells, Longs, Pair, Zoom, values_of
from penstock.learn.binning.quantiles import unsettled
from penstock.learn.binning.rules import BinningRules

# Most cells that one pass brings to the driver: some 50 MB, whatever the number of rows.
MOST_CELLS = 2**20
FIRST_BITS = 16
# In fewer rows, or over a span of more times their number, measurements may all differ too.
LEAST_NUMBERED, MOST_SPAN = 100, 2

# Counts what these zooms ask for and returns a tally of it, without empty cells, in order.
Count = Callable[[list[Zoom]], Longs]


@dataclass(frozen=True)
class ValueCounts:
    """Goods and bads of a numeric column: known values, missing ones, each special code."""

    cells: Cells
    missing: Pair
    specials: tuple[Pair, ...]

    @property
    def may_number_rows(self) -> bool:
        """Whether whole numbers of this span could all differ, and leave few of them out."""
        n = self.cells.n_rows
        if n < LEAST_NUMBERED:
            return False
        least, most = values_of(np.array([self.cells.low[0], self.cells.high[-1]]))
        return bool(n <= most - least + 1 <= MOST_SPAN * n)


def settle(rules: Mapping[str, BinningRules], count: Count) -> dict[str, ValueCounts]:
    """Count numeric columns until no cell is unsettled.

    The first pass counts by the leading bits of a value; each further one divides the cells that
    hold a wanted quantile or split, of all columns together, into as many as `MOST_CELLS` allows.
    A column with settled cells is not counted again. Few distinct values take one or two passes,
    real columns of millions of rows three.

    Args:
        rules: The rules of each column; zooms number the columns in this order.
        count: One pass over the rows.
    """
    if not rules:
        return {}
    every = list(rules.values())
    bits = min(FIRST_BITS, (MOST_CELLS // len(every)).bit_length() - 1)
    zooms = [Zoom.whole(number, _codes(each), bits=bits) for number, each in enumerate(every)]
    found = count(zooms)
    cells = [_cells(found, number) for number in range(len(every))]
    apart = [_apart(found, number, len(each.specials)) for number, each in enumerate(every)]
    while zooms := _deeper(cells, every):
        found = count(zooms)
        for zoom in zooms:
            number = zoom.column
            old = unsettled(cells[number], every[number])
            cells[number] = cells[number].replaced(old, _cells(found, number))
    return {
        name: ValueCounts(cells[number], apart[number][0], tuple(apart[number][1:]))
        for number, name in enumerate(rules)
    }


def _deeper(cells: list[Cells], rules: list[BinningRules]) -> list[Zoom]:
    chosen = [unsettled(*each) for each in zip(cells, rules, strict=True)]
    share = max(2, MOST_CELLS // max(1, sum(map(len, chosen))))
    return [
        Zoom.into(number, cells[number], which, _codes(rules[number]), share=share)
        for number, which in enumerate(chosen)
        if len(which)
    ]


def _codes(rules: BinningRules) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(code) for code in codes) for codes in rules.specials.values())


def _cells(found: Longs, number: int) -> Cells:
    return Cells(*found[2:, found[0] == number])


def _apart(found: Longs, number: int, n_specials: int) -> list[Pair]:
    of_column = found[:, found[0] == -1 - number]
    counts = {part: (good, bad) for _, part, _, _, good, bad in of_column.T.tolist()}
    return [counts.get(part, (0, 0)) for part in range(n_specials + 1)]
