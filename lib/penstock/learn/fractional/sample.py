"""The defaults a fractional logit is fitted on: what must hold of them, what their values are."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.errors import DataError
from penstock.learn.fractional.design import CategoryTerms, FractionalDesign, NumberTerms, level_of
from penstock.learn.fractional.splines import KNOT_QUANTILES

MEDIAN = 0.5


def design_of(
    rows: DataFrame,
    *,
    ratio: str,
    label: str,
    numeric: Sequence[str],
    categorical: Sequence[str],
    knots: int,
) -> tuple[FractionalDesign, int]:
    """Return the terms of the features on these defaults, and how many these are.

    Runs one Spark query of one row.

    Knots that fall on one value are one knot; a number with less than three is a straight line.

    Args:
        rows: One row per default.
        ratio: What the model predicts, as in the error.
        label: Column of the realised share, 0-1.
        numeric: Numeric or boolean features; null and NaN are missing.
        categorical: Features that are read as text.
        knots: How many there are for each number.

    Raises:
        DataError: There are no rows, a label is missing or outside 0-1, a value is infinite, or a
            number has no value at all. All faults at once.
    """
    quantiles = (0.0, MEDIAN, 1.0, *KNOT_QUANTILES[knots])
    [found] = rows.agg(*_counted(label), *_described(numeric, categorical, quantiles)).collect()
    faults = _faults(found, label, numeric)
    if faults:
        raise DataError(
            f"Cannot fit the {ratio.upper()} model on these defaults: {'; '.join(faults)}."
        )
    design = FractionalDesign(
        tuple(_number(found, name) for name in numeric),
        tuple(CategoryTerms(name, tuple(sorted(found[f"levels {name}"]))) for name in categorical),
    )
    return design, int(found["rows"])


def _counted(label: str) -> list[Column]:
    share = column_of(label).cast("double")
    is_known = share.isNotNull() & ~F.isnan(share)
    return [
        F.count(F.lit(1)).alias("rows"),
        F.count_if(~is_known).alias("unlabelled"),
        F.count_if(is_known & ~share.between(0, 1)).alias("outside"),
    ]


def _described(
    numeric: Sequence[str], categorical: Sequence[str], quantiles: Sequence[float]
) -> list[Column]:
    described = []
    for name in numeric:
        value = column_of(name).cast("double")
        known = F.when(~F.isnan(value), value)
        described += [
            F.count(known).alias(f"known {name}"),
            F.count_if(F.abs(value) == float("inf")).alias(f"infinite {name}"),
            # Exact: an approximation would depend on the order of partitions.
            F.percentile(known, list(quantiles)).alias(f"quantiles {name}"),
        ]
    return described + [F.collect_set(level_of(n)).alias(f"levels {n}") for n in categorical]


def _faults(found: Row, label: str, numeric: Sequence[str]) -> list[str]:
    if not found["rows"]:
        return ["there are none"]
    faults = [
        f"{found[what]:,} have {label} {said}"
        for what, said in (("unlabelled", "null or NaN"), ("outside", "outside 0-1"))
        if found[what]
    ]
    faults += [
        f"{n:,} have an infinite {name}" for name in numeric if (n := found[f"infinite {name}"])
    ]
    faults += [f"feature '{n}' has no value in any" for n in numeric if not found[f"known {n}"]]
    return faults


def _number(found: Row, name: str) -> NumberTerms:
    low, median, high, *knots = found[f"quantiles {name}"]
    has_gaps = found[f"known {name}"] < found["rows"]
    return NumberTerms(name, median, low, high, tuple(sorted(set(knots))), has_gaps)
