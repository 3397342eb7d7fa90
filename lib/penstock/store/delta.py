"""Delta tables: read a pinned version, replace the content in one commit, say which it became."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from penstock.errors import DataError
from penstock.store.delta_log import LocalLog
from penstock.store.locks import locked
from penstock.store.spark_errors import readable

# A model or a release may pin any version: a vacuum must not take its files after Delta's week.
RETENTION = "interval 3650 days"
OURS = "penstock: "  # begins the `userMetadata` of every commit


@dataclass(frozen=True)
class DeltaTable:
    """One Delta table, at `path` or, if `table` is given, under that name in the metastore."""

    name: str
    path: str
    table: str = ""
    partition_by: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """Where a person finds it."""
        return self.table or self.path

    @property
    def log(self) -> LocalLog | None:
        """The log, if the table lies on a local disk: then what it tells needs no Spark."""
        if self.table or ("://" in self.path and not self.path.startswith("file://")):
            return None
        return LocalLog(Path(self.path.removeprefix("file://")))

    def exists(self, spark: SparkSession) -> bool:
        """Say whether the table has been written at least once."""
        if self.table:
            return spark.catalog.tableExists(self.table)
        return self.latest_version(spark) is not None

    def latest_version(self, spark: SparkSession) -> int | None:
        """Return the newest version, or None if there is no table. No Spark job on a local disk."""
        if self.log:
            return self.log.latest_version()
        if not self._is_there(spark):
            return None
        return int(self.opened(spark).history(1).select("version").first()[0])

    def table_id(self, spark: SparkSession) -> str | None:
        """Return the id, which a table made anew does not share; None if there is no table."""
        if self.log and (found := self.log.table_id()):
            return found
        return str(self.opened(spark).detail().first().id) if self._is_there(spark) else None

    def schema(self, spark: SparkSession, version: str | None) -> StructType:
        """Return the columns as of `version`. No Spark job on a local disk.

        Raises:
            DataError: It was never written, or the version is gone.
        """
        known = self.log.schema(int(version)) if self.log and version is not None else None
        return self.read(spark, version).schema if known is None else known

    def is_whole(self, spark: SparkSession, version: str) -> bool:
        """Say whether a version is there with all its files; of a remote one, whether it opens.

        A vacuum takes files and leaves the log, so that a version may open and not be read.
        """
        if not version.isdecimal():
            return False  # The run of a report, from before the catalog made it a table.
        known = self.log.has_all_files(int(version)) if self.log else None
        if known is not None:
            return known
        try:
            return self.read(spark, version).schema is not None
        except DataError:
            return False

    def is_by(self, version: str, commit: str) -> bool:
        """Say whether a version is of that commit, so far as a local log tells."""
        if self.log is None or not self.log.commit_file(int(version)).exists():
            return True
        infos = self.log.actions(int(version), "commitInfo")
        return any(info.get("userMetadata") == OURS + commit for info in infos)

    def opened(self, spark: SparkSession) -> Any:
        """Return Delta's own handle of the table, for MERGE, history and detail."""
        from delta.tables import DeltaTable as Delta  # noqa: PLC0415 (needs the jar)

        return Delta.forName(spark, self.table) if self.table else Delta.forPath(spark, self.path)

    def read(self, spark: SparkSession, version: str | None) -> DataFrame:
        """Return the table as of `version`.

        Raises:
            DataError: It was never written, or the version is gone.
        """
        if version is None:
            raise DataError(
                f"The table '{self.name}' ({self.location}) is empty of versions: nothing has "
                "written it yet. Run the job that makes it, or `run`."
            )
        with readable(self.name, self.location):
            reader = spark.read.format("delta").option("versionAsOf", version)
            return reader.table(self.table) if self.table else reader.load(self.path)

    def replace(self, df: DataFrame, *, commit: str) -> str:
        """Replace the whole content in one commit and return the version written.

        Args:
            commit: What the commit's `userMetadata` will say; unique to this run and node.
        """
        writer = (
            df.write.format("delta")
            .mode("overwrite")
            .option("overwriteSchema", "true")
            .option("userMetadata", OURS + commit)
            .option("delta.deletedFileRetentionDuration", RETENTION)
            .option("delta.logRetentionDuration", RETENTION)
        )
        if self.partition_by:
            writer = writer.partitionBy(*self.partition_by)
        with self.committing():
            if self.table:
                writer.saveAsTable(self.table)
            else:
                writer.save(self.path)
        return str(self._version_of(df.sparkSession, commit))

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Keep others from committing to the table, if it lies on a local disk.

        There a commit is a file renamed into place after a look whether one of its number is there:
        of two processes at once the second may put its own in the place of the first one's. Other
        stores do both in one step.
        """
        if self.log is None:
            yield
            return
        folder = self.log.folder
        with locked(folder.with_name(f".{folder.name}.lock")):
            yield

    def is_foreign(self) -> bool:
        """Say whether a local table is there whose first commit is not one of ours."""
        first = self.log.commit_file(0) if self.log else None
        return bool(first and first.exists() and OURS not in first.read_text(encoding="utf-8"))

    def _version_of(self, spark: SparkSession, commit: str) -> int:
        """Find the version this commit became: another writer may have come right behind it."""
        latest = self.latest_version(spark)
        assert latest is not None
        if self.log is None:
            return latest
        for version in range(latest, -1, -1):
            infos = self.log.actions(version, "commitInfo")
            if any(info.get("userMetadata") == OURS + commit for info in infos):
                return version
        raise DataError(f"{self.location} has no commit marked '{commit}': was its log altered?")

    def _is_there(self, spark: SparkSession) -> bool:
        from delta.tables import DeltaTable as Delta  # noqa: PLC0415 (needs the jar)

        return self.exists(spark) if self.table else bool(Delta.isDeltaTable(spark, self.path))
