"""Real public data, if they lie beside the repository."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name):
    """Return the path of a file, or skip the test and say which file is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data, beside the repository")
    return path
