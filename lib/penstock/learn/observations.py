"""Observations: the rows of any table with a good or bad outcome, read as configuration says.

What a table looks like is described, never guessed: which columns are numbers, which are
categories, which values of the target are good. Nothing is fitted here.
"""

import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.annotations import Months
from penstock.columns import column_of
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.learn.folds import FOLD, check_folds, fold_by_group, folds_by_date
from penstock.learn.pd_columns import LABEL, PD, SAMPLE
from penstock.learn.sample import CALIBRATION, DEVELOPMENT
from penstock.learn.text.scoring import TEXT_PD

TEST = "test"
MOST_SHOWN = 40  # letters of a value that cannot be read
HASH_LETTERS = 32  # 128 bits: two rows that differ have one name once in 10^19 tables of 10^9 rows
DRAWS = 1 << 53
ROW_ID, DATE, BAD_ON, AS_OF = "row_id", "observed_on", "bad_on", "as_of"
# What is read of a scored table to judge the scores.
SCORED_COLUMNS = f"pd DOUBLE, {LABEL} INT, {DATE} DATE, {BAD_ON} DATE"
# What the stored table adds to the features; a feature of such a name would be overwritten.
RESERVED = (
    ROW_ID,
    LABEL,
    DATE,
    BAD_ON,
    AS_OF,
    "fault",
    "raw",
    "group",
    SAMPLE,
    FOLD,
    PD,
    "points",
    "model_version",
    TEXT_PD,
)


def read_observations(
    table: DataFrame,
    *,
    key: list[str],
    target: str,
    good_values: list[str],
    bad_values: list[str],
    date: str,
    date_format: str,
    bad_date: str,
    performance_months: Months | None,
    numeric: list[str],
    categorical: list[str],
    text: list[str],
    group: list[str],
    missing: list[str],
    protected: list[str],
    as_of: datetime.date,
) -> DataFrame:
    """Read a table as observations: a key, an outcome, a date and typed features.

    Grain: one row per row of `table`, in and out. Rows that cannot be used are told apart by
    `fault` and left to the contract; rows whose outcome is indeterminate have a null `is_bad`.

    Args:
        table: Needs every column named below, of any type that reads as text.
        key: Columns that identify a row together; empty: the whole row does, and its copies are
            numbered.
        target: Column with the outcome; empty: there is none yet, as of applications.
        good_values, bad_values: Values of the target that mean good and bad, as text. Any other
            value, and a missing one, is indeterminate.
        date: Column with the day on which the row was observed; empty: there is none.
        date_format: How days are written, as Spark's date patterns have it.
        bad_date: Column with the day on which a bad row turned bad; empty: there is none. It is of
            use for vintage curves and `performance_months`.
        performance_months: Months from `date` on in which the outcome shows, >= 1. A row whose
            months are not over by `as_of` is censored: its outcome is indeterminate, good or bad.
            One that turned bad after them is good. None: outcomes count as they stand.
        numeric: Features that are numbers.
        categorical: Features that are texts of few kinds.
        text: Features that are texts in the applicant's words.
        group: Columns whose equal values belong together when rows are split; they need be no
            features. Empty: each row is a group of its own.
        missing: Texts that stand for a missing value, compared trimmed and in lower case; "" too.
        protected: Columns that may not decide, and so cannot be features.
        as_of: Day the run stands for; the contract lets no row pass that was observed after it.

    Returns:
        `row_id` (STRING), `is_bad` (INT: 0, 1, null), `observed_on` and `as_of` (DATE), `bad_on`
        (DATE; null if the row is not bad, or the day is missing), `group` (STRING), the numeric
        features (DOUBLE), those that are texts (STRING, trimmed), `fault` (STRING: the first thing
        that cannot be read, such as "amount 'a lot' is no number"; null: nothing) and `raw` (the
        row as it came, as JSON, without the protected columns).

    Raises:
        ConfigError: No features, a feature twice, under a reserved name or with a dot or a backtick
            in its name, the target, its day, the key or a protected column among them, a protected
            column as key or group, a value both good and bad, or `bad_date` or
            `performance_months` without `date`.
        DataError: A column that the table lacks.
    """
    features = [*numeric, *categorical, *text]
    _check_names(features, key, target, bad_date)
    _check_protected(protected, features, [*key, *group])
    _check_values(good_values, bad_values)
    for name, value in (("bad_date", bad_date), ("performance_months", performance_months)):
        if value and not date:
            raise ConfigError(
                f"'{name}' is '{value}', but no 'date' says from when on a row was watched."
            )
    named = [*filter(None, (target, date, bad_date))]
    _check_columns(table, [*key, *features, *group, *named])
    texts = {name: text_of(name, missing) for name in {*features, *named}}
    numbers = {name: texts[name].try_cast("double") for name in numeric}
    days = {
        name: F.try_to_date(texts[name], date_format) if name else F.lit(None).cast("date")
        for name in (date, bad_date)
    }
    outcome = _label(texts[target], good_values, bad_values) if target else F.lit(None)
    label = outcome.cast("int")
    if performance_months:
        label = _performed(label, days[date], days[bad_date], performance_months, as_of)
    faults = [
        *(_fault(name, texts[name], numbers[name], "number") for name in numeric),
        *(_fault(name, texts[name], day, "day") for name, day in days.items() if name),
    ]
    columns = {
        ROW_ID: row_id(table, key),
        LABEL: label,
        DATE: days[date],
        BAD_ON: F.when(label == 1, days[bad_date]),
        AS_OF: F.lit(as_of),
        "group": _joined(group) if group else row_id(table, key),
        **numbers,
        **{name: texts[name] for name in (*categorical, *text)},
        "fault": F.coalesce(*faults, F.lit(None).cast("string")),
        "raw": F.to_json(
            F.struct(*(column_of(name) for name in table.columns if name not in protected))
        ),
    }
    return table.select(*(column.alias(name) for name, column in columns.items()))


