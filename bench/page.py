"""The page of all benches, `docs/benchmarks.md`, written from what they measured."""

from collections.abc import Mapping
from typing import Any

from bench.result import Figure, Result

HEAD = """# Benchmarks

Written by `make bench`; change the bench, not this page. `make bench NAME=…` runs one of them and
writes its section anew.
"""
SECTION = "\n## "
ROW = "| `"


def page(results: Mapping[str, Result], machine: Mapping[str, Any]) -> str:
    """Return the page as Markdown: the machine, then a section for each bench."""
    facts = (
        f"{machine['cores']} cores, {machine['memory_gb']} GB of memory, {machine['system']}, "
        f"Python {machine['python']}, pyspark {machine['pyspark']}"
    )
    sections = [_section(name, result) for name, result in results.items()]
    return "".join([f"{HEAD}\nMachine: {facts}.\n", *sections])


def with_section(text: str, name: str, result: Result) -> str:
    """Return the page with the section of one bench made anew; the others stay as they are.

    Of a part of a bench, the other rows of its section stay too.
    """
    head, *sections = text.split(SECTION)
    kept = {section.partition("\n")[0]: section for section in sections}
    rows = _rows_of(kept.get(name, "")) if result.is_part else {}
    kept[name] = _section(name, result, rows).removeprefix(SECTION)
    return SECTION.join([head, *(kept[name] for name in sorted(kept))])


def _section(name: str, result: Result, before: dict[str, str] | None = None) -> str:
    """Write a section; rows that it had before, by figure, keep their places."""
    rows = ["| figure | value | target | what it is |", "|---|---:|---|---|"]
    rows += [*((before or {}) | {figure.name: _row(figure) for figure in result.figures}).values()]
    notes = [f"- {note}" for note in result.notes]
    return "\n".join([f"{SECTION}{name}\n", *rows, "", *notes, ""])


def _rows_of(section: str) -> dict[str, str]:
    """Return the rows of a section by the names of their figures."""
    rows = [line for line in section.splitlines() if line.startswith(ROW)]
    return {row.removeprefix(ROW).partition("`")[0]: row for row in rows}


def _row(figure: Figure) -> str:
    return f"| `{figure.name}` | {figure.shown} | {figure.target} | {figure.meaning} |"
