"""The sample a model is fitted on: what must hold before fitting is worth its time."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from penstock.errors import DataError

DEVELOPMENT = "development"
CALIBRATION = "calibration"


def check_sample(
    rows: DataFrame,
    *,
    sample: str,
    label: str,
    numeric: Sequence[str],
    categorical: Sequence[str],
    needs_values: bool = True,
) -> dict[str, int]:
    """Refuse a sample that no model can be fitted on; return how many rows each part has.

    Runs one Spark query, which returns at most two rows.

    Args:
        rows: One row per loan, with the columns named below.
        sample: Column with the part of the row: "development" and "calibration" are used, others
            are left alone.
        label: Column of the label: 0 = good, 1 = bad.
        numeric: Columns whose infinite values are refused and whose NaN counts as missing.
        categorical: Columns that are read as text.
        needs_values: Whether a feature without a value in development is a fault.

    Raises:
        DataError: A part has no rows or one class only, a label is missing or neither 0 nor 1, a
            value is infinite, or a feature has no value in development. All faults at once.
    """
    checks = _checks(label=label, numeric=numeric, categorical=categorical)
    used = rows.where(F.col(sample).isin(DEVELOPMENT, CALIBRATION))
    found = used.groupBy(F.col(sample).alias("part")).agg(*checks).collect()
    by_part = {row["part"]: row for row in found}
    faults: list[str] = []
    for part in (DEVELOPMENT, CALIBRATION):
        if part not in by_part:
            faults.append(f"no row has {sample} = '{part}'")
            continue
        faults += _label_faults(by_part[part], label=label)
        faults += [
            f"{n:,} {part} rows have an infinite {name}"
            for name in numeric
            if (n := by_part[part][f"infinite {name}"])
        ]
    if needs_values and DEVELOPMENT in by_part:
        faults += [
            f"feature '{name}' has no value in any {DEVELOPMENT} row"
            for name in (*numeric, *categorical)
            if not by_part[DEVELOPMENT][f"known {name}"]
        ]
    if faults:
        raise DataError(f"Cannot fit on this sample: {'; '.join(faults)}.")
    return {part: int(counted["loans"]) for part, counted in by_part.items()}


def _checks(*, label: str, numeric: Sequence[str], categorical: Sequence[str]) -> list[Column]:
    is_bad = F.col(label).cast("double")
    checks = {
        "loans": F.count(F.lit(1)),
        "goods": F.count_if(is_bad == 0),
        "bads": F.count_if(is_bad == 1),
        "unlabelled": F.count_if(is_bad.isNull()),
    }
    for name in numeric:
        value = F.col(name).cast("double")
        checks[f"known {name}"] = F.count_if(value.isNotNull() & ~F.isnan(value))
        checks[f"infinite {name}"] = F.count_if(F.abs(value) == float("inf"))
    for name in categorical:
        checks[f"known {name}"] = F.count_if(F.trim(F.col(name).cast("string")) != "")
    return [check.alias(name) for name, check in checks.items()]


def _label_faults(counted: Row, *, label: str) -> list[str]:
    part: Any = counted["part"]
    faults = []
    if counted["unlabelled"]:
        faults.append(f"{counted['unlabelled']:,} {part} rows have no {label}")
    other = counted["loans"] - counted["goods"] - counted["bads"] - counted["unlabelled"]
    if other:
        faults.append(f"{other:,} {part} rows have {label} neither 0 nor 1")
    for kind, name in (("goods", 0), ("bads", 1)):
        if not counted[kind]:
            faults.append(f"no {part} row has {label} = {name}, and both classes are needed")
    return faults
