"""The exceptions of penstock: one class for each thing a reader can do about it.

Every message says what is wrong, which value, where it came from and what to do. The exit code of a
command is the `exit_code` of the exception that ended it.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class PenstockError(Exception):
    """Anything penstock refuses or fails at, with a message for the person who started it."""

    exit_code = 5


class UsageError(PenstockError):
    """The command line is wrong: call again, corrected."""

    exit_code = 2


class ConfigError(PenstockError):
    """A configuration file or `--set` is wrong: mend the named key."""

    exit_code = 2


class GraphError(PenstockError):
    """The graph is wired wrongly: mend the named node."""

    exit_code = 2


class SetupError(PenstockError):
    """The machine or the environment does not fit: install or change what is named."""

    exit_code = 2


class DataError(PenstockError):
    """Input data broke their contract: mend the named file, column or rows."""

    exit_code = 3


class GateClosed(PenstockError):
    """A gate said no: the candidate is not good enough, and nothing behind the gate has run."""

    exit_code = 4


class NodeFailed(PenstockError):
    """A node failed for a reason outside its data: read the cause, then resume."""

    exit_code = 5


class Conflict(PenstockError):
    """Another run published first, or is still at work on this state: look, then run again."""

    exit_code = 6


class Interrupted(PenstockError):
    """Somebody stopped the run: go on from it when you like."""

    exit_code = 130


def first_cause(error: BaseException) -> str:
    """Return, on a line, what was raised first where one error came of another."""
    while earlier := error.__cause__ or error.__context__:
        error = earlier
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or nothing if none is near.

    Capitals, and blanks at the ends, do not count.
    """
    names = {_plain(candidate): candidate for candidate in known}
    matches = get_close_matches(_plain(name), names, n=1, cutoff=0.6)
    return f" Did you mean '{names[matches[0]]}'?" if matches else ""


def together(faults: Sequence[PenstockError]) -> PenstockError:
    """Return one fault as it is, and several, found before anything ran, listed in one error."""
    if len(faults) == 1:
        return faults[0]
    listed = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(faults, start=1))
    return type(faults[0])(f"{len(faults)} faults, and nothing was run:\n{listed}")


def _plain(name: str) -> str:
    return str(name).strip().casefold()  # what YAML reads of an unquoted no is no text
