"""A count with its noun, as people write it."""


def plural(count: int, noun: str) -> str:
    """Return "1 row", "2,000 rows": a count with its noun, of which one more letter makes many."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