def split_observations(
    observations: DataFrame,
    *,
    by: str,
    test_from: datetime.date | None,
    test_until: datetime.date | None,
    calibration_from: datetime.date | None,
    test_share: float,
    calibration_share: float,
    folds: int,
    seed: int,
) -> tuple[DataFrame, DataFrame]:
    """Split labelled observations into a table to fit on and one to judge by.

    Grain: one row per `row_id`, in and out. Rows without an outcome are in neither table.

    Args:
        observations: As `read_observations` returns them.
        by: "date" judges by the latest rows, out of time, and leaves out rows without a date;
            "group" draws groups by the hash of their name, so that equal groups are never on both
            sides and a new row moves no other.
        calibration_from, test_from, test_until: For "date": first days of the calibration rows and
            of those to judge by, and the last day of these; null with `by` "group".
        test_share, calibration_share: For "group": shares of all groups, 0-1.
        folds: Parts of the rows to fit on, which are held out in turn where a model is tuned or
            calibrated out of fold. By "date" they are parts of the development rows that follow
            each other in time, and calibration rows are one more; by "group" all are drawn.
        seed: For "group": another number, another draw.

    Returns:
        `train` with `sample` ("development" or "calibration") and `fold` (INT in 0..folds - 1; by
        "date" it is `folds` for calibration), and `test`.

    Raises:
        ConfigError: `by` is neither, dates or shares leave a sample empty, or `folds` is below 2.
    """
    check_folds(folds)
    labelled = observations.where(F.col(LABEL).isNotNull()).drop(AS_OF, "fault", "raw")
    if by == "date":
        sample = _sample_by_date(calibration_from, test_from, test_until)
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
    columns = [*sampled.columns, FOLD]
    return train.select(*columns), sampled.where(F.col(SAMPLE) == TEST).drop(SAMPLE)


