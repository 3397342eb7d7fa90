"""File sources: CSV, Parquet and number ranges. Reading only; a file is never written."""

from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from penstock.conf import CsvConf, ParquetConf, RangeConf
from penstock.errors import DataError

# Column that keeps the whole line where it does not fit the header; null for a sound line.
CORRUPT_RECORD = "_corrupt_record"


def read_csv(spark: SparkSession, name: str, conf: CsvConf) -> DataFrame:
    """Read a CSV file with a header, every column as STRING, broken lines in `_corrupt_record`.

    Empty fields are null. One small Spark job reads the header.

    Raises:
        DataError: The file is missing or holds not even a header.
    """
    must_exist(name, conf.path)
    reader = (
        spark.read.option("header", True)
        .option("sep", conf.delimiter)
        .option("escape", '"')
        .option("multiLine", False)
        # Pruned to a few columns, the parser would not see that a line has too many or too few.
        .option("columnPruning", False)
        # Else the columns of a second file go by their place, whatever its header calls them.
        .option("enforceSchema", False)
    )
    header = reader.csv(conf.path).columns
    if not header:
        raise DataError(
            f"The file {conf.path} of '{name}' is empty: it has no header. "
            f"Set catalog.{name}.path to the right file."
        )
    schema = StructType([StructField(column, StringType()) for column in header])
    lines = reader.option("columnNameOfCorruptRecord", CORRUPT_RECORD)
    table = lines.schema(schema.add(CORRUPT_RECORD, StringType())).csv(conf.path)
    return table if conf.filter == "true" else table.where(F.expr(conf.filter))


def read_parquet(spark: SparkSession, name: str, conf: ParquetConf) -> DataFrame:
    """Read a Parquet file or folder.

    Raises:
        DataError: It is missing or no Parquet.
    """
    must_exist(name, conf.path)
    try:
        return spark.read.parquet(conf.path)
    except AnalysisException as error:
        raise DataError(
            f"'{name}' cannot be read as Parquet from {conf.path}: {error.getCondition()}. "
            f"Set catalog.{name}.path to a Parquet file or folder."
        ) from error


def number_range(spark: SparkSession, conf: RangeConf) -> DataFrame:
    """Return the table of the numbers 0 to `rows - 1`, column `id` BIGINT."""
    return spark.range(conf.rows)


def must_exist(name: str, path: str) -> None:
    """Look whether a local file is there; of a pattern or a remote address only Spark can tell.

    Raises:
        DataError: It is missing.
    """
    local = path.removeprefix("file://")
    if "://" not in local and not set(local) & set("*?[{") and not Path(local).exists():
        raise DataError(
            f"The file {path} of '{name}' does not exist. Set catalog.{name}.path to the file, "
            f"e.g. --set catalog.{name}.path=/data/loans.csv."
        )
