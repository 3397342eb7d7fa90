"""File sources: CSV, Parquet and number ranges. Reading only; a file is never written."""

import codecs
import csv
import glob
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import LongType, StringType, StructField, StructType

from penstock.columns import BROKEN_LINE
from penstock.conf import CsvConf, ParquetConf, RangeConf
from penstock.errors import DataError

# As they are written in the catalog; the YAML of a bare | would be something else.
DELIMITERS = (";", r"\t", "|", ",")

MOST_SHOWN = 40  # characters of a column's name that cannot be read

# Where Spark keeps the schema in a Parquet file that it writes.
_SPARK_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"
_PLAIN = {
    "bool", "int8", "int16", "int32", "int64", "float", "double", "decimal128", "date32[day]",
    "string", "large_string", "binary", "large_binary",
}  # fmt: skip
_PACKED = (".bz2", ".deflate", ".lz4", ".snappy", ".zst")


def read_csv(spark: SparkSession, name: str, conf: CsvConf) -> DataFrame:
    """Read a CSV file, every column as STRING, broken lines in `_corrupt_record`.

    Empty fields are null. No Spark job is run, unless only Spark can read the header.

    Raises:
        DataError: The file is missing or empty, or its first line has another delimiter, another
            number of columns than the catalog names, a column without a name or a name that stands
            twice.
    """
    must_exist(name, conf.path)
    line = csv_first_line(conf)
    schema = _csv_schema(name, conf, _first_line_by_spark(spark, conf) if line is None else line)
    lines = _reader(spark, conf).option("columnNameOfCorruptRecord", BROKEN_LINE)
    table = lines.schema(schema).csv(conf.path)
    return table if conf.filter == "true" else table.where(F.expr(conf.filter))


def csv_schema(name: str, conf: CsvConf) -> StructType | None:
    """Return the columns that `read_csv` gives; None where only Spark can tell.

    Raises:
        DataError: As `read_csv`.
    """
    must_exist(name, conf.path)
    line = csv_first_line(conf) if conf.filter == "true" else None  # Spark knows a wrong filter
    return None if line is None else _csv_schema(name, conf, line)


def _csv_schema(name: str, conf: CsvConf, first_line: Sequence[str]) -> StructType:
    if not first_line:
        raise DataError(
            f"The file {conf.path} of '{name}' is empty. Set catalog.{name}.path to the right file."
        )
    _check_encoding(name, conf, first_line)
    _check_delimiter(name, conf, first_line)
    if not (conf.header or conf.columns):
        raise DataError(
            f"catalog.{name} has no header and no columns: name under catalog.{name}.columns the "
            f"{len(first_line)} that its first line has: {', '.join(first_line)}."
        )
    if conf.columns and len(conf.columns) != len(first_line):
        raise DataError(
            f"catalog.{name}.columns names {len(conf.columns)} columns, and the first line of "
            f"{conf.path} has {len(first_line)}: {', '.join(first_line)}. Name each of them."
        )
    names = conf.columns or first_line
    _check_names(name, conf, names)
    return StructType([StructField(column, StringType()) for column in (*names, BROKEN_LINE)])


def csv_first_line(conf: CsvConf) -> list[str] | None:
    """Return the first line of a local CSV file, plain or .gz; empty for an empty file.

    Returns:
        Its fields, "" for an empty one; None where only Spark can tell what it would read.
    """
    files = _local_files(conf.path)
    delimiter = conf.delimiter.replace(r"\t", "\t")
    try:
        encoding = codecs.lookup(conf.encoding).name
        is_plain = ",\n".encode(encoding) == b",\n" and len(delimiter) == 1
        if not files or not is_plain or any(file.suffix in _PACKED for file in files):
            return None
        line = next(filter(None, (_first_line(file, encoding) for file in files)), None)
        return next(csv.reader([line], delimiter=delimiter, strict=True)) if line else []
    except (csv.Error, LookupError, OSError, EOFError, zlib.error):
        return None  # Spark says what is wrong with it, or takes it as it is.


def _local_files(path: str) -> list[Path] | None:
    """Return the files that Spark would read at a local path, sorted by name; None if in doubt."""
    path = path.removeprefix("file://")
    if "://" in path or set(path) & set("[]{}\\"):
        return None
    is_pattern = set(path) & set("*?")
    found = [Path(p) for p in glob.glob(path)] if is_pattern else [Path(path)]
    if not is_pattern and found[0].is_dir():
        found = [entry for entry in found[0].iterdir() if entry.name[0] not in "._"]
    # A folder in the folder may be a partition; a name with _ or . in front is for Spark no data.
    sound = all(p.is_file() and p.name[0] not in "._" for p in found)
    return sorted(found) if sound else None


def _first_line(file: Path, encoding: str) -> str | None:
    """Return the first line that is not blank."""
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding  # Spark skips the byte-order mark
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding=encoding, errors="replace") as lines:
        return next((line.rstrip("\r\n") for line in lines if any(c > " " for c in line)), None)


