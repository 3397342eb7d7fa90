"""Locks between the processes of a machine, and their threads."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from penstock.errors import Conflict, SetupError

PATIENCE_S = 300.0
PAUSE_S = 0.05


@contextmanager
def locked(file: Path, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Wait until nobody else holds the lock of this file, and hold it.

    The system lifts the lock of a process that is killed. The file stays, with the number of the
    process that held it last.

    Raises:
        SetupError: The file cannot be made.
        Conflict: Somebody holds the lock longer than `patience_s` seconds, as a process does that
            was stopped in the midst of its work.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("a+", encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"The lock {file} cannot be made ({error.strerror}): mend the rights to its folder."
        ) from error
    with lock:
        _take(lock, file, time.monotonic() + patience_s)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: TextIO, file: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                lock.seek(0)
                raise Conflict(
                    f"Process {lock.read() or '(unknown)'} still holds the lock {file}. If it was "
                    "stopped, let it go on or end it; then run again."
                ) from error
            time.sleep(PAUSE_S)
        else:
            return
