"""The split of observations into rows to fit on, with sample, fold and weight, and to judge by."""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.learn.folds import FOLD, check_folds, fold_by_group, folds_by_date
from penstock.learn.observations import AS_OF, DATE, INDETERMINATE
from penstock.learn.pd_columns import LABEL, SAMPLE
from penstock.learn.reweighing import check_attributes, reweigh
from penstock.learn.sample import CALIBRATION, DEVELOPMENT

TEST = "test"
DRAWS = 1 << 53


def split_observations(
    observations: DataFrame,
    protected_table: DataFrame,
    *,
    by: str,
    date: str,
    test_from: datetime.date | None,
    test_until: datetime.date | None,
    calibration_from: datetime.date | None,
    test_share: float,
    calibration_share: float,
    folds: int,
    seed: int,
    reweigh_by: list[str],
    protected: list[str],
) -> tuple[DataFrame, DataFrame]:
    """Split labelled observations into a table to fit on and one to judge by.

    Grain: one row per `row_id`, in and out. Rows without an outcome are in neither table.

    Args:
        observations: As `read_observations` returns them.
        protected_table: As `read_protected` returns it; read only to reweigh.
        by: "date" judges by the latest rows, out of time, and leaves out rows without a date;
            "group" draws groups by the hash of their name, so that equal groups are never on both
            sides and a new row moves no other.
        date: For "date": the column that the days were read from; "": there are none.
        calibration_from, test_from, test_until: For "date": first days of the calibration rows and
            of those to judge by, and the last day of these; null with `by` "group".
        test_share, calibration_share: For "group": shares of all groups, 0-1.
        folds: Parts of the rows to fit on, which are held out in turn where a model is tuned or
            calibrated out of fold. By "date" they are parts of the development rows that follow
            each other in time, and calibration rows are one more; by "group" all are drawn.
        seed: For "group": another number, another draw.
        reweigh_by: Protected attributes whose groups, by all of them together, shall have one bad
            rate by weight among development rows (`reweigh`); none: rows are not weighed.
        protected: The protected attributes that there are.

    Returns:
        `train` with `sample` ("development" or "calibration") and `fold` (INT in 0..folds - 1; by
        "date" it is `folds` for calibration) and, if reweighed, `sample_weight`; and `test`.

    Raises:
        ConfigError: `by` is neither, or "date" where rows have no days; dates or shares leave a
            sample empty, `folds` is below 2, or rows are to be reweighed by what is not protected,
            or by one attribute twice.
    """
    check_folds(folds)
    check_attributes(reweigh_by, protected)
    is_known = F.col(LABEL).isNotNull()
    labelled = observations.where(is_known).drop(AS_OF, INDETERMINATE, "fault", "raw")
    if by == "date":
        sample = _sample_by_date(date, calibration_from, test_from, test_until)
    elif by == "group":
        sample = _sample_by_group(test_share, calibration_share, seed)
    else:
        raise ConfigError(f"Parameter 'by' is '{by}'; it must be 'date' or 'group'.")
    sampled = labelled.withColumn(SAMPLE, sample)
    train = sampled.where(F.col(SAMPLE).isin(DEVELOPMENT, CALIBRATION))
    if by == "date":
        is_development = F.col(SAMPLE) == DEVELOPMENT
        of_days = folds_by_date(train.where(is_development), date=DATE, folds=folds)
        train = train.join(F.broadcast(of_days), DATE, how="left")
        train = train.withColumn(FOLD, F.when(is_development, F.col(FOLD)).otherwise(folds))
    else:
        train = train.withColumn(FOLD, fold_by_group("group", folds=folds, seed=seed))
    train = train.select(*sampled.columns, FOLD)
    if reweigh_by:
        train = reweigh(train, protected_table, attributes=reweigh_by)
    return train, sampled.where(F.col(SAMPLE) == TEST).drop(SAMPLE)


def _sample_by_date(
    date: str,
    calibration_from: datetime.date | None,
    test_from: datetime.date | None,
    test_until: datetime.date | None,
) -> Column:
    if not date:
        raise ConfigError(
            "To split by date, rows need days: name the column of the day a row was observed "
            "(read_observations.date), or split by group."
        )
    days = calibration_from, test_from, test_until
    if None in days or not (calibration_from < test_from <= test_until):  # type: ignore[operator]
        raise ConfigError(
            "To split by date, calibration_from < test_from <= test_until must hold, not "
            f"{calibration_from}, {test_from}, {test_until}: a sample would be empty."
        )
    day = F.col(DATE)
    return (
        F.when(day < F.lit(calibration_from), DEVELOPMENT)
        .when(day < F.lit(test_from), CALIBRATION)
        .when(day <= F.lit(test_until), TEST)
    )


def _sample_by_group(test_share: float, calibration_share: float, seed: int) -> Column:
    if not (test_share > 0 and calibration_share > 0 and test_share + calibration_share < 1):
        raise ConfigError(
            f"test_share {test_share} and calibration_share {calibration_share} must both be above "
            "0 and below 1 together: a sample would be empty."
        )
    drawn = F.pmod(F.xxhash64(F.lit(seed), "group"), F.lit(DRAWS)) / DRAWS
    return (
        F.when(drawn < test_share, TEST)
        .when(drawn < test_share + calibration_share, CALIBRATION)
        .otherwise(DEVELOPMENT)
    )
