"""Leak signs: columns that tell the outcome better than an application can, by their counts alone.

When a column is known is for its owner to declare; this looks at those of which nobody has. Two
levels: an alarm keeps a column out, a note only asks to look at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import beta

from penstock.learn.binning.bins import information_value
from penstock.learn.binning.cells import Longs

# Set on Give Me Some Credit and LendingClub, between what is known at the application there and
# what is known after the decision; held unchanged against German credit and HMEQ.
ALARMING_AUC = 0.85
SURE = 0.1  # of the average bad rate, or good rate: a bin that has less is sure to be good, or bad
ALARMING_SHARE = 0.2  # of all bads, or of all goods
ALARMING_MULTIPLE = 1.5  # of what all ordinary columns tell together
FEWEST_ORDINARY = 8  # that can be compared with
# From here on a column is worth a look: Siddiqi, Intelligent Credit Scoring (2017), ch. 10, for IV.
STRONG_AUC = 0.75
STRONG_IV = 0.5
STRONG_PRESENCE_IV = 0.1
STRONG_SHARE = 0.3
CONFIDENCE = 0.99  # of each bound, one-sided: many columns are looked at
ONE_SIDED = 2.326  # standard errors

Level = Literal["alarm", "note", ""]


class BinCounts(NamedTuple):
    """Goods and bads of a column by pre-bin: shapes (n_bins,); missing values come last."""

    n_good: Longs
    n_bad: Longs


@dataclass(frozen=True)
class LeakSigns:
    """How well one column tells the outcome, and what to think of it.

    Attributes:
        column: Its name.
        auc: Of its pre-bins by their bad rate, 0.5-1: on few rows somewhat too high.
        auc_low: Lower bound of it.
        iv: Information value of its pre-bins, less what chance alone gives, >= 0.
        share: Of the information value of all columns, 0-1.
        presence_iv: Information value of whether it is missing.
        sure_bads: Share of all bads in the riskiest pre-bins, where nearly all are bad, 0-1.
        sure_goods: Share of all goods in the safest pre-bins, where hardly any are bad, 0-1.
        level: "alarm", "note" or empty.
        reason: Why, with figures; empty without a level.
    """

    column: str
    auc: float
    auc_low: float
    iv: float
    share: float
    presence_iv: float
    sure_bads: float
    sure_goods: float
    level: Level = ""
    reason: str = ""


def leak_signs(counts: Mapping[str, BinCounts]) -> tuple[LeakSigns, ...]:
    """Return the signs of all columns, in their order.

    An alarm is one of these, the first three beyond the bounds of chance:
        - the AUC is above 0.85: whole scorecards for applications reach 0.70 to 0.86;
        - a fifth of the goods stand in bins that have less than a tenth of the average bad rate;
        - a fifth of the bads stand in bins that have less than a tenth of the average good rate;
        - the AUC is above 0.75, and the column tells 1.5 times as much, in information value, as
          all ordinary columns (AUC up to 0.75) together, of which there are eight at least.

    A note is an AUC above 0.75, an information value above 0.5, one of 0.1 or more in whether the
    column is missing, or 30 % of all information value among at least nine columns.

    It is meant for models of applications: how an account has behaved may honestly tell as much.

    Args:
        counts: Column to its counts, of the rows that bins are fitted on; each has both classes.

    Source:
        Bounds of an AUC: as `auc_of_bins`. Of a bad rate: Jeffreys' interval; Brown, Cai and
        DasGupta, Statistical Science 16 (2001).
    """
    signs = [_signs(name, *each) for name, each in counts.items()]
    total = sum(each.iv for each in signs)
    shared = [replace(each, share=each.iv / total if total else 0.0) for each in signs]
    certain = {each.column: why for each in shared if (why := _certain(each))}
    ordinary = [e for e in shared if e.auc <= STRONG_AUC and e.column not in certain]
    return tuple(
        _judged(each, certain.get(each.column) or _dominates(each, ordinary), len(shared))
        for each in shared
    )


def auc_of_bins(n_good: Longs, n_bad: Longs) -> tuple[float, float]:
    """Return the AUC of bins as they stand, the safest first, and its standard error.

    Args:
        n_good: Shape (n_bins,); one good at least in all.
        n_bad: Shape (n_bins,); one bad at least in all.

    Source:
        Hanley and McNeil, Radiology 143 (1982).
    """
    goods, bads = int(n_good.sum()), int(n_bad.sum())
    auc = float((n_bad * (np.cumsum(n_good) - n_good / 2)).sum() / (goods * bads))
    of_bads, of_goods = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = auc * (1 - auc) + (bads - 1) * of_bads + (goods - 1) * of_goods
    return auc, sqrt(max(0.0, variance) / (goods * bads))


def _signs(column: str, n_good: Longs, n_bad: Longs) -> LeakSigns:
    presence = [np.array([n[:-1].sum(), n[-1]]) for n in (n_good, n_bad)]
    is_filled = n_good + n_bad > 0
    goods, bads = n_good[is_filled], n_bad[is_filled]
    safest_first = np.argsort(bads / (goods + bads), kind="stable")
    goods, bads = goods[safest_first], bads[safest_first]
    n_goods, n_bads = int(goods.sum()), int(bads.sum())
    auc, error = auc_of_bins(goods, bads)
    by_chance = (len(goods) - 1) * (1 / n_goods + 1 / n_bads)
    return LeakSigns(
        column=column,
        auc=auc,
        auc_low=auc - ONE_SIDED * error,
        iv=max(0.0, information_value(goods, bads) - by_chance),
        share=0.0,
        presence_iv=information_value(*presence),
        sure_bads=_sure(bads[::-1], goods[::-1]),
        sure_goods=_sure(goods, bads),
    )


def _sure(ours: Longs, theirs: Longs) -> float:
    """Return the share of ours in the first bins, as long as hardly any of theirs are there."""
    # Bins are pooled: few rows in each are many together.
    ours, theirs = np.cumsum(ours), np.cumsum(theirs)
    rate = beta.ppf(CONFIDENCE, theirs + 0.5, ours + 0.5)
    is_sure = rate < SURE * theirs[-1] / (ours[-1] + theirs[-1])
    return float(ours.max(where=is_sure, initial=0) / ours[-1])


def _certain(signs: LeakSigns) -> str:
    if signs.auc_low > ALARMING_AUC:
        return f"AUC {signs.auc:.3f}, more than whole scorecards have ({ALARMING_AUC:g})"
    if signs.sure_bads > ALARMING_SHARE:
        return f"{signs.sure_bads:.0%} of the bads are in bins where nearly all are bad"
    if signs.sure_goods > ALARMING_SHARE:
        return f"{signs.sure_goods:.0%} of the goods are in bins where hardly any are bad"
    return ""


def _dominates(signs: LeakSigns, ordinary: list[LeakSigns]) -> str:
    others = sum(each.iv for each in ordinary)
    is_comparable = len(ordinary) >= FEWEST_ORDINARY and signs.auc > STRONG_AUC
    if not is_comparable or signs.iv <= ALARMING_MULTIPLE * others:
        return ""
    return (
        f"AUC {signs.auc:.3f}, and an information value of {signs.iv:.2f}: the "
        f"{len(ordinary)} ordinary columns have {others:.2f} together"
    )


def _judged(signs: LeakSigns, alarm: str, n_columns: int) -> LeakSigns:
    if alarm:
        return replace(signs, level="alarm", reason=alarm)
    notes = {
        f"AUC {signs.auc:.3f}": signs.auc > STRONG_AUC,
        f"information value {signs.iv:.2f}": signs.iv > STRONG_IV,
        f"missing or not has an information value of {signs.presence_iv:.2f}": (
            signs.presence_iv >= STRONG_PRESENCE_IV
        ),
        f"{signs.share:.0%} of all information value": (
            n_columns > FEWEST_ORDINARY and signs.share > STRONG_SHARE
        ),
    }
    reason = "; ".join(note for note, holds in notes.items() if holds)
    return replace(signs, level="note" if reason else "", reason=reason)
