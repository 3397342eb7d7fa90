"""Rows that nothing can be measured on: all their faults are told in one error."""

from collections.abc import Mapping
from typing import SupportsInt

from penstock.errors import DataError

LEAVE_OUT = "Keep such rows out before measuring."


def refuse_unusable(
    faults: Mapping[str, SupportsInt],
    *,
    purpose: str = "Cannot measure",
    rows: str = "rows",
    cure: str = LEAVE_OUT,
) -> None:
    """Refuse rows, if there are any, with the number of each kind.

    Args:
        faults: What is wrong to the number of rows of which it is, as {"pd null": 3}.
        purpose: What cannot be done with them, as the error begins.
        rows: What a row is.
        cure: What to do about it, as a sentence.

    Raises:
        DataError: There are such rows.
    """
    found = [f"{int(n):,} {rows} with {fault}" for fault, n in faults.items() if int(n)]
    if found:
        raise DataError(f"{purpose}: {'; '.join(found)}. {cure}")
