"""The ranking of reasons: shortfalls of features to the families that weigh most. Columns only."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, StringType, StructField, StructType

REASON = StructType(
    [
        StructField("family", StringType()),
        StructField("feature", StringType()),
        StructField("text", StringType()),
        StructField("shortfall", DoubleType()),
    ]
)
"""A reason: its family, the feature of it that weighs most, its text, and how much it weighs."""
REASONS_TYPE = ArrayType(REASON)


def ranked(
    shortfalls: Mapping[str, Column],
    families: Mapping[str, str],
    texts: Mapping[str, str],
    most: int,
) -> Column:
    """Return the families that fall short, most of all first, as `REASONS_TYPE`.

    Args:
        shortfalls: Feature to how far it falls short of its reference: above 0 is worse.
        families: Feature to its family, whose shortfall is the sum of its features'.
        texts: Family to what an applicant is told.
        most: Greatest number of reasons; of equal ones the first by name counts.
    """
    by_family: dict[str, list[str]] = {}
    for feature in shortfalls:
        by_family.setdefault(families[feature], []).append(feature)
    entries = [
        _entry(family, texts[family], {name: shortfalls[name] for name in features})
        for family, features in by_family.items()
    ]
    # Sorted by their first field, then the next; a total above 0 has a part above 0.
    found = F.array_sort(F.filter(F.array(*entries), lambda e: e["order"] < 0))
    return F.transform(
        F.slice(found, 1, most), lambda e: F.struct(*(e[name].alias(name) for name in REASON.names))
    )


def _entry(family: str, text: str, parts: Mapping[str, Column]) -> Column:
    total = reduce(add, parts.values())
    return F.struct(
        (-total).alias("order"),
        F.lit(family).alias("family"),
        _greatest(parts).alias("feature"),
        F.lit(text).alias("text"),
        total.alias("shortfall"),
    )


def _greatest(parts: Mapping[str, Column]) -> Column:
    names: Sequence[str] = sorted(parts)
    if len(names) == 1:
        return F.lit(names[0])
    most = F.greatest(*parts.values())
    chosen = F.when(parts[names[0]] == most, F.lit(names[0]))
    for name in names[1:]:
        chosen = chosen.when(parts[name] == most, F.lit(name))
    return chosen
