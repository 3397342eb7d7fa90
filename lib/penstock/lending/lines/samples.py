"""Samples of defaulted lines: which teach the CCF model and the EAD factor, which judge them."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.lending.lines.checks import CCF, EAD_FACTOR


def split_line_defaults(
    line_defaults: DataFrame,
    *,
    train_until: datetime.date,
    test_from: datetime.date,
    test_until: datetime.date,
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Split defaulted lines by time into those to learn from and those that judge.

    Grain: one row per `line_id` and `default_month`, in and out. A line that judges is looked at
    when all defaults that were learnt from had happened. One in between, of an unknown basis, or
    that defaulted after `test_until` is in no table.

    Args:
        line_defaults: Columns of `checks.LINE_DEFAULT_COLUMNS`.
        train_until: Last `default_month` to learn from.
        test_from: First `reference_month` out of time.
        test_until: Last `default_month` out of time.

    Returns:
        `ccf_train` (lines with a realised CCF), `drawn_train` (lines near their limit, for the EAD
        factor) and `line_test` (both).

    Raises:
        ConfigError: The dates are not in this order.
    """
    if not train_until <= test_from < test_until:
        raise ConfigError(
            "The samples of defaulted lines overlap or are empty: train_until <= test_from < "
            f"test_until does not hold for train_until={train_until}, test_from={test_from}, "
            f"test_until={test_until}. Mend these dates in the section split_line_defaults of "
            "params.yaml."
        )
    basis = F.col("basis")
    train = line_defaults.where(F.col("default_month") <= F.lit(train_until))
    is_judge = (F.col("reference_month") >= F.lit(test_from)) & (
        F.col("default_month") <= F.lit(test_until)
    )
    judges = line_defaults.where(is_judge & basis.isin(CCF, EAD_FACTOR))
    return train.where(basis == CCF), train.where(basis == EAD_FACTOR), judges
