"""Folds: parts of the rows to fit on that are held out in turn, as a column."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.errors import ConfigError, did_you_mean

FOLD = "fold"
FOLDS_BY = ("date", "group")
LEAST_FOLDS = 2
_DRAW = "fold"  # told apart from other draws by the same seed


def check_folds(folds: int) -> None:
    """Refuse a number of folds that leaves nothing to hold out.

    Raises:
        ConfigError: It is below 2.
    """
    if folds < LEAST_FOLDS:
        raise ConfigError(f"Parameter 'folds' is {folds}; it must be {LEAST_FOLDS} or more.")


def check_folds_by(folds_by: str) -> None:
    """Refuse a way of making folds that does not exist.

    Raises:
        ConfigError: It is neither "date" nor "group".
    """
    if folds_by not in FOLDS_BY:
        raise ConfigError(
            f"Parameter 'folds_by' is '{folds_by}'; it must be {' or '.join(FOLDS_BY)}, as the "
            f"folds were made.{did_you_mean(folds_by, FOLDS_BY)}"
        )


def fold_by_group(group: str, *, folds: int, seed: int) -> Column:
    """Return the fold of a row, INT in 0..folds - 1, drawn by the hash of its group.

    Equal groups are in one fold, and a new row moves no other.
    """
    return F.pmod(F.xxhash64(F.lit(seed), F.lit(_DRAW), group), F.lit(folds)).cast("int")


def folds_by_date(days: DataFrame, *, date: str, folds: int) -> DataFrame:
    """Return the fold of each day: folds follow each other in time and are about equally large.

    Grain: one row per day, with `date` (DATE) and `fold` (INT in 0..folds - 1). No day is torn: it
    belongs to the fold in which the middle of its rows lies, so that folds differ in size, or stay
    empty, where many rows share a day.

    Args:
        days: One row per row to be held out, with the column `date`; rows without a day are in no
            fold.
    """
    counted = days.where(F.col(date).isNotNull()).groupBy(date).agg(F.count("*").alias("n"))
    # Over one row for each day, however many rows there are.
    all_days = Window.partitionBy(F.lit(0)).orderBy(date)
    until = F.sum("n").over(all_days.rowsBetween(Window.unboundedPreceding, 0))
    total = F.sum("n").over(
        all_days.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    middle = until - F.col("n") / 2
    return counted.select(date, F.floor(middle * folds / total).cast("int").alias(FOLD))
