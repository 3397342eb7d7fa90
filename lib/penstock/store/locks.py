"""Locks between the processes of a machine, and their threads."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.errors import SetupError


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Wait until nobody else holds the lock of this file, and hold it.

    The system lifts the lock of a process that is killed; the empty file stays.

    Raises:
        SetupError: The file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("a", encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"The lock {file} cannot be made ({error.strerror}): mend the rights to its folder."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
