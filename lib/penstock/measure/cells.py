"""Cells: the rows of a grouped query, to be added up by one thing or another."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from pyspark.sql import Row

Cells = Sequence[Row]


def grouped(cells: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Return the cells by what `key` says of each, in order of the keys."""
    groups: dict[Any, list[Row]] = {}
    for cell in sorted(cells, key=key):
        groups.setdefault(key(cell), []).append(cell)
    return groups


def total(cells: Iterable[Row], name: str) -> Decimal:
    """Return the sum of a column of whole numbers or decimals, exact; null adds nothing."""
    return sum((Decimal(cell[name]) for cell in cells if cell[name] is not None), Decimal(0))


def ratio(part: Decimal, whole: Decimal) -> float | None:
    """Return part / whole; None of nothing."""
    return float(part / whole) if whole else None
