"""What Kedro's catalog checks whenever a dataset is loaded or saved."""

from pyspark.sql import DataFrame

from kedro_lending.stages import FEATURES


def has_features(loans: DataFrame) -> DataFrame:
    """Pass a table that has all features on; refuse another."""
    missing = [name for name in FEATURES if name not in loans.columns]
    if missing:
        raise ValueError(f"The features {', '.join(missing)} are missing.")
    return loans