def _reader(spark: SparkSession, conf: CsvConf) -> DataFrameReader:
    return (
        spark.read.option("header", conf.header)
        .option("sep", conf.delimiter)
        .option("encoding", conf.encoding)
        .option("escape", '"')
        .option("multiLine", False)
        # Pruned to a few columns, the parser would not see that a line has too many or too few.
        .option("columnPruning", False)
        # Without names from the catalog a second file must have the first one's header: Spark
        # would take its columns by their place, whatever they are called.
        .option("enforceSchema", bool(conf.columns))
    )


def _check_delimiter(name: str, conf: CsvConf, first_line: Sequence[str]) -> None:
    written = first_line[0].replace("\t", r"\t")
    found = [delimiter for delimiter in DELIMITERS if delimiter in written]
    if len(first_line) == 1 and found:
        raise DataError(
            f"The first line of {conf.path} of '{name}' is one column, '{written}', which holds "
            f"'{found[0]}'. If that separates the columns: "
            f"--set \"catalog.{name}.delimiter='{found[0]}'\"."
        )


def _first_line_by_spark(spark: SparkSession, conf: CsvConf) -> list[str]:
    """Return the first line as it stands in the file, "" where a field is empty.

    Spark calls a column without a name `_c` and its place, and adds its place to each of two
    equal names. Only the file tells these from names that end so by themselves.
    """
    header = _reader(spark, conf).csv(conf.path).columns
    if conf.header and not any(c.endswith(str(place)) for place, c in enumerate(header)):
        return header
    schema = StructType([StructField(f"_c{place}", StringType()) for place in range(len(header))])
    [line] = _reader(spark, conf).option("header", False).schema(schema).csv(conf.path).head(1)
    return [column or "" for column in line]


def _check_encoding(name: str, conf: CsvConf, first_line: Sequence[str]) -> None:
    strange = next((field for field in first_line if set(field) & {"\0", "\ufffd"}), None)
    if strange is not None:
        raise DataError(
            f"The first line of {conf.path} of '{name}' is no {conf.encoding}: it has "
            f"{strange[:MOST_SHOWN]!r}. If it is ISO-8859-1, set catalog.{name}.encoding to that; "
            "a file in another encoding, such as UTF-16, must be written as UTF-8 first."
        )


def _check_names(name: str, conf: CsvConf, names: Sequence[str]) -> None:
    if "" in names:
        raise DataError(
            f"Column {names.index('') + 1} of {conf.path} of '{name}' has no name. "
            f"Write one into the header, or name all columns under catalog.{name}.columns."
        )
    # Spark does not tell `Purpose` from `purpose`.
    counts = Counter(column.casefold() for column in names)
    doubled = [column for column, count in counts.items() if count > 1]
    if doubled:
        where = "The header of" if not conf.columns else f"catalog.{name}.columns for"
        raise DataError(
            f"{where} {conf.path} of '{name}' names a column twice: "
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


def parquet_schema(conf: ParquetConf) -> StructType | None:
    """Return the schema that Spark would read from local Parquet files; None if in doubt.

    In doubt: folders within folders (partitions), other writers than Spark and Arrow, and types
    that Spark takes its own way (unsigned, nanoseconds, times of day).
    """
    files = _local_files(conf.path)
    if not files:
        return None
    try:
        file = pq.ParquetFile(files[0])
    except (OSError, pyarrow.ArrowException):
        return None
    if written := (file.metadata.metadata or {}).get(_SPARK_SCHEMA):
        schema = written.decode()
    elif not file.metadata.created_by.startswith("parquet-cpp-arrow"):
        return None
    elif all(_is_plain(field.type) for field in file.schema_arrow):
        schema = from_arrow_schema(file.schema_arrow).json()
    else:
        return None
    # Whatever the file says, to Spark any value of a file may be null.
    nullable = dict.fromkeys(("nullable", "containsNull", "valueContainsNull"), True)
    lax = json.loads(
        schema, object_hook=lambda d: d | {k: v for k, v in nullable.items() if k in d}
    )
    return StructType.fromJson(lax)


def _is_plain(kind: pyarrow.DataType) -> bool:
    """Say whether Spark reads a column of this Arrow type as the type of the same name."""
    if pyarrow.types.is_nested(kind):
        known = pyarrow.types.is_struct, pyarrow.types.is_list, pyarrow.types.is_map
        inner = [kind.field(place).type for place in range(kind.num_fields)]
        return any(is_kind(kind) for is_kind in known) and all(map(_is_plain, inner))
    if pyarrow.types.is_timestamp(kind):
        return kind.unit in ("ms", "us")
    return str(kind).split("(")[0] in _PLAIN


RANGE_SCHEMA = StructType([StructField("id", LongType(), nullable=False)])


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
