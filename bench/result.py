"""What a bench hands back: named figures, and sentences on how to read them."""

import os
import platform
from dataclasses import dataclass
from typing import Any

from penstock.versions import installed_versions


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: Lower case, with its unit at the end (`_s`, `_mb`); the same in every run.
        meaning: What was measured, in a phrase.
        at_most: Largest value that meets the target; None: there is no target.
    """

    name: str
    value: float
    meaning: str
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The target and whether it is met; empty without one."""
        if self.at_most is None:
            return ""
        return f"<= {self.at_most:g}, {'met' if self.value <= self.at_most else 'MISSED'}"

    @property
    def shown(self) -> str:
        """The value as people read it: whole from a thousand up, else four digits."""
        return f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.4g}"  # noqa: PLR2004


@dataclass(frozen=True)
class Result:
    """What one bench measured; `notes` say how, and what was left out and why.

    Attributes:
        is_part: Whether other figures of the bench, of an earlier run, stand beside these.
    """

    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    is_part: bool = False


def machine() -> dict[str, Any]:
    """Return what absolute times depend on; nothing that tells whose machine it is."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = installed_versions()
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(gigabytes, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "pyspark": versions["pyspark"],
    }
