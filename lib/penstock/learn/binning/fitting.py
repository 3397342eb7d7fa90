"""Fitting: from rows to the bins of every column, and the reasons for leaving columns out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from penstock.learn.binning.bins import (
    ColumnBins,
    information_value,
    trend_of,
    weight_of_evidence,
)
from penstock.learn.binning.categories import CategoryCounts, count_categories
from penstock.learn.binning.cells import Cells, Pair, keys_of
from penstock.learn.binning.counting import check_rows, count_values, numberings
from penstock.learn.binning.leak_signs import BinCounts, LeakSigns, leak_signs
from penstock.learn.binning.quantiles import Prebins, prebins
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.settling import ValueCounts
from penstock.learn.binning.solving import Problem, Solution, solve_all

IS_NUMBERING = "identifier-like: it numbers the rows, a whole number for each"


@dataclass(frozen=True)
class CountedColumn:
    """What is counted of one column, before its bins are chosen.

    Attributes:
        problem: Its pre-bins, and what may be merged.
        apart: Goods and bads of the bins after those of values: others, special codes, missing.
        categories: Ordered by bad rate; the pre-bins are of their places in this order. Empty for a
            number.
        groups: The categories of each pre-bin, if they are given by rule.
    """

    problem: Problem
    apart: tuple[Pair, ...]
    categories: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def counts(self) -> BinCounts:
        """Goods and bads of the pre-bins, and behind them of what is apart."""
        good, bad = np.array(self.apart, np.int64).reshape(-1, 2).T
        prebins = self.problem.prebins
        return BinCounts(np.append(prebins.n_good, good), np.append(prebins.n_bad, bad))

    def recounted(
        self, made: Prebins, apart: tuple[Pair, ...], groups: tuple[tuple[str, ...], ...] = ()
    ) -> "CountedColumn":
        """Return the column with these pre-bins, of these groups of categories, and no more."""
        problem = replace(self.problem, prebins=made, n_apart=_total(apart))
        return CountedColumn(problem, apart, groups=groups)


@dataclass(frozen=True)
class CountedColumns:
    """What counting has found, before bins are chosen.

    Attributes:
        sound: Columns that can be binned, those with an alarm too.
        unfit: Column to reason, of those that tell nothing.
        leaks: Column to reason, of those that tell too much: copies of the target, and alarms of
            columns that are not trusted.
        leak_signs: Of the sound columns.
    """

    sound: Mapping[str, CountedColumn]
    unfit: Mapping[str, str]
    leaks: Mapping[str, str]
    leak_signs: tuple[LeakSigns, ...]


@dataclass(frozen=True)
class FittedBins:
    """What binning has learnt.

    Attributes:
        bins: Of the columns that have any.
        left_out: Column to reason, for the others.
        leak_signs: Of the columns that could be binned.
        counted: Column to what its bins were made of, for those that have any.
    """

    bins: tuple[ColumnBins, ...]
    left_out: Mapping[str, str]
    leak_signs: tuple[LeakSigns, ...]
    counted: Mapping[str, CountedColumn] = field(compare=False)


def fit_bins(
    rows: DataFrame,
    *,
    label: str,
    numeric: Mapping[str, BinningRules],
    categorical: Mapping[str, BinningRules],
) -> FittedBins:
    """Fit the bins of all columns: as a rule five reads of the rows, whatever the columns.

    A column that looks like a leak is left out, as one that cannot be used, unless it is trusted.

    Args:
        rows: One row per loan: the label and the columns named by the rules.
        label: Column of the label: 0 = good, 1 = bad.
        numeric: Rules of the columns that are numbers or booleans; NaN is missing.
        categorical: Rules of the columns that are read as text; blanks are missing.

    Raises:
        DataError: As `counting.check_rows`, before anything is fitted.
    """
    found = count_columns(rows, label=label, numeric=numeric, categorical=categorical)
    left_out = {**found.unfit, **found.leaks}
    used = {name: column for name, column in found.sound.items() if name not in left_out}
    solved = solve_columns(list(used.items()))
    split = {bins.column: used[bins.column] for bins in solved if bins.n_filled > 1}
    unsplit = {
        bins.column: f"no split obeys the rules ({bins.note or 'one bin is optimal'})"
        for bins in solved
        if bins.column not in split
    }
    return FittedBins(
        tuple(bins for bins in solved if bins.column in split),
        {**left_out, **unsplit},
        found.leak_signs,
        split,
    )


def count_columns(
    rows: DataFrame,
    *,
    label: str,
    numeric: Mapping[str, BinningRules],
    categorical: Mapping[str, BinningRules],
) -> CountedColumns:
    """Count the pre-bins of all columns, and say which of them cannot be used, or are leaks.

    Args, Raises: As `fit_bins`.
    """
    rules = {**numeric, **categorical}
    least = max((each.max_bins or each.max_prebins for each in rules.values()), default=1)
    check_rows(rows, label=label, numeric=numeric, least=least)
    values = count_values(rows, label=label, rules=numeric)
    spans = [n for n, v in values.items() if v.may_number_rows and not numeric[n].is_trusted]
    numbering = numberings(rows, spans)
    columns: dict[str, CountedColumn | str] = {
        name: IS_NUMBERING if name in numbering else _numeric_column(counts, numeric[name])
        for name, counts in values.items()
    }
    for name, found in count_categories(rows, label=label, rules=categorical).items():
        columns[name] = _categorical_column(found, categorical[name])
    fit = {name: column for name in rules if isinstance(column := columns[name], CountedColumn)}
    unfit = {name: why for name in rules if isinstance(why := columns[name], str)}
    leaks = {name: why for name, column in fit.items() if (why := _copies_target(column))}
    sound = {name: column for name, column in fit.items() if name not in leaks}
    signs = leak_signs({name: column.counts for name, column in sound.items()})
    for each in signs:
        if each.level == "alarm" and not rules[each.column].is_trusted:
            leaks[each.column] = f"leak alarm: {each.reason}"
    return CountedColumns(sound, unfit, leaks, signs)


def solve_columns(columns: Sequence[tuple[str, CountedColumn]]) -> list[ColumnBins]:
    """Choose the bins of columns by their counts, several at once; a name may come again."""
    solutions = solve_all([column.problem for _, column in columns])
    solved = zip(columns, solutions, strict=True)
    return [_column_bins(name, column, solution) for (name, column), solution in solved]


def _numeric_column(counts: ValueCounts, rules: BinningRules) -> CountedColumn | str:
    if not counts.cells.n_rows and not _total(counts.specials):
        return "it has no value"
    apart = (*counts.specials, counts.missing)
    problem = Problem(prebins(counts.cells, rules), rules, _total(apart))
    is_one_value = len(counts.cells.low) == 1 and counts.cells.low[0] == counts.cells.high[0]
    if is_one_value and not problem.n_apart:
        return "constant: all rows have one value"
    return CountedColumn(problem, apart)


def _categorical_column(counts: CategoryCounts, rules: BinningRules) -> CountedColumn | str:
    apart = (counts.others, *counts.specials, counts.missing)
    if not counts.n_known and not _total(counts.specials):
        return "it has no value"
    if counts.is_identifier_like and rules.groups is None:
        return f"identifier-like: {counts.n_distinct:,} categories in {counts.n_known:,} rows"
    if not counts.categories and rules.groups is None:
        share = f"{rules.min_category_share:g}"
        return f"all of its {counts.n_distinct:,} categories are rarer than {share} of its rows"
    if len(counts.categories) == 1 and not _total(apart):
        return "constant: all rows have one value"
    if rules.groups is not None:
        return grouped(counts.categories, rules, apart)
    return ordered_by_rate(counts.categories, rules, apart)


def ordered_by_rate(
    categories: Mapping[str, Pair], rules: BinningRules, apart: tuple[Pair, ...]
) -> CountedColumn:
    """Return a column of these categories, one at least, each of which has rows."""
    ordered = by_bad_rate(categories)
    good, bad = np.array([categories[name] for name in ordered]).T
    places = keys_of(np.arange(len(ordered), dtype=float))
    made = prebins(Cells(places, places, good, bad), rules)
    return CountedColumn(
        Problem(made, rules, _total(apart), is_ordered_by_rate=True), apart, ordered
    )


def grouped(
    categories: Mapping[str, Pair], rules: BinningRules, apart: tuple[Pair, ...]
) -> CountedColumn:
    """Return a column whose categories are grouped by rule."""
    groups = rules.groups or ()
    good, bad = np.array(
        [np.sum([categories.get(name, (0, 0)) for name in group], axis=0) for group in groups]
    ).T
    made = Prebins(np.arange(1.0, len(groups)), good, bad)
    return CountedColumn(Problem(made, rules, _total(apart)), apart, groups=groups)


def by_bad_rate(categories: Mapping[str, Pair]) -> tuple[str, ...]:
    """Return the categories by rising bad rate; equal rates in the order that pandas leaves them.

    OptBinning orders them by the same call, and where many are equal its order is no stable one.
    """
    good, bad = np.array(list(categories.values())).T
    rates = pandas.Series(bad / (good + bad), index=list(categories))
    return tuple(rates.sort_values().index)


def _total(pairs: tuple[Pair, ...]) -> int:
    return sum(good + bad for good, bad in pairs)


def _copies_target(column: CountedColumn) -> str:
    """Return how a column says the label; an empty text if it does not."""
    counts, (good, bad) = column.problem.prebins, column.counts
    is_mixed = (good > 0) & (bad > 0)
    if not is_mixed.any():
        return "target copy: its values tell goods from bads without error"
    [mixed] = np.nonzero(is_mixed[: len(counts.n_good)])
    if is_mixed.sum() == len(mixed) == 1:
        below, above = slice(None, mixed[0]), slice(mixed[0] + 1, len(counts.n_good))
        sides = [(good[side].sum(), bad[side].sum()) for side in (below, above)]
        (good_below, bad_below), (good_above, bad_above) = sides
        if (good_below and bad_above and not bad_below + good_above) or (
            bad_below and good_above and not good_below + bad_above
        ):
            return "target copy: all its pre-bins but one tell goods from bads without error"
    return ""


def _column_bins(name: str, column: CountedColumn, solution: Solution) -> ColumnBins:
    counts, rules = column.problem.prebins, column.problem.rules
    starts = np.append(0, np.flatnonzero(solution.is_split) + 1)
    values_good = np.add.reduceat(counts.n_good, starts)
    values_bad = np.add.reduceat(counts.n_bad, starts)
    good = np.append(values_good, [g for g, _ in column.apart])
    bad = np.append(values_bad, [b for _, b in column.apart])
    splits = counts.splits[solution.is_split]
    fitted = ColumnBins(
        column=name,
        kind="numeric",
        splits=tuple(splits.tolist()),
        groups=(),
        specials=tuple(rules.specials.items()),
        n_good=tuple(good.tolist()),
        n_bad=tuple(bad.tolist()),
        woe=tuple(weight_of_evidence(good, bad).tolist()),
        iv=information_value(good, bad),
        trend=trend_of(values_good, values_bad),
        status=solution.status,
        note=solution.note,
    )
    if not column.categories and not column.groups:
        return fitted
    groups = column.groups or _groups(column.categories, splits)
    return replace(fitted, kind="categorical", splits=(), groups=groups)


def _groups(
    categories: tuple[str, ...], splits: NDArray[np.float64]
) -> tuple[tuple[str, ...], ...]:
    group_of = np.digitize(np.arange(len(categories)), splits)
    return tuple(
        tuple(sorted(name for name, at in zip(categories, group_of, strict=True) if at == group))
        for group in range(len(splits) + 1)
    )
