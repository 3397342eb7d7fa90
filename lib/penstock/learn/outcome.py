"""The outcome of a row: good, bad, or why that is not known."""

import datetime

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.learn.reading import MOST_SHOWN


def outcome_of(
    value: Column,
    observed_on: Column,
    bad_on: Column,
    *,
    good_values: list[str],
    bad_values: list[str],
    performance_months: int | None,
    as_of: datetime.date,
) -> tuple[Column, Column]:
    """Return the outcome of a row, and why it is not known.

    Args:
        value: Value of the target, as text; null if it is missing.
        observed_on, bad_on: Days on which the row was observed and turned bad; null if unknown.
        good_values, bad_values, performance_months, as_of: As in `read_observations`.

    Returns:
        The label (INT: 0 = good, 1 = bad; null: not known), and why there is none (STRING; null if
        there is one). That a row is censored comes before what its outcome is so far, for that is
        no more than it can say yet.
    """
    label = F.when(value.isin(good_values), 0).when(value.isin(bad_values), 1)
    shown = F.left(value, F.lit(MOST_SHOWN))
    neither = F.concat(F.lit("outcome '"), shown, F.lit("' is neither good nor bad"))
    why = F.when(value.isNull(), "no outcome").otherwise(neither)
    if performance_months:
        end = F.add_months(observed_on, performance_months)
        at_end = F.when(bad_on > end, 0).otherwise(label)  # a bad row without a day stays bad
        label = F.when(end <= F.lit(as_of), at_end)
        why = (
            F.when(end.isNull(), "no day to count performance months from")
            .when(end > F.lit(as_of), f"performance months not over by {as_of}")
            .otherwise(why)
        )
    return label, F.when(label.isNull(), why)


def check_values(
    target: str, good_values: list[str], bad_values: list[str], missing: list[str]
) -> None:
    """Refuse values of a target by which no row, or each row twice, would have an outcome.

    Raises:
        ConfigError: There are none of one kind, one that no row can have, or one that is both.
    """
    no_outcome = {"", *(word.lower() for word in missing)}
    for name, values in (("good_values", good_values), ("bad_values", bad_values)):
        if target and not values:
            raise ConfigError(
                f"'target' is '{target}', but '{name}' is empty: name the values of it that are "
                f"{name.split('_')[0]}, as text."
            )
        # No row would have it, and those it was meant for would be left out.
        if never := [v for v in values if v != v.strip(" ") or v.lower() in no_outcome]:
            raise ConfigError(
                f"'{name}' has {never}, which no row can have: outcomes are read without blanks at "
                f"their ends, and those that are empty or in 'missing' ({', '.join(missing)}) are "
                "no outcomes. Take the value out of 'missing', or write another one into the table."
            )
    if both := sorted(set(good_values) & set(bad_values)):
        raise ConfigError(f"The target cannot be good and bad for the same value: {both}.")
