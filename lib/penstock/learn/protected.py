"""Protected attributes: kept in a table of their own, which no model is made of."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.observations import ROW_ID, check_columns, row_id
from penstock.learn.reading import text_of

PROTECTED_COLUMNS = f"{ROW_ID} STRING, protected MAP<STRING, STRING>"


def read_protected(
    table: DataFrame,
    *,
    key: list[str],
    protected: list[str],
    bands: dict[str, list[float]],
    missing: list[str],
) -> DataFrame:
    """Read the protected attributes of a table's rows, numbers in bands.

    Grain: one row per row of `table`, in and out.

    Args:
        table: The table that `read_observations` reads.
        key, missing: As there.
        protected: Columns of protected attributes; none: every row has an empty map.
        bands: Protected column that is a number to the limits of its bands, rising: [25, 60] makes
            "below 25", "25 to 60" (60 not in it) and "60 and above".

    Returns:
        `row_id` as in the observations, and `protected`: attribute to group, null where missing or,
        for bands, no number.

    Raises:
        ConfigError: Bands for a column that is not protected, or limits that do not rise.
        DataError: A column that the table lacks.
    """
    check_columns(table, [*key, *protected])
    _check_bands(protected, bands)
    texts = {name: text_of(name, missing) for name in protected}
    groups = [
        (F.lit(name), _band(text, bands[name]) if name in bands else text)
        for name, text in texts.items()
    ]
    if groups:
        attributes = F.create_map(*(part for pair in groups for part in pair))
    else:  # create_map() without entries would have no types
        attributes = F.from_json(F.lit("{}"), "MAP<STRING, STRING>")
    return table.select(row_id(table, key).alias(ROW_ID), attributes.alias("protected"))


def _check_bands(protected: Sequence[str], bands: dict[str, list[float]]) -> None:
    for name, limits in bands.items():
        if name not in protected:
            raise ConfigError(
                f"There are bands for '{name}', which is not among the protected columns."
                f"{did_you_mean(name, protected)}"
            )
        if not limits or sorted(set(limits)) != list(limits):
            raise ConfigError(f"The bands of '{name}' are {limits}; they must rise, one at least.")


def _band(text: Column, limits: Sequence[float]) -> Column:
    value = text.try_cast("double")
    band = F.when(value < limits[0], f"below {limits[0]:g}")
    for low, high in zip(limits, limits[1:], strict=False):
        band = band.when(value < high, f"{low:g} to {high:g}")
    # NaN is above everything in Spark.
    return band.when(value.isNotNull() & ~F.isnan(value), f"{limits[-1]:g} and above")
