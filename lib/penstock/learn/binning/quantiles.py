"""Quantiles: the pre-bins of a column, exactly, from cells that are counted finely where needed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.learn.binning.cells import Cells, Floats, Longs, values_of
from penstock.learn.binning.rules import BinningRules

# scikit-learn's discretiser takes narrower bins for rounding errors.
NARROWEST_BIN = 1e-8


@dataclass(frozen=True)
class Prebins:
    """Goods and bads of a column's known values, in the narrowest bins that a solver may merge.

    Attributes:
        splits: Shape (n_prebins - 1,), ascending; pre-bins are [a, b).
        n_good: Shape (n_prebins,).
        n_bad: Shape (n_prebins,).
    """

    splits: Floats
    n_good: Longs
    n_bad: Longs

    @classmethod
    def between(cls, splits: Floats, cells: Cells) -> "Prebins":
        """Count the pre-bins that these splits make, none of which runs across a cell."""
        goods, bads = cells.below(splits)
        return cls(
            splits,
            np.diff(goods, prepend=0, append=cells.n_good.sum()),
            np.diff(bads, prepend=0, append=cells.n_bad.sum()),
        )

    def filled(self) -> "Prebins":
        """Return the pre-bins that hold rows; the first one, if none does."""
        [places] = np.nonzero(self.n_good + self.n_bad)
        kept = places if len(places) else np.zeros(1, np.int64)
        return Prebins(self.splits[kept[1:] - 1], self.n_good[kept], self.n_bad[kept])


def unsettled(cells: Cells, rules: BinningRules) -> Longs:
    """Return the cells that must be counted more finely before `prebins` can tell the pre-bins."""
    if not len(cells.low):
        return np.empty(0, np.int64)
    if rules.splits is not None:
        return cells.across(np.array(rules.splits))
    previous, following, _ = _ranks(cells.n_rows, rules.max_prebins)
    chosen = np.unique(cells.holding(np.append(previous, following)))
    return chosen[cells.low[chosen] < cells.high[chosen]]


def prebins(cells: Cells, rules: BinningRules) -> Prebins:
    """Return the pre-bins by the rules; no cell may be unsettled.

    Source:
        Quantiles: definition 2 of Hyndman and Fan, Sample quantiles in statistical packages, The
        American Statistician 50 (1996), as `numpy.percentile(…, method="averaged_inverted_cdf")`
        computes it and scikit-learn's `KBinsDiscretizer` uses it.
    """
    if rules.splits is not None:
        return Prebins.between(np.array(rules.splits), cells)
    if len(cells.low) <= 1:
        return Prebins.between(np.empty(0), cells)
    previous, following, is_between = _ranks(cells.n_rows, rules.max_prebins)
    at, after = (cells.holding(ranks) for ranks in (previous, following))
    lower, upper = values_of(cells.low[at]), values_of(cells.low[after])
    edges = np.where(is_between, upper - (upper - lower) * 0.5, upper)
    if not rules.split_at_ties:
        is_kept = np.ediff1d(edges, to_begin=np.inf) > NARROWEST_BIN
        return Prebins.between(edges[is_kept][1:-1], cells)
    return _with_ties(edges, after[at == after], cells)


def _with_ties(edges: Floats, hit: Longs, cells: Cells) -> Prebins:
    """Split at the quantiles, and on both sides of the values that hold two of them or more."""
    held, times = np.unique(hit, return_counts=True)
    tied = held[times > 1]
    # A cell's least key occurs, so the next cell's is the next value.
    above = tied[tied + 1 < len(cells.low)] + 1
    on_both_sides = values_of(cells.low[np.append(tied, above)])
    splits = np.unique(np.append(edges[1:-1], on_both_sides))
    goods, bads = cells.below(splits)
    # Two splits with nothing between them are one, and so is one with nothing below it and none.
    below, first = np.unique(goods + bads, return_index=True)
    return Prebins.between(splits[first[below > 0]], cells)


def _ranks(n_rows: int, n_bins: int) -> tuple[Longs, Longs, NDArray[np.bool_]]:
    """Return the ranks on which the n_bins + 1 quantiles lie, and where they lie half way between.

    The arithmetic is numpy's own, step by step: where a quantile falls on a row, rounding decides.
    """
    at = n_rows * (np.linspace(0, 100, n_bins + 1) / 100) - 1
    previous = np.clip(np.floor(at), 0, n_rows - 1)
    following = np.where(at < 0, 0, np.clip(np.floor(at) + 1, 0, n_rows - 1))
    return previous.astype(np.int64), following.astype(np.int64), at == previous
