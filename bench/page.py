"""The page of all benches, `docs/benchmarks.md`, written from what they measured."""

from collections.abc import Mapping
from typing import Any

from bench.result import Figure, Result

HEAD = """# Benchmarks

Written by `make bench`; change the bench, not this page. `make bench NAME=…` runs one of them.
"""


def page(results: Mapping[str, Result], machine: Mapping[str, Any]) -> str:
    """Return the page as Markdown: the machine, then a section for each bench."""
    facts = (
        f"{machine['cores']} cores, {machine['memory_gb']} GB of memory, {machine['system']}, "
        f"Python {machine['python']}, pyspark {machine['pyspark']}"
    )
    sections = [_section(name, result) for name, result in results.items()]
    return "\n".join([HEAD, f"Machine: {facts}.", *sections])


def _section(name: str, result: Result) -> str:
    rows = ["| figure | value | target | what it is |", "|---|---:|---|---|"]
    rows += [_row(figure) for figure in result.figures]
    notes = [f"- {note}" for note in result.notes]
    return "\n".join([f"\n## {name}\n", *rows, "", *notes, ""])


def _row(figure: Figure) -> str:
    return f"| `{figure.name}` | {figure.shown} | {figure.target} | {figure.meaning} |"
