"""Bins of one column: what is fitted, what is stored, and what each bin is worth."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from penstock.learn.binning.cells import Floats, Longs

SMOOTHING = 0.5
OTHERS, MISSING = "others", "missing"
Kind = Literal["numeric", "categorical"]
Status = Literal["optimal", "feasible", "fallback", "fixed"]


def weight_of_evidence(n_good: Longs, n_bad: Longs) -> Floats:
    """Return the weight of evidence of each bin: positive is safer, 0 is neutral.

    An empty bin is worth 0, and does not count as one of the k bins.

    Args:
        n_good: Shape (n_bins,).
        n_bad: Shape (n_bins,).

    Source:
        ln(share of goods / share of bads): Siddiqi, Intelligent Credit Scoring (2017), ch. 10, with
        shares (n + 1/2) / (N + k/2), which keep a bin without goods or bads finite.
    """
    goods, bads = _shares(n_good, n_bad, SMOOTHING)
    return np.where(n_good + n_bad > 0, np.log(goods / bads), 0.0)


def information_value(n_good: Longs, n_bad: Longs, *, smoothing: float = SMOOTHING) -> float:
    """Return the information value of bins of these counts, >= 0.

    Args:
        n_good: Shape (n_bins,).
        n_bad: Shape (n_bins,).
        smoothing: What is added to each count; 0 leaves out bins of one class only, as OptBinning
            does.

    Source:
        sum (share of goods - share of bads) WoE: as `weight_of_evidence`.
    """
    goods, bads = _shares(n_good, n_bad, smoothing)
    counted = (goods > 0) & (bads > 0) & (n_good + n_bad > 0)
    goods, bads = goods[counted], bads[counted]
    return float(((goods - bads) * np.log(goods / bads)).sum())


def _shares(n_good: Longs, n_bad: Longs, smoothing: float) -> tuple[Floats, Floats]:
    k = np.count_nonzero(n_good + n_bad)
    goods = (n_good + smoothing) / (n_good.sum() + smoothing * k)
    return goods, (n_bad + smoothing) / (n_bad.sum() + smoothing * k)


def trend_of(n_good: Longs, n_bad: Longs) -> str:
    """Name how the bad rate goes from bin to bin.

    Returns:
        "ascending", "descending", "peak", "valley", "flat" or "none" (it turns more than once).
    """
    is_filled = n_good + n_bad > 0
    n_good, n_bad = n_good[is_filled], n_bad[is_filled]
    steps = np.sign(np.diff(n_bad / (n_good + n_bad)))
    steps = steps[steps != 0]
    if not len(steps):
        return "flat"
    turns = np.count_nonzero(np.diff(steps))
    if turns == 0:
        return "ascending" if steps[0] > 0 else "descending"
    return ("peak" if steps[0] > 0 else "valley") if turns == 1 else "none"


@dataclass(frozen=True)
class Partition:
    """Which bin a value lies in, in order: values, then others, special codes and missing values.

    Attributes:
        column: Name of the column.
        kind: "numeric": its values are split by number; "categorical": they are read as text.
        splits: Ascending. Bins of numbers are [a, b); the first is open below, the last above.
        groups: The bins of categories; what is in none of them, unseen ones too, is in "others".
        specials: Name and values of each special code.
    """

    column: str
    kind: Kind
    splits: tuple[float, ...]
    groups: tuple[tuple[str, ...], ...]
    specials: tuple[tuple[str, tuple[Any, ...]], ...]

    @property
    def n_values(self) -> int:
        """Bins of values, which come first."""
        return len(self.groups) if self.kind == "categorical" else len(self.splits) + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """What people call each bin."""
        names = [name for name, _ in self.specials]
        if self.kind == "categorical":
            return (*(", ".join(group) for group in self.groups), OTHERS, *names, MISSING)
        edges = ["-inf", *(f"{split:.10g}" for split in self.splits), "inf"]
        ranges = [f"[{low}, {high})" for low, high in zip(edges, edges[1:], strict=False)]
        ranges[0] = "(" + ranges[0][1:]
        return (*ranges, *names, MISSING)


@dataclass(frozen=True)
class ColumnBins(Partition):
    """The bins of one column, and what each is worth.

    Attributes:
        n_good: Goods by bin, as fitted on.
        n_bad: Bads by bin.
        woe: Weight of evidence by bin; 0 (neutral) for a bin that was empty.
        iv: Information value over all bins, smoothed as the WoE is.
        trend: As `trend_of` names that of the bins of values.
        status: "optimal", "feasible" (the best found within the time limit), "fallback" (the solver
            found nothing) or "fixed" (by rule).
        note: Why it is not optimal; else empty.
    """

    n_good: tuple[int, ...]
    n_bad: tuple[int, ...]
    woe: tuple[float, ...]
    iv: float
    trend: str
    status: Status
    note: str = ""

    @property
    def n_filled(self) -> int:
        """Bins that rows are in; with one of them only, the column tells nothing."""
        return sum(g + b > 0 for g, b in zip(self.n_good, self.n_bad, strict=True))

    def woe_in(self, finer: Partition) -> Floats:
        """Return the WoE of each bin of a finer partition: that of the bin it is part of.

        A category that is in none of these bins is one of the others.
        """
        if self.kind == "numeric":
            starts = [-np.inf, *finer.splits]
            of_values = np.searchsorted(self.splits, starts, side="right").tolist()
        else:
            own = {name: at for at, group in enumerate(self.groups) for name in group}
            of_values = [own.get(group[0], self.n_values) for group in finer.groups]
        return np.array(self.woe)[[*of_values, *range(self.n_values, len(self.woe))]]

    def to_json(self) -> dict[str, Any]:
        """Return the bins as plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ColumnBins":
        """Rebuild the bins from `to_json`'s document (JSON lists become tuples again)."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value
            for name, value in document.items()
        }
        values["groups"] = tuple(tuple(group) for group in document["groups"])
        values["specials"] = tuple((name, tuple(codes)) for name, codes in document["specials"])
        return cls(**values)
