"""What Spark's errors say, in a sentence: the JVM's stack is for its own log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from penstock.errors import DataError

_LONGEST = 600
# How Delta names a commit that lost against another writer's.
_CONFLICTS = re.compile(
    r"DELTA_CONCURRENT|ConcurrentAppend|ConcurrentDelete|ConcurrentTransaction|ConcurrentWrite"
    r"|MetadataChanged|ProtocolChanged|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
)
_CAUSE = re.compile(r"^(?:: |Caused by: )?([\w.$]+(?:Exception|Error): .+)$", re.MULTILINE)


def essence(error: Exception) -> str:
    """Return the sentence of an error that tells most: of a Java trace the innermost cause."""
    text = str(error).strip()
    if not isinstance(error, PySparkException) and (causes := _CAUSE.findall(text)):
        text = causes[-1]
    text = text.split("\n\nJVM stacktrace")[0].split("\n== SQL")[0].strip()
    return f"{type(error).__name__}: {text[:_LONGEST]}"


def is_conflict(error: BaseException) -> bool:
    """Say whether Delta refused a commit because another writer was first."""
    return bool(_CONFLICTS.search(str(error)))


@contextmanager
def readable(name: str, location: str) -> Iterator[None]:
    """Turn whatever Spark says of a source it cannot open into one sentence.

    Raises:
        DataError: It cannot be opened.
    """
    try:
        yield
    except (PySparkException, Py4JError, ValueError) as error:
        raise DataError(
            f"'{name}' cannot be read from {location or 'an empty path'}: {essence(error)}. "
            f"Mend it, or what catalog.{name} says of it."
        ) from error
