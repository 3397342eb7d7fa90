"""The state folder of a project: `$PENSTOCK_HOME`, and where each kind of state lies in it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import Conflict, SetupError
from penstock.strict_json import json_text


@dataclass(frozen=True)
class Home:
    """The state folder; nothing is written outside it."""

    root: Path

    @property
    def tables(self) -> Path:
        """Delta tables, a folder each."""
        return self.root / "tables"

    @property
    def mlflow(self) -> Path:
        """The sqlite tracking store and the artefacts of its runs."""
        return self.root / "mlflow"

    @property
    def checkpoints(self) -> Path:
        """What nodes at work have finished, a folder for each."""
        return self.root / "cache" / "checkpoints"

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run: `run.json`, `index.html`, reports."""
        return self.root / "runs" / run_id

    def prepare(self) -> None:
        """Create the folders and try a write, so that a bad disk is found before any work.

        Raises:
            SetupError: The folder cannot be created or written.
        """
        try:
            for folder in (self.tables, self.mlflow, self.root / "runs"):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as probe:
                probe.write(b"\0" * 65536)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise SetupError(
                f"The state folder {self.root} cannot be written ({error.strerror}). Free space or "
                "mend its permissions, or set PENSTOCK_HOME to another folder."
            ) from error

    @contextmanager
    def occupied(self, by: str) -> Iterator[None]:
        """Keep other runs out of this state folder; the system lifts the lock if we are killed.

        Raises:
            Conflict: Another run is at work here.
        """
        with (self.root / ".run.lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise Conflict(
                    f"Another run is at work on the state folder {self.root}: {lock.read()}. "
                    "Nothing was done. Wait for it, or set PENSTOCK_HOME to another folder."
                ) from error
            lock.truncate(0)
            lock.write(f"{by} (process {os.getpid()})")
            lock.flush()
            yield


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file so that a reader, or a kill, meets the old text or the new, no part."""
    write_text(path, json_text(document, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write a text file by renaming a finished one into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
