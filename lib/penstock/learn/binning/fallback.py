"""Fallback: simple bins for a column whose solver found none. Fast, feasible, not optimal."""

from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from penstock.learn.binning.bins import information_value
from penstock.learn.binning.quantiles import Prebins
from penstock.learn.binning.rules import BinningRules

Bin = tuple[int, int, int]  # its last pre-bin, its goods, its bads


def fallback_splits(
    prebins: Prebins, trend: str, rules: BinningRules, n_apart: int
) -> NDArray[np.bool_]:
    """Merge pre-bins from the left until each bin is large enough, then until the trend holds.

    A bad rate that must go one way is pooled (PAV); for "auto", "peak" and "valley" in the
    direction of the greater information value. Last, the neighbours whose merging costs least
    information are merged until there are few enough bins.

    Args:
        prebins: Counts by pre-bin.
        trend: As `BinningRules.trend`.
        rules: Least size and number of bins.
        n_apart: Rows in no pre-bin, which count for the least size.

    Returns:
        Shape (n_prebins - 1,): which splits stay.

    Source:
        Pooling of adjacent violators: Ayer et al., Annals of Mathematical Statistics 26 (1955).
    """
    counts = zip(prebins.n_good.tolist(), prebins.n_bad.tolist(), strict=True)
    bins = [(number, good, bad) for number, (good, bad) in enumerate(counts)]
    n_rows = sum(good + bad for _, good, bad in bins) + n_apart
    sized = _sized(bins, ceil(rules.min_share * n_rows))
    choices = [sized]
    if trend != "none":
        choices = [_pooled(sized, sign) for sign in (1, -1) if trend != _opposite(sign)]
    best = max((_few(choice, rules.max_bins) for choice in choices), key=_iv)
    is_split = np.zeros(len(prebins.n_good), bool)
    is_split[[last for last, _, _ in best]] = True
    return is_split[:-1]


def _opposite(sign: int) -> str:
    return "descending" if sign > 0 else "ascending"


def _merge(left: Bin, right: Bin) -> Bin:
    return right[0], left[1] + right[1], left[2] + right[2]


def _sized(bins: list[Bin], least: int) -> list[Bin]:
    sized: list[Bin] = []
    for each in bins:
        is_short = bool(sized) and sum(sized[-1][1:]) < least
        sized.append(_merge(sized.pop(), each) if is_short else each)
    if len(sized) > 1 and sum(sized[-1][1:]) < least:
        last = sized.pop()
        sized.append(_merge(sized.pop(), last))
    return sized


def _pooled(bins: list[Bin], sign: int) -> list[Bin]:
    """Merge neighbours until the bad rate rises (sign 1) or falls (sign -1) from bin to bin."""
    pooled: list[Bin] = []
    for each in bins:
        pooled.append(each)
        while len(pooled) > 1 and sign * _rises(*pooled[-2:]) <= 0:
            last = pooled.pop()
            pooled.append(_merge(pooled.pop(), last))
    return pooled


def _rises(left: Bin, right: Bin) -> int:
    """Compare bad rates without division: above 0 if the right one is greater."""
    return right[2] * left[1] - left[2] * right[1]


def _few(bins: list[Bin], most: int | None) -> list[Bin]:
    while most is not None and len(bins) > most:
        merged = [
            [*bins[:at], _merge(left, right), *bins[at + 2 :]]
            for at, (left, right) in enumerate(pairwise(bins))
        ]
        bins = max(merged, key=_iv)
    return bins


def _iv(bins: list[Bin]) -> float:
    _, good, bad = zip(*bins, strict=True)
    return information_value(np.array(good), np.array(bad))
