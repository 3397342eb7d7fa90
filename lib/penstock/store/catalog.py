"""The catalog: dataset names turned into places that can be read and written."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from penstock.clocks import KnownAt
from penstock.conf import (
    FILE_KINDS,
    KIND_OF,
    AliasConf,
    Conf,
    CsvConf,
    DatasetConf,
    DeltaConf,
    MemoryConf,
    ModelConf,
    ParquetConf,
    RangeConf,
    ReportConf,
)
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.store.delta import DeltaTable
from penstock.store.files import (
    RANGE_SCHEMA,
    csv_schema,
    must_exist,
    number_range,
    parquet_schema,
    read_csv,
    read_parquet,
)
from penstock.store.home import Home
from penstock.store.reports import read_report
from penstock.store.spark_errors import readable


@dataclass(frozen=True)
class Catalog:
    """Where each dataset lies.

    Attributes:
        tables: Folder of the Delta tables that have neither path nor name of their own.
    """

    entries: Mapping[str, DatasetConf]
    home: Home
    tables: str

    @classmethod
    def of(cls, conf: Conf, home: Home) -> "Catalog":
        """Return the catalog that a configuration describes."""
        return cls(conf.catalog, home, conf.run.tables or str(home.tables))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Dataset to the name of its kind."""
        return {name: KIND_OF[type(conf)] for name, conf in self.entries.items()}

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Datasets that are there before any run: files and number ranges."""
        return tuple(n for n, conf in self.entries.items() if isinstance(conf, FILE_KINDS))

    @cached_property
    def clocks(self) -> dict[str, KnownAt]:
        """Table to when its columns become known, for those that say so."""
        tables = DeltaConf | CsvConf | ParquetConf | MemoryConf
        return {n: c.known_at for n, c in self.entries.items() if isinstance(c, tables)}

    def used_at(self, model: str) -> str:
        """Return the moment at which a model is used."""
        conf = self.entries[model]
        assert isinstance(conf, ModelConf)
        return conf.known_at

    def delta(self, name: str) -> DeltaTable:
        """Return the Delta table behind a dataset."""
        conf = self.entries[name]
        assert isinstance(conf, DeltaConf)
        if conf.path and conf.table:
            raise ConfigError(f"catalog.{name} has a path and a table; a Delta table has one.")
        path = conf.path or f"{self.tables}/{name}"
        return DeltaTable(name, path, conf.table, conf.partition_by)

    def read_file(self, spark: SparkSession, name: str) -> DataFrame:
        """Read a dataset of a source kind.

        Raises:
            DataError: The file is missing, empty or unreadable.
        """
        with readable(name, self.location(name)):
            match self.entries[name]:
                case CsvConf() as conf:
                    return read_csv(spark, name, conf)
                case ParquetConf() as conf:
                    return read_parquet(spark, name, conf)
                case RangeConf() as conf:
                    return number_range(spark, conf)
                case conf:
                    raise AssertionError(f"{name} is {conf}, which is no file")

    def source_schema(self, spark: SparkSession, name: str, version: str | None) -> StructType:
        """Return the columns of a source; for nearly all local ones no Spark job is needed.

        Raises:
            DataError: It is missing, empty or unreadable.
        """
        conf = self.entries[name]
        if isinstance(conf, DeltaConf):
            return self.delta(name).schema(spark, version)
        known = RANGE_SCHEMA if isinstance(conf, RangeConf) else None
        if isinstance(conf, CsvConf):
            known = csv_schema(name, conf)
        elif isinstance(conf, ParquetConf):
            known = parquet_schema(conf)
        return self.read_file(spark, name).schema if known is None else known

    def is_there(self, name: str, version: str, spark: SparkSession, commit: str) -> bool:
        """Say whether a version of a stored table or report is there, all of it.

        No Spark job is run on a local disk. Models are the registry's.

        Args:
            commit: What wrote the version, as `DeltaTable.replace` was told.
        """
        match self.entries[name]:
            case DeltaConf():
                table = self.delta(name)
                return table.is_whole(spark, version) and table.is_by(version, commit)
            case ReportConf():
                try:
                    return read_report(self.home, version, name) is not None
                except DataError:
                    return False
            case _:
                return False  # Stored as another kind once, before the catalog was changed.

    def check_files(self, names: Iterable[str]) -> None:
        """Look whether the local files among the datasets are there; needs no Spark.

        Raises:
            DataError: One is missing.
        """
        for name in names:
            if isinstance(conf := self.entries[name], CsvConf | ParquetConf):
                must_exist(name, conf.path)

    def check_outputs(self, names: Iterable[str]) -> None:
        """Refuse to write over what is not ours, where the catalog gives a local path of its own.

        Raises:
            ConfigError: A file, or a Delta table that no run of penstock made, stands there.
        """
        for name in names:
            conf = self.entries[name]
            if not isinstance(conf, DeltaConf) or not conf.path:
                continue
            path = Path(conf.path.removeprefix("file://"))
            is_table = (path / "_delta_log").is_dir()
            is_file = path.suffix in (".csv", ".gz", ".parquet") or (
                not is_table and path.exists() and (path.is_file() or any(path.iterdir()))
            )
            if is_file or self.delta(name).is_foreign():
                kind = "csv, path: " if is_file else "delta, external: true, path: "
                raise ConfigError(
                    f"The graph would write '{name}' over {path}, which it did not make. To read "
                    f"it instead: --set 'catalog.{name}={{kind: {kind}{path}}}'."
                )

    def check_partitions(self, name: str, columns: StructType | None) -> None:
        """Look whether a table has the columns that its folders are called by, if they are known.

        Raises:
            ConfigError: It lacks one, with the nearest.
        """
        conf = self.entries[name]
        folders = conf.partition_by if isinstance(conf, DeltaConf) else ()
        for column in folders:
            if columns is not None and column not in columns.names:
                raise ConfigError(
                    f"catalog.{name}.partition_by names '{column}', which is no column of it."
                    f"{did_you_mean(column, columns.names)}"
                )

    def file_version(self, name: str) -> str | None:
        """Return what tells one state of a local file from the next; None for a remote one."""
        conf = self.entries[name]
        if isinstance(conf, RangeConf):
            return f"{conf.rows} rows"
        assert isinstance(conf, CsvConf | ParquetConf)
        path = Path(conf.path.removeprefix("file://"))
        if not path.exists():
            return None
        parts = [part.stat() for part in (sorted(path.rglob("*")) if path.is_dir() else [path])]
        size, newest = sum(p.st_size for p in parts), max((p.st_mtime_ns for p in parts), default=0)
        changed = dt.datetime.fromtimestamp(newest / 1e9, dt.UTC)
        return f"{changed:%Y-%m-%dT%H:%M:%S.%fZ} {size}B"

    def identity(self, name: str, spark: SparkSession) -> str:
        """Return what a source's version is a version of: its place, how it is read, its id."""
        conf = self.entries[name]
        if isinstance(conf, RangeConf):
            return "numbers"  # how many is the version
        table_id = self.delta(name).table_id(spark) if isinstance(conf, DeltaConf) else ""
        return f"{conf!r} {table_id}"

    @property
    def model_scratch(self) -> str:
        """Folder for models on their way to MLflow, where every executor can write."""
        is_local = self.tables == str(self.home.tables)
        return str(self.home.root / "cache" / "models") if is_local else f"{self.tables}/_models"

    def model_name(self, name: str) -> str:
        """Return the registered model behind a model or alias dataset."""
        conf = self.entries[name]
        assert isinstance(conf, ModelConf | AliasConf)
        return conf.name if isinstance(conf, ModelConf) else conf.model

    def alias(self, name: str) -> str:
        """Return the alias of a model that a dataset stands for."""
        conf = self.entries[name]
        assert isinstance(conf, AliasConf)
        return conf.alias or name

    def moved_beside(self, sources: Iterable[str], made: Iterable[str]) -> set[str]:
        """Return the aliases among sources that, by another name, are among what is made."""
        moved = {self.location(n) for n in made if self.kinds[n] == "alias"}
        return {n for n in sources if self.kinds[n] == "alias" and self.location(n) in moved}

    def location(self, name: str) -> str:
        """Say where a dataset lies, for people."""
        match self.entries[name]:
            case DeltaConf():
                return self.delta(name).location
            case CsvConf(path=path) | ParquetConf(path=path):
                return path
            case RangeConf(rows=rows):
                return f"{rows:,} row numbers"
            case ModelConf(name=model):
                return f"models:/{model}"
            case AliasConf(model=model):
                return f"models:/{model}@{self.alias(name)}"
            case conf:
                return KIND_OF[type(conf)]
