"""The log of a Delta table on a local disk, read without a JVM.

What it cannot tell for certain (deletion vectors, checkpoints with sidecars, commits that are gone)
it answers by None: then Spark has to be asked.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from pyspark.sql.types import StructType

from penstock.errors import DataError

_COMMIT = re.compile(r"^(\d{20})\.json$")
# One file, or the parts of several: "…1.checkpoint.0000000001.0000000003.parquet".
_CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True)
class LocalLog:
    """The log of the table in `folder`. A version is a snapshot: what it answers never changes."""

    folder: Path

    def latest_version(self) -> int | None:
        """Return the newest version, or None if there is no table."""
        return max(
            (int(m[1]) for name in self._names() if (m := _COMMIT.match(name))), default=None
        )

    def commit_file(self, version: int) -> Path:
        """Return the file of a commit."""
        return self.folder / "_delta_log" / f"{version:020d}.json"

    def actions(self, version: int, kind: str) -> list[dict[str, Any]]:
        """Return the actions of a kind in one commit: "add", "remove", "metaData", ….

        Raises:
            DataError: The commit is empty, as a power cut leaves it, or cut off.
        """
        file = self.commit_file(version)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
            actions = [json.loads(line) for line in lines if line.strip()]
        except ValueError as error:
            raise DataError(f"The commit {file} is damaged ({error}). Bring it back.") from error
        if not actions:
            raise DataError(f"The commit {file} is damaged: it is empty. Bring it back.")
        return [action[kind] for action in actions if kind in action]

    def table_id(self) -> str | None:
        """Return the table's id: another one means that the table was made anew."""
        latest = self.latest_version()
        metadata = None if latest is None else self._metadata(latest)
        return str(metadata["id"]) if metadata else None

    def schema(self, version: int) -> StructType | None:
        """Return the schema of a version as Spark reads it."""
        metadata = self._metadata(version)
        if metadata is None or '"delta.' in metadata["schemaString"]:
            return None  # Columns mapped to other names, or with properties that Spark takes off.
        return StructType.fromJson(json.loads(metadata["schemaString"]))

    def files(self, version: int) -> list[Path] | None:
        """Return the data files of a version, whether or not they are still there."""
        if (chain := self._chain(version)) is None:
            return None
        checkpoint, commits = chain
        active: dict[str, Any] = {}  # path -> its deletion vector
        for part in checkpoint:
            if any(_column(part, "sidecar")):
                return None
            adds = _column(part, "add", "path", "deletionVector")
            active |= {add["path"]: add.get("deletionVector") for add in adds if add}
        for commit in commits:
            # Removes first: a file that gets a deletion vector is removed and added by one commit.
            for gone in self.actions(commit, "remove"):
                active.pop(gone["path"], None)
            active |= {a["path"]: a.get("deletionVector") for a in self.actions(commit, "add")}
        paths = [unquote(path.removeprefix("file://").removeprefix("file:")) for path in active]
        if any(active.values()) or any(_SCHEME.match(path) for path in paths):
            return None
        return [self.folder / path for path in paths]

    def has_all_files(self, version: int) -> bool | None:
        """Say whether no data file of a version is gone, by a vacuum or otherwise."""
        files = self.files(version)
        return None if files is None else all(file.exists() for file in files)

    def rows(self, version: int, newest: str = "") -> list[dict[str, Any]] | None:
        """Return the rows of a small table without partitions, in no order, maps as dicts.

        Args:
            newest: A column of numbers: read only the file that has its greatest.
        """
        paths, metadata, schema = self.files(version), self._metadata(version), self.schema(version)
        if paths is None or metadata is None or schema is None or metadata["partitionColumns"]:
            return None
        if newest and paths:
            greatest = [max(_read(path, newest), default=0) for path in paths]
            paths = [paths[greatest.index(max(greatest))]]
        rows = [row for path in paths for row in _read(path)]
        # A file from before a column was added lacks it.
        return [{name: row.get(name) for name in schema.names} for row in rows]

    def _metadata(self, version: int) -> dict[str, Any] | None:
        """Return the newest `metaData` action at or before a version."""
        if (chain := self._chain(version)) is None:
            return None
        checkpoint, commits = chain
        for commit in reversed(commits):
            for metadata in self.actions(commit, "metaData"):
                return metadata
        found = (metadata for part in checkpoint for metadata in _column(part, "metaData"))
        return next(filter(None, found), None)

    def _chain(self, version: int) -> tuple[list[Path], range] | None:
        """Return the checkpoint to start from, in parts, and the commits from there to `version`.

        Without a checkpoint that we can read, all commits from the first; None if one is missing.
        """
        names = self._names()
        checkpoints: dict[tuple[int, int], list[Path]] = defaultdict(list)
        for name in names:
            if (found := _CHECKPOINT.match(name)) and int(found[1]) <= version:
                key = (int(found[1]), int(found[2] or 1))
                checkpoints[key].append(self.folder / "_delta_log" / name)
        whole = [key for key, parts in checkpoints.items() if len(parts) == key[1]]
        start = max(whole, default=(-1, 0))
        commits = range(start[0] + 1, version + 1)
        if version < 0 or any(self.commit_file(commit).name not in names for commit in commits):
            return None
        return checkpoints.get(start, []), commits

    def _names(self) -> set[str]:
        log = self.folder / "_delta_log"
        return {entry.name for entry in log.iterdir()} if log.is_dir() else set()


def _read(path: Path, column: str = "") -> list[Any]:
    """Return the rows of a Parquet file as dicts, or one column's values."""
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
        table = file.read([column] if column else None)
    return list((table[column] if column else table).to_pylist(maps_as_pydicts="strict"))


def _column(part: Path, name: str, *fields: str) -> list[Any]:
    """Return one column of a checkpoint, or some fields of it; empty if it has none."""
    file = pq.ParquetFile(part)
    if name not in file.schema_arrow.names:
        return []
    table = file.read(columns=[f"{name}.{field}" for field in fields] or [name])
    return list(table.column(name).to_pylist())
