"""Groups of enough rows, one of which the others are compared with. Values only."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from penstock.errors import DataError, did_you_mean
from penstock.measure.intervals import CONFIDENCE
from penstock.plural import plural

T = TypeVar("T")


@dataclass(frozen=True)
class ReferenceGroups(Generic[T]):
    """The groups of an attribute that can be compared.

    Attributes:
        groups: Group to what is known of it, in order of the names.
        reference: The one that others are compared with; None if there is none.
        hidden: Groups of too few rows.
        hidden_rows: Rows of these.
    """

    groups: Mapping[str, T]
    reference: str | None
    hidden: int
    hidden_rows: int

    @classmethod
    def of(
        cls,
        groups: Mapping[str, T],
        *,
        rows: Callable[[T], int],
        first: Callable[[T], float],
        reference: str | None,
        min_rows: int,
    ) -> "ReferenceGroups[T]":
        """Return the groups of enough rows.

        Args:
            groups: Group to what is known of it, in order of the names.
            rows: Number of its rows.
            first: What is greatest of the reference, where none is named.
            reference: What to compare with; None: the first.
            min_rows: Groups with fewer rows are left out.

        Raises:
            DataError: The reference is left out, or does not exist.
        """
        shown = {name: group for name, group in groups.items() if rows(group) >= min_rows}
        if reference is None:
            reference = max(shown, key=lambda name: first(shown[name]), default=None)
        elif reference not in shown:
            raise DataError(
                f"The reference group '{reference}' has fewer than {min_rows:,} rows to compare "
                f"with, or does not exist.{did_you_mean(reference, shown)}"
            )
        hidden = [rows(group) for name, group in groups.items() if name not in shown]
        return cls(shown, reference, len(hidden), sum(hidden))

    @property
    def comparisons(self) -> int:
        """Groups beside the reference."""
        return max(len(self.groups) - 1, 0)

    def title(self, what: str, *, row: str, at_once: int) -> str:
        """Return the title of their table.

        Args:
            what: What is compared, and by which attribute.
            row: What a row is, in the singular.
            at_once: Comparisons that the intervals hold for.
        """
        hidden = (
            f"; not shown: {plural(self.hidden, 'smaller group')} ({plural(self.hidden_rows, row)})"
            if self.hidden
            else ""
        )
        held = (
            f"; the {CONFIDENCE:.0%} intervals hold for all {at_once} comparisons at once"
            if at_once > 1
            else ""
        )
        return f"{what}, beside {self.reference or 'no group'}{hidden}{held}"


def count_comparisons(attributes: Iterable[ReferenceGroups[Any]]) -> int:
    """Return how many groups of all attributes are compared."""
    return sum(groups.comparisons for groups in attributes)


def level_at_once(comparisons: int) -> float:
    """Return the confidence of each interval with which so many hold at once with 95 %.

    Of many groups that are treated alike, some would else look worse by chance.

    Source:
        Bonferroni's inequality.
    """
    return 1 - (1 - CONFIDENCE) / max(comparisons, 1)
