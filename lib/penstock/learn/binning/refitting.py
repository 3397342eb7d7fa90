"""Refitting: the bins that columns would have, had some of the rows not been there.

Pre-bins, and which categories are rare, know no outcome: they are those of all rows. So is the
choice of columns that are binned at all. What is merged, and what it is worth, is made anew.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from penstock.learn.binning.bins import ColumnBins, Partition
from penstock.learn.binning.cells import Longs
from penstock.learn.binning.fitting import CountedColumn, grouped, ordered_by_rate, solve_columns
from penstock.learn.binning.quantiles import Prebins

Counts = Mapping[str, tuple[Longs, Longs]]
"""Column to goods and bads by bin of its finest partition, shapes (n_bins,)."""


def finest_partition(name: str, column: CountedColumn) -> Partition:
    """Return the partition in which each pre-bin of a number, or each category, is a bin."""
    specials = tuple(column.problem.rules.specials.items())
    if column.groups or column.categories:
        # In alphabetical order: that by bad rate would tell outcomes.
        groups = column.groups or tuple((category,) for category in sorted(column.categories))
        return Partition(name, "categorical", (), groups, specials)
    return Partition(name, "numeric", tuple(column.problem.prebins.splits.tolist()), (), specials)


def refit(
    columns: Mapping[str, CountedColumn], counts: Sequence[Counts]
) -> list[dict[str, ColumnBins]]:
    """Return the bins of the columns for each of several counts of fewer rows.

    A category that no row has any more is one of the others. A column may come to one bin.

    Args:
        columns: What was counted in all rows.
        counts: By bins of `finest_partition`; all columns in each.
    """
    asked = [
        (name, _recounted(column, *fewer[name]))
        for fewer in counts
        for name, column in columns.items()
    ]
    solved = iter(solve_columns(asked))
    return [{name: next(solved) for name in columns} for _ in counts]


def _recounted(column: CountedColumn, n_good: Longs, n_bad: Longs) -> CountedColumn:
    rules, pairs = column.problem.rules, [*zip(n_good.tolist(), n_bad.tolist(), strict=True)]
    n_values = len(column.groups or column.categories or column.problem.prebins.n_good)
    values, apart = pairs[:n_values], tuple(pairs[n_values:])
    if column.groups:
        first = (group[0] for group in column.groups)
        return grouped(dict(zip(first, values, strict=True)), rules, apart)
    if column.categories:
        named = zip(sorted(column.categories), values, strict=True)
        if seen := {name: pair for name, pair in named if sum(pair)}:
            return ordered_by_rate(seen, rules, apart)
        none = Prebins(np.empty(0), *np.zeros((2, 1), np.int64))
        return column.recounted(none, apart, (column.categories,))
    made = Prebins(column.problem.prebins.splits, n_good[:n_values], n_bad[:n_values])
    return column.recounted(made if rules.splits is not None else made.filled(), apart)
