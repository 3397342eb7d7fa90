"""Releases: one Delta row says which version of every output is current.

A run publishes all its outputs by one commit here; readers resolve through it. Until that commit
nothing a run has written is current, and a run that dies leaves what was published as it was. On a
local disk the releases are read without Spark.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from penstock.errors import Conflict, DataError, NodeFailed, SetupError, UsageError
from penstock.store.delta import DeltaTable
from penstock.store.spark_errors import is_conflict

COLUMNS = (
    "release_id BIGINT, run_id STRING, graph STRING, released_at TIMESTAMP, released_by STRING, "
    "git_commit STRING, pins MAP<STRING, STRING>, made MAP<STRING, STRING>, note STRING"
)
PUBLISHER = "penstock.releases"  # by whose count a release is the next one, for Delta
# A vacuum or an optimisation of the table may get in the way as well as another publisher.
ATTEMPTS = 3
NAMED_CHANGES = 8


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        released_at: In UTC, and aware of it.
        pins: Dataset to its current version: a Delta version, a model version, or for a report
            the run that made it.
        made: Node to the record, as JSON, of how it made its part of the pins.
        note: "rollback to 3", or nothing.
    """

    release_id: int
    run_id: str
    graph: str
    released_at: dt.datetime
    released_by: str
    git_commit: str
    pins: Mapping[str, str]
    made: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


NOTHING_RELEASED = Release(0, "", "", dt.datetime.min.replace(tzinfo=dt.UTC), "", "", {})


@dataclass(frozen=True)
class Releases:
    """The table of releases. To read it needs a session only if `table.log` is None."""

    table: DeltaTable

    def all(self, spark: SparkSession | None = None) -> tuple[Release, ...]:
        """Return the releases, oldest first."""
        return _releases(self._rows(spark))

    def current(self, spark: SparkSession | None = None) -> Release:
        """Return the newest release, or `NOTHING_RELEASED`."""
        # `made` is long, and all the older ones are not needed.
        return (NOTHING_RELEASED, *_releases(self._rows(spark, newest="release_id")))[-1]

    def numbered(self, spark: SparkSession | None, release_id: int) -> Release:
        """Return one release.

        Raises:
            UsageError: There is none of that number.
        """
        known = {release.release_id: release for release in self.all(spark)}
        if release_id not in known:
            there = f"There are {min(known)} to {max(known)}" if known else "Nothing is released"
            raise UsageError(f"There is no release {release_id}. {there}: see `history`.")
        return known[release_id]

    def publish(self, spark: SparkSession, release: Release, base: Release) -> None:
        """Commit a release whose number is the next one after `base`, or nothing.

        Delta knows the numbers that were appended and takes each once: of two runs at once one
        wins and the other is told. On a local disk the second waits for the first.

        Raises:
            Conflict: Another run has published since this one began.
            NodeFailed: Delta took the commit and did nothing.
        """
        with self.table.committing():
            _refuse_late(self.all(spark), release, base)
            self._commit(spark, release, base)

    def _commit(self, spark: SparkSession, release: Release, base: Release) -> None:
        row = spark.createDataFrame([tuple(vars(release).values())], COLUMNS).coalesce(1)
        commit = self._append
        for attempt in range(1, ATTEMPTS + 1):
            lost: Exception | None = None
            try:
                commit(row, release.release_id)
            except Exception as error:
                lost = error
            published = self.all(spark)
            if any(
                (r.release_id, r.run_id) == (release.release_id, release.run_id) for r in published
            ):
                return
            _refuse_late(published, release, base, lost)
            if lost is None:
                # The table was restored to before a release of this number, which Delta remembers.
                commit = self._merge
            elif attempt == ATTEMPTS or not is_conflict(lost):
                raise lost
        raise NodeFailed(
            f"Release {release.release_id} was committed to {self.table.location} and is "
            "not in it: was the table altered? Look at its history, then run again."
        )

    def _rows(self, spark: SparkSession | None, newest: str = "") -> list[dict[str, Any]]:
        if log := self.table.log:
            try:
                latest = log.latest_version()
                rows = [] if latest is None else log.rows(latest, newest)
            except (DataError, ValueError, OSError) as error:
                raise SetupError(
                    f"The table of releases, {self.table.location}, is damaged ({error}): nobody "
                    "can tell what is current. Bring the folder back from a backup."
                ) from error
            if rows is not None:
                return rows
        if spark is None:
            raise SetupError(
                f"The releases in {self.table.location} can be read by Spark only: the table has "
                "deletion vectors, mapped columns or gaps in its log. Start a session first."
            )
        version = self.table.latest_version(spark)
        if version is None:
            return []
        table = self.table.read(spark, str(version))
        # Spark gives times of this machine's zone, and does not say so.
        return [
            {**row.asDict(), "released_at": row.released_at.astimezone(dt.UTC)}
            for row in table.collect()
        ]

    def _append(self, row: DataFrame, release_id: int) -> None:
        """Append a release, and make the table if there is none; a number is taken once."""
        writer = (
            row.write.format("delta")
            .mode("append")
            # A table of an earlier version of penstock lacks the last columns.
            .option("mergeSchema", "true")
            .option("txnAppId", PUBLISHER)
            .option("txnVersion", release_id)
        )
        if self.table.table:
            writer.saveAsTable(self.table.table)
        else:
            writer.save(self.table.path)

    def _merge(self, row: DataFrame, release_id: int) -> None:
        """Append a release unless the table has it or a later one: three times the work."""
        (
            self.table.opened(row.sparkSession)
            .alias("t")
            .merge(row.alias("new"), f"t.release_id >= {release_id}")
            .withSchemaEvolution()
            .whenNotMatchedInsertAll()
            .execute()
        )


