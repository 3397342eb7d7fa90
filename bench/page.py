"""The page of all benches, `docs/benchmarks.md`, written from what they measured."""

from collections.abc import Mapping
from typing import Any

from bench.result import Figure, Result

HEAD = """# Benchmarks

Written by `make bench`; change the bench, not this page. `make bench NAME=…` runs one of them and
writes its section anew.
"""
SECTION = "\n## "


def page(results: Mapping[str, Result], machine: Mapping[str, Any]) -> str:
    """Return the page as Markdown: the machine, then a section for each bench."""
    facts = (
        f"{machine['cores']} cores, {machine['memory_gb']} GB of memory, {machine['system']}, "
        f"Python {machine['python']}, pyspark {machine['pyspark']}"
    )
    sections = [_section(name, result) for name, result in results.items()]
    return "".join([f"{HEAD}\nMachine: {facts}.\n", *sections])


def with_section(text: str, name: str, result: Result) -> str:
    """Return the page with the section of one bench made anew; the others stay as they are."""
    head, *sections = text.split(SECTION)
    kept = {section.partition("\n")[0]: section for section in sections}
    kept[name] = _section(name, result).removeprefix(SECTION)
    return SECTION.join([head, *(kept[name] for name in sorted(kept))])


def _section(name: str, result: Result) -> str:
    rows = ["| figure | value | target | what it is |", "|---|---:|---|---|"]
    rows += [_row(figure) for figure in result.figures]
    notes = [f"- {note}" for note in result.notes]
    return "\n".join([f"{SECTION}{name}\n", *rows, "", *notes, ""])


def _row(figure: Figure) -> str:
    return f"| `{figure.name}` | {figure.shown} | {figure.target} | {figure.meaning} |"
