"""Failures of a node, told to the person who can mend them: node, column, place, cure."""

import re
import traceback

from pyspark.errors import AnalysisException, PySparkException

from penstock.engine.graph import Node
from penstock.errors import Conflict, DataError, NodeFailed, PenstockError, did_you_mean

# How Delta names a commit that lost against another writer's.
_CONFLICTS = re.compile(
    r"DELTA_CONCURRENT|ConcurrentAppend|ConcurrentDelete|ConcurrentTransaction|ConcurrentWrite"
    r"|MetadataChanged|ProtocolChanged|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
)
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded|ENOSPC")
_LONGEST = 600


def is_conflict(error: BaseException) -> bool:
    """Say whether Delta refused a commit because another writer was first."""
    return bool(_CONFLICTS.search(str(error)))


def translate(error: Exception, node: Node) -> PenstockError:
    """Turn what a node raised into an error that says what, where and what to do."""
    if isinstance(error, PenstockError):
        return type(error)(f"Node '{node.name}': {error}")
    text = str(error)
    if is_conflict(error):
        return Conflict(
            f"Node '{node.name}' wrote {', '.join(node.outputs)} at the same moment as another "
            "run. Nothing of this run is published. Wait for the other one, then run again."
        )
    if _DISK_FULL.search(text):
        return NodeFailed(
            f"Node '{node.name}': the disk is full. What is published is untouched. Free space, "
            "or move PENSTOCK_HOME, then resume."
        )
    if isinstance(error, AnalysisException):
        return _analysis(error, node)
    return NodeFailed(f"Node '{node.name}'{_place(error, node)}: {_essence(error)}")


def _analysis(error: AnalysisException, node: Node) -> PenstockError:
    parameters = error.getMessageParameters() or {}
    if error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION":
        name = parameters.get("objectName", "").replace("`", "")
        present = parameters.get("proposal", "").replace("`", "").split(", ")
        near = did_you_mean(name, present) or f" There are {', '.join(present)} and others."
        return DataError(
            f"Node '{node.name}'{_place(error, node)}: there is no column '{name}'.{near}"
        )
    return DataError(f"Node '{node.name}'{_place(error, node)}: {_essence(error)}")


def _place(error: Exception, node: Node) -> str:
    """Return " (file.py, line n)" of the deepest frame in the stage function's own module."""
    own = getattr(getattr(node.function, "__code__", None), "co_filename", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    return f" ({own.rpartition('/')[2]}, line {lines[-1]})" if own and lines else ""


def _essence(error: Exception) -> str:
    """Return the sentence of an error that tells most, without the JVM's stack."""
    text = str(error)
    if not isinstance(error, PySparkException):
        # A Py4J error holds the JVM's trace; its innermost cause is the news.
        causes = re.findall(r"^(?:Caused by: )?([\w.$]+(?:Exception|Error): .+)$", text, re.M)
        text = causes[-1] if causes else text
    first = text.split("\n\nJVM stacktrace")[0].strip().split("\n== SQL")[0]
    return f"{type(error).__name__}: {first[:_LONGEST]}"
