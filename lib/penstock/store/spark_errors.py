"""What Spark's errors say, in a sentence: the JVM's stack is for its own log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, PySparkException

from penstock.errors import Conflict, DataError, NodeFailed, PenstockError, did_you_mean

_LONGEST = 600
# How Delta names a commit that lost against another writer's.
_CONFLICTS = re.compile(
    r"DELTA_CONCURRENT|ConcurrentAppend|ConcurrentDelete|ConcurrentTransaction|ConcurrentWrite"
    r"|MetadataChanged|ProtocolChanged|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
)
_CAUSE = re.compile(r"^(?:: |Caused by: )?([\w.$]+(?:Exception|Error): .+)$", re.MULTILINE)
_DISK_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|ENOSPC|database or disk is full"
)
_NO_JVM = re.compile(r"ConnectionRefusedError|Py4JNetworkError|Answer from Java side is empty")
_UNREADABLE = re.compile(
    r"CSV header does not conform to the schema|Unexpected end of input stream|ZipException"
    r"|not in GZIP format|incorrect header check|FAILED_READ_FILE[.\w]*"
)
# What another attempt may do better: a lost executor, a barrier stage or a worker that died.
_TRANSIENT = re.compile(
    r"ExecutorLostFailure|Could not recover from a failed barrier|FetchFailed|FETCH_FAILED"
    r"|Python worker exited unexpectedly|executor lost|Connection reset by peer|Broken pipe"
    r"|SparkOutOfMemoryError: No enough memory|Barrier task .* failed"
)
_FILE = re.compile(r"(?:reading file|CSV file:) (\S+?)\.?(?:\s|$)")


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


def is_transient(error: Exception) -> bool:
    """Say whether another attempt may succeed: what was lost was not the node's own doing."""
    if isinstance(error, PenstockError | AnalysisException):
        return isinstance(error, Conflict)
    return is_conflict(error) or bool(_TRANSIENT.search(str(error)))


def outside_fault(error: BaseException, who: str) -> PenstockError | None:
    """Return an error for what lies outside of the code that met it; None if nothing does.

    That is another run's commit, a full disk, a JVM that has ended or a file that cannot be read.

    Args:
        who: What failed, as the sentence begins: "Node 'clean_loans'".
    """
    text = f"{type(error).__name__}: {error}"
    if is_conflict(error):
        return Conflict(
            f"{who} was written at the same moment as another run. Nothing of this run is "
            "published. Wait for the other one, then run again."
        )
    if _DISK_FULL.search(text):
        return NodeFailed(
            f"{who}: the disk is full. What is published is untouched. Free space, or move "
            "PENSTOCK_HOME, then resume."
        )
    if _NO_JVM.search(text):
        return NodeFailed(
            f"{who}: Spark's JVM has ended (killed, or out of memory). What is published is "
            "untouched. See cache/spark.log in the state folder, then resume."
        )
    return _unreadable(text, who)


def spark_fault(error: Exception, who: str) -> PenstockError:
    """Return an error for what was raised by the code at work, with the nearest column's name."""
    if not isinstance(error, AnalysisException):
        return NodeFailed(f"{who}: {essence(error)}")
    parameters = error.getMessageParameters() or {}
    if error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION":
        name = parameters.get("objectName", "").replace("`", "")
        present = parameters.get("proposal", "").replace("`", "").split(", ")
        near = did_you_mean(name, present) or f" There are {', '.join(present)} and others."
        return DataError(f"{who}: there is no column '{name}'.{near}")
    return DataError(f"{who}: {essence(error)}")


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


def _unreadable(text: str, who: str) -> DataError | None:
    """Return what is wrong with a file that was read, if that is what a text says."""
    if "FILE_NOT_EXIST" in text:
        return DataError(
            f"{who}: a file of its input is gone, deleted or taken by a vacuum. Bring it back, or "
            "read a newer version."
        )
    if not (found := _UNREADABLE.search(text)):
        return None
    file = _FILE.search(text)
    return DataError(
        f"{who}: a file cannot be read{f' ({file[1]})' if file else ''}: {found[0]}. Its "
        "header differs from the first file's, or it is cut or damaged. Mend it, then resume."
    )
