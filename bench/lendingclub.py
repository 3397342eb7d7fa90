"""Real loans: the file that LENDINGCLUB names, and the main job on it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.command import Run, run_job
from penstock.errors import UsageError

LENDINGCLUB = "LENDINGCLUB"
NOT_MEASURED = f"lendingclub was not measured: {LENDINGCLUB} names no file."


def lendingclub_file() -> Path | None:
    """Return the file of real loans that LENDINGCLUB names; None if it names none.

    Raises:
        UsageError: There is no such file.
    """
    given = os.environ.get(LENDINGCLUB)
    if not given:
        return None
    file = Path(given).absolute()
    if not file.is_file():
        raise UsageError(f"{LENDINGCLUB} is '{given}', and there is no such file.")
    return file


def runs_on(file: Path | None, home: Path, options: Mapping[str, Sequence[str]]) -> dict[str, Run]:
    """Run the main job on the file once for each name, by its options; not at all without a file.

    Each run has a state folder of its own, below `home`, which is called as the run.
    """
    if file is None:
        return {}
    named = ("--env", "lendingclub", "--set", f"catalog.raw_loans.path={file}")
    return {name: run_job(home / name, *named, *words) for name, words in options.items()}