def _check_names(features: list[str], key: list[str], target: str, bad_date: str) -> None:
    if not features:
        raise ConfigError(
            "There are no features: name some under 'numeric', 'categorical' or 'text'."
        )
    # To Spark and Delta, names that differ in case alone are one.
    lower = [name.lower() for name in features]
    twice = sorted({name for name in features if lower.count(name.lower()) > 1})
    if twice:
        raise ConfigError(f"Features are named twice: {', '.join(twice)}.")
    if outside := sorted({target, bad_date, *key} & set(features)):
        raise ConfigError(
            f"Target, its day and key cannot be features as well: {', '.join(outside)}."
        )
    if reserved := sorted(name for name in features if name.lower() in RESERVED):
        raise ConfigError(
            f"Features bear names that the stored table needs: {', '.join(reserved)}. Give the "
            "columns other names in the catalog (`columns:`)."
        )
    # Stages of pyspark.ml take a name with a dot for a field of a structure.
    if split := sorted(name for name in features if {".", "`"} & set(name)):
        raise ConfigError(
            f"Features cannot have a dot or a backtick in their names: {', '.join(split)}. Give "
            "the columns other names in the file, or in the catalog (`columns:`)."
        )


def _check_protected(protected: list[str], features: list[str], stored: list[str]) -> None:
    if deciding := sorted(set(protected) & set(features)):
        raise ConfigError(
            f"Protected columns cannot be features: {', '.join(deciding)}. Take them out of "
            "'numeric', 'categorical' and 'text'; the fairness audit reads them from a table of "
            "their own."
        )
    if named := sorted(set(protected) & set(stored)):
        raise ConfigError(
            f"Protected columns can be neither key nor group: {', '.join(named)}. Both are stored "
            "in tables that others than the fairness audit read."
        )


def _check_values(good_values: list[str], bad_values: list[str]) -> None:
    if both := sorted(set(good_values) & set(bad_values)):
        raise ConfigError(f"The target cannot be good and bad for the same value: {both}.")


def _check_columns(table: DataFrame, names: list[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise DataError(f"The table has no column '{name}'.{did_you_mean(name, table.columns)}")


def text_of(name: str, missing: list[str]) -> Column:
    """Return a column as trimmed text; null where its text stands for nothing."""
    text = F.trim(column_of(name).cast("string"))
    return F.when(~F.lower(text).isin("", *(word.lower() for word in missing)), text)


def _label(target: Column, good_values: list[str], bad_values: list[str]) -> Column:
    return F.when(target.isin(good_values), 0).when(target.isin(bad_values), 1)


def _performed(
    label: Column, observed_on: Column, bad_on: Column, months: int, as_of: datetime.date
) -> Column:
    end = F.add_months(observed_on, months)
    at_end = F.when(bad_on > end, 0).otherwise(label)  # a bad row without a day stays bad
    return F.when(end <= F.lit(as_of), at_end)


def _fault(name: str, text: Column, value: Column, kind: str) -> Column:
    is_unread = text.isNotNull() & (value.isNull() | (F.abs(value) == float("inf")))
    if kind == "day":
        is_unread = text.isNotNull() & value.isNull()
    said = F.concat(F.lit(f"{name} '"), F.left(text, F.lit(MOST_SHOWN)), F.lit(f"' is no {kind}"))
    return F.when(is_unread, said)


def row_id(table: DataFrame, key: list[str]) -> Column:
    """Return the name of a row: its key, or the hash of all of it and the number of the copy."""
    if key:
        return _joined(key)
    whole = F.sha2(F.to_json(F.struct(*map(column_of, table.columns))), 256)
    # Copies of a row are alike, so it does not matter which of them gets which number.
    copy = F.row_number().over(Window.partitionBy(whole).orderBy(F.lit(0)))
    return F.concat_ws("-", F.left(whole, F.lit(HASH_LETTERS)), copy)


def _joined(names: list[str]) -> Column:
    if len(names) == 1:
        return column_of(names[0]).cast("string")
    # As JSON, for no separator is safe: the parts are texts of any kind.
    return F.to_json(F.array(*(column_of(name).cast("string") for name in names)))


def _sample_by_date(
    calibration_from: datetime.date | None,
    test_from: datetime.date | None,
    test_until: datetime.date | None,
) -> Column:
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
