"""Delta tables: read a pinned version, replace the content in one commit, say which it became."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from penstock.errors import DataError
from penstock.store.spark_errors import readable

# A model or a release may pin any version: a vacuum must not take its files after Delta's week.
RETENTION = "interval 3650 days"
OURS = "penstock: "  # begins the `userMetadata` of every commit
_COMMIT = re.compile(r"^(\d{20})\.json$")


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

    def exists(self, spark: SparkSession) -> bool:
        """Say whether the table has been written at least once."""
        if self.table:
            return spark.catalog.tableExists(self.table)
        return self.latest_version(spark) is not None

    def latest_version(self, spark: SparkSession) -> int | None:
        """Return the newest version, or None if there is no table. No Spark job on a local disk."""
        if (log := self._local_log()) is not None:
            versions = [int(m[1]) for f in _entries(log) if (m := _COMMIT.match(f))]
            return max(versions, default=None)
        from delta.tables import DeltaTable as Delta  # noqa: PLC0415 (needs the jar: remote tables only)

        if not self.table and not Delta.isDeltaTable(spark, self.path):
            return None
        table = Delta.forName(spark, self.table) if self.table else Delta.forPath(spark, self.path)
        return int(table.history(1).select("version").first()[0])  # type: ignore[index]

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
        if self.table:
            writer.saveAsTable(self.table)
        else:
            writer.save(self.path)
        return str(self._version_of(df.sparkSession, commit))

    def is_foreign(self) -> bool:
        """Say whether a local table is there whose first commit is not one of ours."""
        log = self._local_log()
        first = log / f"{0:020d}.json" if log else None
        return bool(first and first.exists() and OURS not in first.read_text(encoding="utf-8"))

    def _version_of(self, spark: SparkSession, commit: str) -> int:
        """Find the version this commit became: another writer may have come right behind it."""
        latest = self.latest_version(spark)
        assert latest is not None
        log = self._local_log()
        if log is None:
            return latest
        for version in range(latest, -1, -1):
            with (log / f"{version:020d}.json").open(encoding="utf-8") as lines:
                entries = (json.loads(line).get("commitInfo") for line in lines)
                if any(info and info.get("userMetadata") == OURS + commit for info in entries):
                    return version
        raise DataError(f"{self.location} has no commit marked '{commit}': was its log altered?")

    def _local_log(self) -> Path | None:
        if self.table or ("://" in self.path and not self.path.startswith("file://")):
            return None
        return Path(self.path.removeprefix("file://")) / "_delta_log"


def _entries(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
