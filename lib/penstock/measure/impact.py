"""Adverse impact of rules: of each attribute, the group that a rule approves least beside the most.

For many rules at once, such as the cut-offs of a curve, in one query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.cells import grouped
from penstock.measure.fairness import ratio_interval

GROUPS = "groups ARRAY<STRUCT<attribute: STRING, group: STRING>>"
MOST_GROUPS = 10_000


@dataclass(frozen=True)
class Impact:
    """The group of an attribute that fares worst by a rule.

    Attributes:
        attribute: What groups are told apart by.
        group: The one that is approved least; of equal ones the first by name. Empty where all fare
            alike.
        reference: The one that is approved most; empty with the group.
        ratio: Approval rate of the group / that of the reference; None if nobody is approved.
        low: Lower bound of its interval, of these two groups alone; None with the ratio, and where
            all fare alike.
        high: Upper bound of the same.
    """

    attribute: str
    group: str
    reference: str
    ratio: float | None
    low: float | None
    high: float | None


def impacts(
    judged: DataFrame, rules: Sequence[Column], *, min_loans: int, level: float
) -> list[dict[str, Impact]]:
    """Return the worst group of each attribute by each rule, by attribute in order of the names.

    Runs one Spark query, of a row for each group. An attribute with fewer than two groups of enough
    loans has none.

    Args:
        judged: One row per loan, with the column `GROUPS`: attributes and the groups it is of.
        rules: What each of them approves; null is no approval.
        min_loans: Smaller groups are left out.
        level: Confidence of the intervals, 0-1.

    Raises:
        DataError: More groups than can be compared.

    Source:
        Adverse impact ratio: 29 CFR 1607.4 D; its interval as in `compare_groups`.
    """
    named = [rule.alias(f"_rule_{n}") for n, rule in enumerate(rules)]
    approved = [F.count_if(f"_rule_{n}") for n in range(len(rules))]
    of_groups = (
        judged.select(F.inline("groups"), *named)
        .groupBy("attribute", "group")
        .agg(F.count(F.lit(1)).alias("loans"), F.array(*approved).alias("approved"))
        .where(F.col("loans") >= max(min_loans, 1))
        .orderBy("attribute", "group")
        .limit(MOST_GROUPS + 1)
        .collect()
    )
    if len(of_groups) > MOST_GROUPS:
        raise DataError(
            f"The attributes whose approval rates are compared have more than {MOST_GROUPS:,} "
            "groups: name other ones under params.value_loans.attributes, or raise min_loans."
        )
    by_attribute = grouped(of_groups, lambda row: row["attribute"])
    return [
        {
            attribute: _impact(attribute, groups, rule, level)
            for attribute, groups in by_attribute.items()
            if len(groups) > 1
        }
        for rule in range(len(rules))
    ]


def worst(by_attribute: Mapping[str, Impact]) -> Impact | None:
    """Return the least ratio of all attributes; None where there is none."""
    known = [impact for impact in by_attribute.values() if impact.ratio is not None]
    return min(known, key=lambda impact: impact.ratio or 0.0, default=None)


def _impact(attribute: str, groups: Sequence[Row], rule: int, level: float) -> Impact:
    rates = np.array([row["approved"][rule] / row["loans"] for row in groups])
    least, most = groups[int(rates.argmin())], groups[int(rates.argmax())]
    if rates.min() == rates.max():
        return Impact(attribute, "", "", 1.0 if rates.max() else None, None, None)
    of_groups = ((row["approved"][rule], row["loans"]) for row in (least, most))
    low, high = ratio_interval(*of_groups, level=level)
    ratio = float(rates.min() / rates.max())
    return Impact(attribute, least["group"], most["group"], ratio, low, high)
