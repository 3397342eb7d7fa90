"""Failures of a node, told to the person who can mend them: node, column, place, cure."""

import re
import traceback

from pyspark.errors import AnalysisException

from penstock.engine.nodes import Node
from penstock.errors import (
    Conflict,
    DataError,
    GateClosed,
    NodeFailed,
    PenstockError,
    did_you_mean,
)
from penstock.store.spark_errors import essence, is_conflict

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


def is_transient(error: Exception) -> bool:
    """Say whether another attempt may succeed: what was lost was not the node's own doing."""
    if isinstance(error, PenstockError | AnalysisException):
        return isinstance(error, Conflict)
    return is_conflict(error) or bool(_TRANSIENT.search(str(error)))


def translate(error: Exception, who: str, node: Node | None = None) -> PenstockError:
    """Turn what was raised into an error that says what, where and what to do.

    Args:
        who: What failed, as the sentence begins: "Node 'clean_loans'".
        node: The node, if one failed.
    """
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, PenstockError):
        is_told = isinstance(error, GateClosed | Conflict)
        return type(error)(f"{who}{'' if is_told else _place(error, node)}: {error}")
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
    if unreadable := _unreadable(text, who):
        return unreadable
    who = f"{who}{_place(error, node)}"
    return (
        _analysis(error, who)
        if isinstance(error, AnalysisException)
        else NodeFailed(f"{who}: {essence(error)}")
    )


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


def _analysis(error: AnalysisException, who: str) -> PenstockError:
    parameters = error.getMessageParameters() or {}
    if error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION":
        name = parameters.get("objectName", "").replace("`", "")
        present = parameters.get("proposal", "").replace("`", "").split(", ")
        near = did_you_mean(name, present) or f" There are {', '.join(present)} and others."
        return DataError(f"{who}: there is no column '{name}'.{near}")
    return DataError(f"{who}: {essence(error)}")


def _place(error: Exception, node: Node | None) -> str:
    """Return " (file.py, line n)": the deepest frame in the stage function's own module.

    Where the fault showed outside of it, the line where the function begins.
    """
    code = getattr(node.function, "__code__", None) if node else None
    own = getattr(code, "co_filename", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    lines = lines or [code.co_firstlineno] if code else []
    return f" ({own.rpartition('/')[2]}, line {lines[-1]})" if own and lines else ""
