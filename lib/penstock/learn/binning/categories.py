"""Categories: goods and bads of all categorical columns at once, in Spark, rare ones together."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.learn.binning.cells import Pair
from penstock.learn.binning.rules import BinningRules

IDENTIFIER_SHARE = 0.5
ALL_ARE_RARE = 2**62  # more rows than any category has


@dataclass(frozen=True)
class CategoryCounts:
    """Goods and bads of a categorical column.

    Attributes:
        categories: Name to counts, in alphabetical order; rare ones are in `others`.
        others: Categories too rare to stand alone, together.
        missing: Null and blank.
        specials: Each special code.
        n_distinct: Categories before rare ones were put together; special codes are none.
        n_known: Rows that have one of them.
    """

    categories: dict[str, Pair]
    others: Pair
    missing: Pair
    specials: tuple[Pair, ...]
    n_distinct: int
    n_known: int

    @property
    def is_identifier_like(self) -> bool:
        """Whether more than half of the rows would have a category of their own."""
        return _is_identifier_like(self.n_distinct, self.n_known)


def _is_identifier_like(n_distinct: int, n_known: int) -> bool:
    return n_distinct > IDENTIFIER_SHARE * n_known


def text_of(column: str) -> Column:
    """Return a column as its category: text without blanks at its ends, null if nothing is left."""
    return F.nullif(F.trim(F.col(column).cast("string")), F.lit(""))


def count_categories(
    rows: DataFrame, *, label: str, rules: Mapping[str, BinningRules]
) -> dict[str, CategoryCounts]:
    """Count categorical columns in one pass; Spark puts rare categories together.

    At most 10,000 categories of a column come to the driver, and none of an identifier-like one.

    Args:
        rows: `label` (0 or 1) and the columns that `rules` names.
        label: 1 is bad.
        rules: The rules of each column.
    """
    if not rules:
        return {}
    is_bad = F.col(label).cast("double") == 1
    values = [
        F.struct(F.lit(number).alias("column"), text_of(name).alias("category"))
        for number, name in enumerate(rules)
    ]
    counted = (
        rows.select(is_bad.alias("is_bad"), F.inline(F.array(*values)))
        .groupBy("column", "category")
        .agg(F.count_if(~F.col("is_bad")).alias("n_good"), F.count_if("is_bad").alias("n_bad"))
    )
    # Read twice: to know how many rows are rare, and to put them together.
    counted.persist()
    try:
        totals = _totals(counted, list(rules.values()))
        found = _folded(counted, list(rules.values()), totals)
    finally:
        counted.unpersist()
    return {
        name: _counts(found[number], rules[name], totals[number])
        for number, name in enumerate(rules)
    }


def _special_codes(rules: BinningRules) -> list[list[str]]:
    return [[str(code) for code in codes] for codes in rules.specials.values()]


def _is_one_of(named: list[list[str]]) -> Column:
    """Whether a row's category is among those named for its column."""
    found = F.lit(False)
    for number, categories in enumerate(named):
        if categories:
            found |= (F.col("column") == number) & F.col("category").isin(categories)
    return F.coalesce(found, F.lit(False))


def _is_known(rules: list[BinningRules]) -> Column:
    special = [sum(_special_codes(each), []) for each in rules]
    return F.col("category").isNotNull() & ~_is_one_of(special)


def _totals(counted: DataFrame, rules: list[BinningRules]) -> list[tuple[int, int]]:
    """Return distinct categories and rows that have one, by column."""
    n_rows = F.sum(F.col("n_good") + F.col("n_bad"))
    by_column = counted.where(_is_known(rules)).groupBy("column")
    found = by_column.agg(F.count(F.lit(1)).alias("n_distinct"), n_rows.alias("n_known"))
    totals = {row["column"]: (row["n_distinct"], row["n_known"]) for row in found.collect()}
    return [totals.get(number, (0, 0)) for number in range(len(rules))]


def _folded(
    counted: DataFrame, rules: list[BinningRules], totals: list[tuple[int, int]]
) -> list[dict[tuple[bool, str | None], Pair]]:
    """Return counts by column, (is rare, category); rare ones have no category."""
    least = [
        ALL_ARE_RARE
        if each.groups is not None or _is_identifier_like(*total)
        else ceil(each.min_category_share * total[1])
        for each, total in zip(rules, totals, strict=True)
    ]
    named = [[category for group in each.groups or () for category in group] for each in rules]
    too_few = F.col("n_good") + F.col("n_bad") < F.get(
        F.array(*(F.lit(n).cast("long") for n in least)), F.col("column")
    )
    is_rare = _is_known(rules) & too_few & ~_is_one_of(named)
    sums = counted.groupBy(
        "column", is_rare.alias("is_rare"), F.when(~is_rare, F.col("category")).alias("category")
    ).agg(F.sum("n_good").alias("n_good"), F.sum("n_bad").alias("n_bad"))
    found: list[dict[tuple[bool, str | None], Pair]] = [{} for _ in rules]
    for row in sums.collect():
        pair = row["n_good"], row["n_bad"]
        found[row["column"]][row["is_rare"], row["category"]] = pair
    return found


def _counts(
    found: dict[tuple[bool, str | None], Pair], rules: BinningRules, total: tuple[int, int]
) -> CategoryCounts:
    others, missing = found.pop((True, None), (0, 0)), found.pop((False, None), (0, 0))
    by_name = {str(category): pair for (_, category), pair in found.items()}
    specials = [[by_name.pop(code, (0, 0)) for code in codes] for codes in _special_codes(rules)]
    return CategoryCounts(
        categories=dict(sorted(by_name.items())),
        others=others,
        missing=missing,
        specials=tuple((sum(g for g, _ in pairs), sum(b for _, b in pairs)) for pairs in specials),
        n_distinct=total[0],
        n_known=total[1],
    )
