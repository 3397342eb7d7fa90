"""Releases: one Delta row says which version of every output is current.

A run publishes all its outputs by one commit here; readers resolve through it. Until that commit
nothing a run has written is current, and a run that dies leaves what was published as it was.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from penstock.engine.failures import is_conflict
from penstock.errors import Conflict
from penstock.store.delta import DeltaTable

COLUMNS = (
    "release_id BIGINT, run_id STRING, graph STRING, released_at TIMESTAMP, released_by STRING, "
    "git_commit STRING, pins MAP<STRING, STRING>"
)


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        pins: Dataset to its current version: a Delta version, a model version, or for a report
            the run that made it.
    """

    release_id: int
    run_id: str
    graph: str
    released_at: dt.datetime
    released_by: str
    git_commit: str
    pins: Mapping[str, str]


NOTHING_RELEASED = Release(0, "", "", dt.datetime.min, "", "", {})


@dataclass(frozen=True)
class Releases:
    """The table of releases."""

    spark: SparkSession
    table: DeltaTable

    def current(self) -> Release:
        """Return the newest release, or `NOTHING_RELEASED`."""
        version = self.table.latest_version(self.spark)
        if version is None:
            return NOTHING_RELEASED
        rows = self.table.read(self.spark, str(version))
        newest = rows.orderBy(F.desc("release_id")).limit(1).collect()
        return _release(newest[0]) if newest else NOTHING_RELEASED

    def publish(self, release: Release) -> None:
        """Commit a release whose number is the next one, or nothing.

        The MERGE reads what it tests, so of two runs at once one wins and the other is told.

        Raises:
            Conflict: Another run has published since this one began.
        """
        self._create()
        row = self.spark.createDataFrame([tuple(vars(release).values())], COLUMNS)
        try:
            (
                self._delta()
                .alias("t")
                .merge(row.alias("new"), "t.release_id >= new.release_id")
                .whenNotMatchedInsertAll()
                .execute()
            )
        except Exception as error:
            if not is_conflict(error):
                raise
            self._refuse(release, error)
        if self.current().run_id != release.run_id:
            self._refuse(release, None)

    def _refuse(self, release: Release, cause: Exception | None) -> None:
        winner = self.current()
        raise Conflict(
            f"Run {winner.run_id} published release {winner.release_id} while this run was at "
            "work, so nothing of this run is published. Look at what it changed, then run again."
        ) from cause

    def _create(self) -> None:
        if self.table.exists(self.spark):
            return
        try:
            empty = self.spark.createDataFrame([], COLUMNS)
            writer = empty.write.format("delta").mode("ignore")
            if self.table.table:
                writer.saveAsTable(self.table.table)
            else:
                writer.save(self.table.path)
        except Exception as error:
            # Another run created it in the same moment: then it is there.
            if not (is_conflict(error) and self.table.exists(self.spark)):
                raise

    def _delta(self) -> Any:
        from delta.tables import DeltaTable as Delta  # noqa: PLC0415 (needs a running session)

        if self.table.table:
            return Delta.forName(self.spark, self.table.table)
        return Delta.forPath(self.spark, self.table.path)


def _release(row: Row) -> Release:
    return Release(**row.asDict())
