"""Checkpoint: what a node at work has finished, kept in a file so that a kill costs little."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

from penstock.strict_json import json_text


class Checkpoint(dict[str, Any]):
    """A dictionary of plain values that outlives a kill: each entry is on disk when it is set.

    A line of the file is one entry. A line that was cut off by a kill, or cannot be read, is as if
    it had never been written.

    Args:
        file: Where it is kept; it and its folder are made with the first entry. The folder is for
            checkpoints of one piece of work, of which the newest alone is of use.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(_entries(file))
        self._file, self._lock = file, threading.Lock()

    def __setitem__(self, key: str, value: Any) -> None:
        with self._lock:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                # On a new line: a kill may have left half a line.
                file.write(f"\n{json_text([key, value])}")
                file.flush()
                os.fsync(file.fileno())
            super().__setitem__(key, value)

    def remove(self) -> None:
        """Remove the file, and those of earlier states of the same work: it is done."""
        shutil.rmtree(self._file.parent, ignore_errors=True)


def _entries(file: Path) -> dict[str, Any]:
    entries = {}
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    for line in lines:
        try:
            key, value = json.loads(line)
        except (ValueError, TypeError):
            continue
        entries[str(key)] = value
    return entries
