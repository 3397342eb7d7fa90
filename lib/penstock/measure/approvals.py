"""Approvals of groups beside those of a reference: adverse impact ratios. Values only."""

from dataclasses import dataclass

from penstock.measure.fairness import ratio_interval
from penstock.measure.reference_groups import ReferenceGroups


@dataclass(frozen=True)
class Approvals:
    """What was decided on some applications.

    Attributes:
        applications: All of them.
        approved: Those approved.
    """

    applications: int
    approved: int

    def __add__(self, other: "Approvals") -> "Approvals":
        """Return the decisions on both."""
        return Approvals(self.applications + other.applications, self.approved + other.approved)

    @property
    def rate(self) -> float:
        """Share approved, 0-1; there are some applications."""
        return self.approved / self.applications


@dataclass(frozen=True)
class ComparedApprovals:
    """The approvals of a group beside those of the reference.

    Attributes:
        ratio: Adverse impact ratio; None if nobody of the reference is approved.
        low: Lower bound of its interval; None with the ratio, and of the reference itself.
        high: Upper bound of the same.
    """

    name: str
    approvals: Approvals
    ratio: float | None
    low: float | None
    high: float | None

    def light(self, min_ratio: float) -> str:
        """Return red if the whole interval is below, amber if the ratio is; "" without a ratio."""
        if self.ratio is None:
            return ""
        is_wholly_below = self.high is not None and self.high < min_ratio
        return "green" if self.ratio >= min_ratio else "red" if is_wholly_below else "amber"


def compare_approvals(
    groups: ReferenceGroups[Approvals], *, level: float
) -> list[ComparedApprovals]:
    """Return the groups beside the reference, which is among them.

    Args:
        level: Confidence of the intervals, 0-1.

    Source:
        As of `compare_groups`.
    """
    return [_compared(name, groups, level) for name in groups.groups]


def _compared(name: str, groups: ReferenceGroups[Approvals], level: float) -> ComparedApprovals:
    assert groups.reference is not None  # where there is a group, there is one
    group, beside = groups.groups[name], groups.groups[groups.reference]
    if not beside.approved:
        return ComparedApprovals(name, group, None, None, None)
    if name == groups.reference:
        return ComparedApprovals(name, group, 1.0, None, None)
    counts = ((each.approved, each.applications) for each in (group, beside))
    low, high = ratio_interval(*counts, level=level)
    return ComparedApprovals(name, group, group.rate / beside.rate, low, high)
