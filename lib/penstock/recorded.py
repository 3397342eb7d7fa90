"""A run as its record has it: what a replay of it reads, and is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWN_COMMIT = 12  # characters


@dataclass(frozen=True)
class Recorded:
    """A run that is to be done again.

    Attributes:
        run: Its `run.json`.
        plan: Its `plan.json`: the plan that it ran by.
    """

    run_id: str
    run: Mapping[str, Any]
    plan: Mapping[str, Any]

    @property
    def nodes(self) -> dict[str, Mapping[str, Any]]:
        """The nodes of its plan, run or skipped, by name."""
        return {node["name"]: node for node in self.plan["nodes"]}

    @property
    def pinned(self) -> dict[str, str]:
        """Dataset to the version that it read."""
        return {d["name"]: d["version"] for d in self.run["datasets"] if d["role"] != "output"}

    @property
    def commit(self) -> str:
        """By which code it ran, as a sentence without its full stop."""
        commit = self.run.get("git_commit")
        if not commit:
            return "The commit that it ran at is not known"
        changed = ", with changes that were not committed" if self.run.get("git_dirty") else ""
        return f"It ran at commit {commit[:SHOWN_COMMIT]}{changed}"
