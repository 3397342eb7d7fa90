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
        low: Lower bound of its interval; None with the ratio.
        high: Upper bound of the same.
    """

    name: str
    approvals: Approvals
    ratio: float | None
    low: float | None
    high: float | None

    def light(self, min_ratio: float) -> str:
        """Return red if the whole interval is below, amber if the ratio is; "" without a ratio."""
        if self.ratio is None or self.high is None:
            return ""
        if self.ratio >= min_ratio:
            return "green"
        return "amber" if self.high >= min_ratio else "red"


def compare_approvals(
    groups: ReferenceGroups[Approvals], *, level: float
) -> list[ComparedApprovals]:
    """Return the groups beside the reference, which is among them.

    Args:
        level: Confidence of the intervals, 0-1.

    Source:
        As of `compare_groups`.
    """
    if groups.reference is None:
        return []
    beside = groups.groups[groups.reference]
    return [_compared(name, group, beside, level) for name, group in groups.groups.items()]


def _compared(name: str, group: Approvals, beside: Approvals, level: float) -> ComparedApprovals:
    if not beside.approved:
        return ComparedApprovals(name, group, None, None, None)
    counts = ((each.approved, each.applications) for each in (group, beside))
    low, high = ratio_interval(*counts, level=level)
    return ComparedApprovals(name, group, group.rate / beside.rate, low, high)
