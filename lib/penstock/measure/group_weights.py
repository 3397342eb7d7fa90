"""Weights by group and outcome: what reweighing made of the rows that a model was fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Table
from penstock.measure.decisions import MOST_CELLS
from penstock.measure.protected_groups import group_of
from penstock.measure.samples import DEVELOPMENT
from penstock.plural import plural

COLUMNS = ("group", "rows", "bad_rate", "weight_of_good", "weight_of_bad", "bad_rate_by_weight")


@dataclass(frozen=True)
class _Group:
    name: str
    goods: int
    bads: int

    @property
    def rows(self) -> int:
        return self.goods + self.bads


def weights_table(
    development: DataFrame, protected_table: DataFrame, attributes: Sequence[str], *, min_rows: int
) -> Table:
    """Return what goods and bads of each group weigh after reweighing, by one Spark query.

    Args:
        development: One row per row to fit on: `row_id`, `is_bad` (0 or 1) and `sample`, of which
            only "development" is reweighed.
        protected_table: From `read_protected`.
        attributes: What the rows were reweighed by, one at least.
        min_rows: Groups with fewer rows are not shown.

    Returns:
        The groups by name. A weight is null where the group has no such row; then the bad rate by
        weight is 0 or 1, and else that of all rows.

    Raises:
        DataError: There are more than 100,000 groups.

    Source:
        P(group) P(outcome) / P(group, outcome): Kamiran and Calders, Data preprocessing techniques
        for classification without discrimination, Knowledge and Information Systems 33 (2012).
    """
    groups = _counted(development, protected_table, attributes)
    goods, bads = sum(group.goods for group in groups), sum(group.bads for group in groups)
    shown = [group for group in groups if group.rows >= min_rows]
    fewer = len(groups) - len(shown)
    hidden = f"; not shown: {plural(fewer, 'group')} of fewer than {min_rows} rows" if fewer else ""
    return Table(
        f"Weights of development rows by {' and '.join(attributes)}{hidden}",
        COLUMNS,
        tuple(_row(group, goods, bads) for group in shown),
    )


def _counted(
    development: DataFrame, protected_table: DataFrame, attributes: Sequence[str]
) -> list[_Group]:
    of_attributes = (group_of(F.col("protected"), name) for name in attributes)
    counted = (
        development.where((F.col("sample") == DEVELOPMENT) & F.col("is_bad").isNotNull())
        .join(protected_table, "row_id", how="left")
        .groupBy(F.array(*of_attributes).alias("group"))
        .agg(F.count_if(F.col("is_bad") == 0), F.count_if(F.col("is_bad") == 1))
        .limit(MOST_CELLS + 1)
        .collect()
    )
    if len(counted) > MOST_CELLS:
        raise DataError(
            f"{' and '.join(attributes)} make more than {MOST_CELLS:,} groups to be reweighed: "
            "band numbers, or leave an attribute out."
        )
    return [_Group(" and ".join(group), *counts) for group, *counts in sorted(counted)]


def _row(group: _Group, goods: int, bads: int) -> tuple[str | float | None, ...]:
    share = group.rows / (goods + bads)
    of_good, of_bad = (
        share * of_all / of_group if of_group else None
        for of_all, of_group in ((goods, group.goods), (bads, group.bads))
    )
    by_weight = group.bads * (of_bad or 0.0), group.goods * (of_good or 0.0)
    rate = by_weight[0] / sum(by_weight)
    return (group.name, group.rows, group.bads / group.rows, of_good, of_bad, rate)
