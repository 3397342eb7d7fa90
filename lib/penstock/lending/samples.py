"""Samples: which loans teach a model, which calibrate it, which judge it."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError


def split_by_issue_date(
    features: DataFrame,
    *,
    train_until: datetime.date,
    calibration_until: datetime.date,
    test_from: datetime.date,
    test_until: datetime.date,
) -> tuple[DataFrame, DataFrame]:
    """Split labelled loans by issue date into a table to fit on and one out of time.

    Grain: one row per `loan_id`, in and out. A loan issued between `calibration_until` and
    `test_from`, after `test_until`, or on an unknown date is in neither table.

    A random split would put loans of one month on both sides and flatter the model, which is to be
    used on months to come. Even so the outcomes in `train` were not all known when the loans of
    `test` were issued, unless the gap before `test_from` is as long as the longest term.

    Args:
        features: Needs `issue_date`; every other column is kept.
        train_until: Last issue date of the development sample.
        calibration_until: Last issue date of the calibration sample, which follows it.
        test_from: First issue date out of time.
        test_until: Last issue date out of time.

    Returns:
        `train` with `sample` ("development" or "calibration"), and `test`.

    Raises:
        ConfigError: The dates are not in this order, so that samples would overlap or be empty.
    """
    if not train_until < calibration_until < test_from <= test_until:
        raise ConfigError(
            "The samples overlap or are empty: train_until < calibration_until < test_from <= "
            f"test_until does not hold for train_until={train_until}, "
            f"calibration_until={calibration_until}, test_from={test_from}, "
            f"test_until={test_until}. Mend these dates in the section split_by_issue_date of "
            "params.yaml."
        )
    issue_date = F.col("issue_date")
    is_development = issue_date <= F.lit(train_until)
    sample = F.when(is_development, "development").otherwise("calibration")
    train = features.where(issue_date <= F.lit(calibration_until)).withColumn("sample", sample)
    test = features.where(issue_date.between(F.lit(test_from), F.lit(test_until)))
    return train, test


def select_calibration(train: DataFrame) -> DataFrame:
    """Select the loans that calibrate the model: the last that are issued before it judges others.

    Grain: one row per `loan_id`, in and out; fewer rows out.

    Args:
        train: Needs `sample`, as `split_by_issue_date` gives it.

    Returns:
        Its rows of the calibration sample, without `sample`.
    """
    return train.where(F.col("sample") == "calibration").drop("sample")


def split_defaults(
    features: DataFrame,
    *,
    train_until: datetime.date,
    test_from: datetime.date,
    test_until: datetime.date,
) -> tuple[DataFrame, DataFrame]:
    """Split defaulted loans by issue date into a table to fit an LGD model on and one out of time.

    Grain: one row per `loan_id`, in and out. A loan issued between the two, after `test_until` or
    on an unknown date is in neither table. There is no calibration sample: a fractional logit's
    mean is that of the loans it is fitted on.

    Args:
        features: Needs `issue_date`; every other column is kept.
        train_until: Last issue date to fit on.
        test_from: First issue date out of time.
        test_until: Last issue date out of time. Of later loans, only early defaults are known.

    Raises:
        ConfigError: The dates are not in this order.
    """
    if not train_until < test_from <= test_until:
        raise ConfigError(
            "The samples of defaults overlap or are empty: train_until < test_from <= test_until "
            f"does not hold for train_until={train_until}, test_from={test_from}, "
            f"test_until={test_until}. Mend these dates in the section split_defaults of "
            "params.yaml."
        )
    issue_date = F.col("issue_date")
    train = features.where(issue_date <= F.lit(train_until))
    return train, features.where(issue_date.between(F.lit(test_from), F.lit(test_until)))
