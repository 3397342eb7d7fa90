"""`make bench`: find the benches, run one or all, print what they measured.

All of them together write `docs/benchmarks.md`; one alone writes its section of it.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from bench.page import page, with_section
from bench.result import Result, machine
from penstock.errors import PenstockError, UsageError, did_you_mean
from penstock.store.home import write_text

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "benchmarks.md"


def main(names: list[str]) -> None:
    """Run the benches named, or all of them."""
    benches = find_benches()
    for name in names:
        if name not in benches:
            raise UsageError(
                f"There is no bench '{name}'; there are {', '.join(benches)}."
                f"{did_you_mean(name, benches)}"
            )
    found = {name: run_bench(name, benches[name]) for name in names or benches}
    # Of what could not be measured, the notes have said why.
    results = {name: result for name, result in found.items() if result.figures}
    text = page(results, machine())
    if names:
        text = PAGE.read_text("utf-8")
        for name, result in results.items():
            text = with_section(text, name, result)
    write_text(PAGE, text)
    print(f"Written: {PAGE.relative_to(FOLDER.parent)}", file=sys.stderr)


def find_benches() -> dict[str, Callable[[], Result]]:
    """Return each module of this folder that has a function `measure`, by its name."""
    modules = {
        path.stem: import_module(f"bench.{path.stem}")
        for path in sorted(FOLDER.glob("*.py"))
        if not path.stem.startswith("_")
    }
    return {name: m.measure for name, m in modules.items() if hasattr(m, "measure")}


def run_bench(name: str, measure: Callable[[], Result]) -> Result:
    """Measure, print the table and the notes, and as the last line the figures as JSON."""
    print(f"Measuring {name} ...", file=sys.stderr)
    result = measure()
    width = max((len(figure.name) for figure in result.figures), default=0)
    for figure in result.figures:
        target = f" ({figure.target})" if figure.target else ""
        print(f"{figure.name:{width}}  {figure.shown:>10}  {figure.meaning}{target}")
    for note in result.notes:
        print(note)
    figures = {figure.name: figure.value for figure in result.figures}
    print(json.dumps({"benchmark": name, "machine": machine(), "figures": figures}), flush=True)
    return result


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PenstockError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
