"""File sources: CSV, Parquet and number ranges. Reading only; a file is never written."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from penstock.conf import CsvConf, ParquetConf, RangeConf
from penstock.errors import DataError

# Column that keeps the whole line where it does not fit the header; null for a sound line.
CORRUPT_RECORD = "_corrupt_record"

# As they are written in the catalog; the YAML of a bare | would be something else.
DELIMITERS = (";", r"\t", "|", ",")


def read_csv(spark: SparkSession, name: str, conf: CsvConf) -> DataFrame:
    """Read a CSV file with a header, every column as STRING, broken lines in `_corrupt_record`.

    Empty fields are null. One or two small Spark jobs read the header.

    Raises:
        DataError: The file is missing or empty, or its header has another delimiter, a column
            without a name or a name that stands twice.
    """
    must_exist(name, conf.path)
    header = _reader(spark, conf).csv(conf.path).columns
    if not header:
        raise DataError(
            f"The file {conf.path} of '{name}' is empty: it has no header. "
            f"Set catalog.{name}.path to the right file."
        )
    _check_delimiter(name, conf, header)
    _check_names(name, conf, _names_in_file(spark, conf, header))
    schema = StructType([StructField(column, StringType()) for column in header])
    lines = _reader(spark, conf).option("columnNameOfCorruptRecord", CORRUPT_RECORD)
    table = lines.schema(schema.add(CORRUPT_RECORD, StringType())).csv(conf.path)
    return table if conf.filter == "true" else table.where(F.expr(conf.filter))


def _reader(spark: SparkSession, conf: CsvConf) -> DataFrameReader:
    return (
        spark.read.option("header", True)
        .option("sep", conf.delimiter)
        .option("encoding", conf.encoding)
        .option("escape", '"')
        .option("multiLine", False)
        # Pruned to a few columns, the parser would not see that a line has too many or too few.
        .option("columnPruning", False)
        # Else the columns of a second file go by their place, whatever its header calls them.
        .option("enforceSchema", False)
    )


def _check_delimiter(name: str, conf: CsvConf, header: Sequence[str]) -> None:
    written = header[0].replace("\t", r"\t")
    found = [delimiter for delimiter in DELIMITERS if delimiter in written]
    if len(header) == 1 and found:
        raise DataError(
            f"The header of {conf.path} of '{name}' is one column, '{written}', which holds "
            f"'{found[0]}'. If that separates the columns: "
            f"--set \"catalog.{name}.delimiter='{found[0]}'\"."
        )


def _names_in_file(spark: SparkSession, conf: CsvConf, header: Sequence[str]) -> list[str]:
    """Return the header as it stands in the file, empty where a column has no name.

    Spark calls a column without a name `_c` and its place, and adds its place to each of two
    equal names. Only the file tells these from names that end so by themselves.
    """
    if not any(column.endswith(str(place)) for place, column in enumerate(header)):
        return list(header)
    schema = StructType([StructField(f"_c{place}", StringType()) for place in range(len(header))])
    [line] = _reader(spark, conf).option("header", False).schema(schema).csv(conf.path).head(1)
    return [column or "" for column in line]


def _check_names(name: str, conf: CsvConf, names: Sequence[str]) -> None:
    if "" in names:
        raise DataError(
            f"Column {names.index('') + 1} of {conf.path} of '{name}' has no name. "
            "Write one into the header."
        )
    # Spark does not tell `Purpose` from `purpose`.
    counts = Counter(column.casefold() for column in names)
    doubled = [column for column, count in counts.items() if count > 1]
    if doubled:
        raise DataError(
            f"The header of {conf.path} of '{name}' names a column twice: "
            f"{', '.join(repr(column) for column in doubled)}. Rename or drop one of each."
        )


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
