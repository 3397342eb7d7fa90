"""Observations: the rows of any table with a good or bad outcome, read as configuration says.

What a table looks like is described, never guessed: which columns are numbers, which are
categories, which values of the target are good. Nothing is fitted here.
"""

import datetime
from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from penstock.annotations import Months
from penstock.columns import BROKEN_LINE, column_of
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.learn.folds import FOLD
from penstock.learn.outcome import check_values, outcome_of
from penstock.learn.pd_columns import LABEL, PD, SAMPLE, WEIGHT
from penstock.learn.reading import check_pattern, fault_of, faults_of_lines, number_of, text_of
from penstock.learn.text.scoring import TEXT_PD

UNFIT_LETTERS = frozenset(" ,;{}()\n\t=.`")
HASH_LETTERS = 32  # 128 bits: two rows that differ have one name once in 10^19 tables of 10^9 rows
ROW_ID, DATE, BAD_ON, AS_OF = "row_id", "observed_on", "bad_on", "as_of"
INDETERMINATE = "indeterminate"
# What is read of a scored table to judge the scores.
SCORED_COLUMNS = f"pd DOUBLE, {LABEL} INT, {DATE} DATE, {BAD_ON} DATE"
# What the stored table adds to the features; a feature of such a name would be overwritten.
RESERVED = (
    ROW_ID,
    LABEL,
    DATE,
    BAD_ON,
    AS_OF,
    INDETERMINATE,
    "fault",
    "raw",
    "group",
    SAMPLE,
    FOLD,
    WEIGHT,
    PD,
    "points",
    "model_version",
    TEXT_PD,
    *("features", "prediction", "probability", "rawprediction"),  # of the models on their way
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
    `fault` and left to the contract; rows whose outcome is indeterminate have a null `is_bad`, and
    are told apart by `indeterminate`.

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
        (DATE; null if the row is not bad, or the day is missing), `indeterminate` (STRING: why
        there is no `is_bad`, such as "outcome 'Current' is neither good nor bad"; null: there is
        one, or no target), `group` (STRING), the numeric features (DOUBLE), those that are texts
        (STRING, trimmed), `fault` (STRING: the first thing that cannot be read, such as "amount 'a
        lot' is no number"; null: nothing) and `raw` (the row as it came, as JSON, without the
        protected columns). Of a line of a CSV file whose fields are more or fewer than the columns,
        nothing can be read, and nothing is kept if there are protected columns.

    Raises:
        ConfigError: No features, a feature twice, under a reserved name or one that cannot be
            stored (`check_letters`), the target, its day, the key or a protected column among them,
            a protected column as key or group, a target without good or bad values, a value both
            good and bad or one that no row can have, a date format without a month, or `bad_date`
            or `performance_months` without `date`.
        DataError: A column that the table lacks.
    """
    features = [*numeric, *categorical, *text]
    _check_names(features, key, target, bad_date)
    _check_protected(protected, features, [*key, *group])
    check_values(target, good_values, bad_values, missing)
    check_pattern(date_format)
    for name, value in (("bad_date", bad_date), ("performance_months", performance_months)):
        if value and not date:
            raise ConfigError(
                f"'{name}' is '{value}', but no 'date' says from when on a row was watched."
            )
    named = [*filter(None, (target, date, bad_date))]
    check_columns(table, [*key, *features, *group, *named])
    texts = {name: column_of(f"text {name}") for name in dict.fromkeys([*features, *named])}
    days = {name: column_of(f"day {name}") for name in (date, bad_date)}
    no_day = F.lit(None).cast("date")
    # Step by step: what is named several times in one select is made anew each time.
    known = _as_texts(table, texts, key=key, group=group, missing=missing, protected=protected)
    known = known.select(
        "*",
        *(number_of(texts[name]).alias(name) for name in numeric),
        *(
            (F.try_to_date(texts[name], date_format) if name else no_day).alias(f"day {name}")
            for name in days
        ),
    )
    label, why = F.lit(None).cast("int"), F.lit(None).cast("string")
    if target:
        label, why = outcome_of(
            texts[target],
            days[date],
            days[bad_date],
            good_values=good_values,
            bad_values=bad_values,
            performance_months=performance_months,
            as_of=as_of,
        )
    faults = [
        F.col("`line fault`"),
        *(fault_of(name, texts[name], column_of(name), "number") for name in numeric),
        *(fault_of(name, texts[name], day, "day") for name, day in days.items() if name),
    ]
    columns = {
        ROW_ID: F.col(ROW_ID),
        LABEL: label,
        DATE: days[date],
        BAD_ON: F.when(label == 1, days[bad_date]),
        AS_OF: F.lit(as_of),
        INDETERMINATE: why,
        "group": F.col("group"),
        **{name: column_of(name) for name in numeric},
        **{name: texts[name] for name in (*categorical, *text)},
        "fault": F.coalesce(*faults, F.lit(None).cast("string")),
        "raw": F.col("raw"),
    }
    return known.select(*(column.alias(name) for name, column in columns.items()))


def _as_texts(
    table: DataFrame,
    names: Iterable[str],
    *,
    key: list[str],
    group: list[str],
    missing: list[str],
    protected: list[str],
) -> DataFrame:
    """Return of each row its name, its group, itself, what its line lacks, and columns as texts."""
    texts = {name: text_of(name, missing) for name in names}
    raw = F.to_json(F.struct(*(column_of(name) for name in table.columns if name not in protected)))
    if protected and BROKEN_LINE in table.columns:
        # Of a broken line nobody knows which value is which, and it is kept as a whole.
        is_sound = column_of(BROKEN_LINE).isNull()
        texts = {name: F.when(is_sound, text) for name, text in texts.items()}
        raw = F.when(is_sound, raw)
    return table.select(
        row_id(table, key).alias(ROW_ID),
        (_joined(group) if group else row_id(table, key)).alias("group"),
        raw.alias("raw"),
        F.coalesce(*faults_of_lines(table), F.lit(None).cast("string")).alias("line fault"),
        *(text.alias(f"text {name}") for name, text in texts.items()),
    )


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
    check_letters(features, called="Features")


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


def check_letters(names: list[str], *, called: str) -> None:
    """Refuse columns that cannot be stored, or modelled, by their names.

    Raises:
        ConfigError: One has a letter that Delta does not take in a name, or a dot, by which stages
            of pyspark.ml would take it for a field of a structure.
    """
    if unfit := sorted(name for name in names if UNFIT_LETTERS & set(name)):
        raise ConfigError(
            f"{called} cannot have a space, a dot, a backtick, or any of ,;{{}}()= in their names: "
            f"{', '.join(unfit)}. Give the columns other names in the file, or in the catalog "
            "(`columns:`)."
        )


def check_columns(table: DataFrame, names: list[str], *, called: str = "table") -> None:
    """Refuse columns that a table lacks.

    Raises:
        DataError: The first of them, with the nearest that the table has.
    """
    for name in names:
        if name not in table.columns:
            near = did_you_mean(name, table.columns)
            raise DataError(f"The {called} has no column '{name}'.{near}")


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