def changes(before: Release, after: Release) -> list[str]:
    """Say what a release moved: "loans 12 -> 13", "scores new", "pd_report dropped"."""
    said = []
    for name in sorted(before.pins.keys() | after.pins.keys()):
        old, new = before.pins.get(name), after.pins.get(name)
        if old is None:
            said.append(f"{name} new")
        elif new is None:
            said.append(f"{name} dropped")
        elif old != new:
            said.append(f"{name} {old} -> {new}")
    return said


def rolled_back(
    current: Release, target: Release, *, run_id: str, user: str, now: dt.datetime
) -> Release:
    """Return the next release, which makes current again what `target` made current."""
    return replace(
        target,
        release_id=current.release_id + 1,
        run_id=run_id,
        released_at=now,
        released_by=user,
        note=f"rollback to {target.release_id}",
    )


def _refuse_late(
    published: tuple[Release, ...], release: Release, base: Release, lost: Exception | None = None
) -> None:
    """Raise a Conflict if a release of this number, or a later one, is there."""
    if published and published[-1].release_id >= release.release_id:
        raise Conflict(_what_won(base, published[-1])) from lost


def _what_won(base: Release, winner: Release) -> str:
    moved = changes(base, winner)
    more = len(moved) - NAMED_CHANGES
    named = ", ".join(moved[:NAMED_CHANGES]) or "nothing"
    note = f" ({winner.note})" if winner.note else ""
    return (
        f"Run {winner.run_id} of {winner.released_by} published release {winner.release_id}{note} "
        f"while this run was at work, so nothing of this run is published. It moved {named}"
        f"{f' and {more} more' if more > 0 else ''}. Look at that, then run again."
    )


def _releases(rows: Iterable[Mapping[str, Any]]) -> tuple[Release, ...]:
    return tuple(sorted(map(_release, rows), key=lambda release: release.release_id))


def _release(row: Mapping[str, Any]) -> Release:
    """Read a row; one of an earlier version of penstock lacks the last columns."""
    known = {f.name: row[f.name] for f in fields(Release) if row.get(f.name) is not None}
    return Release(**{**known, "released_at": known["released_at"].replace(tzinfo=dt.UTC)})
