"""Failures of a node, told to the person who can mend them: node, column, place, cure."""

import traceback

from penstock.engine.nodes import Node
from penstock.errors import Conflict, GateClosed, NodeFailed, PenstockError, SetupError
from penstock.store.spark_errors import outside_fault, spark_fault


def translate(error: BaseException, who: str, node: Node | None = None) -> PenstockError:
    """Turn what was raised into an error that says what, where and what to do.

    Args:
        who: What failed, as the sentence begins: "Node 'clean_loans'".
        node: The node, if one failed.
    """
    if isinstance(error, PenstockError):
        is_told = isinstance(error, GateClosed | Conflict | SetupError)
        return type(error)(f"{who}{'' if is_told else _place(error, node)}: {error}")
    if outside := outside_fault(error, who):
        return outside
    who = f"{who}{_place(error, node)}"
    if isinstance(error, Exception):
        return spark_fault(error, who)
    return NodeFailed(
        f"{who}: {error!r} ends a process, and would end the run. Raise an error that says what is "
        "wrong instead."
    )


def _place(error: BaseException, node: Node | None) -> str:
    """Return " (file.py, line n)": the deepest frame in the stage function's own module.

    Where the fault showed outside of it, the line where the function begins.
    """
    code = getattr(node.function, "__code__", None) if node else None
    own = getattr(code, "co_filename", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    lines = lines or [code.co_firstlineno] if code else []
    return f" ({own.rpartition('/')[2]}, line {lines[-1]})" if own and lines else ""
