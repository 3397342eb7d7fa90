"""The history of a policy: its versions, each with the days it is in force."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator

from penstock.documents import Documents
from penstock.errors import ConfigError
from penstock.lending.policy.policy import Policy
from penstock.lending.policy.reading import read_policy


class PolicyHistory:
    """The versions of a policy, the oldest first. As a text it is what fingerprints are made of.

    Attributes:
        documents: What they were read from.
    """

    def __init__(self, documents: Documents, versions: tuple[Policy, ...]) -> None:
        self.documents, self.versions = documents, versions

    def __repr__(self) -> str:
        return self.documents.path

    def __str__(self) -> str:
        return str(self.documents)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyHistory) and other.documents == self.documents

    def __hash__(self) -> int:
        return hash(self.documents)

    def in_force(self, day: dt.date) -> Policy:
        """Return the version in force on a day.

        Raises:
            ConfigError: There was none yet, or there is none any more.
        """
        begun = [policy for policy in self.versions if policy.effective_from <= day]
        if begun and (begun[-1].effective_until or day) >= day:
            return begun[-1]
        cause = f"the last one ended on {begun[-1].effective_until}" if begun else (
            f"the first one begins on {self.versions[0].effective_from}"
        )  # fmt: skip
        raise ConfigError(
            f"{self.documents.path}: no version of the policy is in force on {day}; {cause}. Add a "
            "version, or ask for another day."
        )


def read_history(documents: Documents) -> PolicyHistory:
    """Read a policy's versions and hold their days against each other.

    Args:
        documents: One for each version.

    Raises:
        ConfigError: A version that is wrong, with file, line and cure; versions that stand twice;
            days that two versions are in force on, or none is.
    """
    read = [(read_policy(document), document) for document in documents.files]
    read.sort(key=lambda pair: pair[0].effective_from)
    for (earlier, _), (later, document) in zip(read, read[1:], strict=False):
        for key, fault in _faults(earlier, later):
            raise ConfigError(f"{document.place(key)}: {fault}")
    return PolicyHistory(documents, tuple(policy for policy, _ in read))


def _faults(earlier: Policy, later: Policy) -> list[tuple[str, str]]:
    until, day = earlier.effective_until, dt.timedelta(days=1)
    checks: list[tuple[bool, str, Callable[[], str]]] = [
        (later.name != earlier.name, "policy", lambda: (
            f"'{later.name}' lies beside '{earlier.name}'; a folder holds the versions of one "
            "policy. Move it."
        )),
        (later.version == earlier.version, "version", lambda: (
            f"version {later.version} stands twice. Give each file a version of its own."
        )),
        (later.effective_from == earlier.effective_from, "effective_from", lambda: (
            f"versions {earlier.version} and {later.version} both begin on {later.effective_from}. "
            "Move one of them."
        )),
        (until is not None and until >= later.effective_from, "effective_from", lambda: (
            f"version {later.version} begins on {later.effective_from}, but {earlier.version} ends "
            f"on {until}. Begin later, or end that one on {later.effective_from - day}."
        )),
        (until is not None and until + day < later.effective_from, "effective_from", lambda: (
            f"no version is in force after {until} and before {later.effective_from}. Begin on "
            f"{until and until + day}, or take effective_until out of version {earlier.version}."
        )),
    ]  # fmt: skip
    return [(key, told()) for is_wrong, key, told in checks if is_wrong]


def _read_parameter(value: Any) -> PolicyHistory:
    if not isinstance(value, Documents):
        raise ValueError(
            "it must be a file or folder below conf/: write ${files:base/policies/NAME}"
        )
    return read_history(value)


# A parameter that names the files of a policy: it is read before anything runs.
Policies = Annotated[PolicyHistory, BeforeValidator(_read_parameter)]
