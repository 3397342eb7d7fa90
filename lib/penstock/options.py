"""The options of each command, and what is said about wrong ones."""

from argparse import ArgumentParser, Namespace
from datetime import date
from typing import NoReturn

from penstock.errors import UsageError, did_you_mean
from penstock.graphs import GRAPHS

# Commands that are no slice of a graph.
NO_SLICE = ("plan", "describe", "lineage", "history", "rollback", "replay", "ui")


def parse_options(name: str, arguments: list[str]) -> Namespace:
    """Take a job's options apart; each job has those that mean something to it.

    Returns:
        Every option of every job, those that this one lacks with their defaults; `job` is the
        slice of the graph that is meant.

    Raises:
        UsageError: An option that the job does not have, or a value that cannot be.
    """
    parser = _Parser(prog=f"./spark-submit.sh {name}", allow_abbrev=False)
    parser.set_defaults(
        job="", select=None, exclude=None, no_skip=False, plan=None, save=None, page=None,
        mermaid=False, to=None, run=None, column=None,
    )  # fmt: skip
    _add_common(parser, is_configured=name != "replay")
    if name in ("plan", "describe"):
        parser.add_argument("job", nargs="?", default="run", help="the job to look at")
        parser.add_argument("--mermaid", action="store_true", help="print the graph as Mermaid")
    if name == "plan":
        parser.add_argument("--save", metavar="FILE", help="keep the plan, for run --plan FILE")
        parser.add_argument("--page", metavar="FILE", help="write the plan as an HTML page")
    if name == "rollback":
        parser.add_argument("--to", metavar="N", type=int, help="the release to go back to")
    elif name == "replay":
        parser.add_argument("run", metavar="RUN", help="the run whose input versions to read again")
    elif name == "lineage":
        parser.add_argument("column", metavar="DATASET[.COLUMN]", help="where it comes from")
    elif name not in ("history", "ui"):
        _add_selection(parser)
    if name not in NO_SLICE:
        parser.add_argument("--plan", metavar="FILE", help="run a saved plan if nothing has moved")
        parser.set_defaults(job=name)
    options = parser.parse_args(arguments)
    _check(options)
    return options


def run_arguments(options: Namespace) -> list[str]:
    """Return the arguments that make the job of a plan run as it was planned."""
    single = ("graph", "env", "as_of", "select", "exclude")
    given = [(name, vars(options)[name]) for name in single]
    given += [("set", value) for value in options.set]
    words = [w for n, v in given if v is not None for w in (f"--{n.replace('_', '-')}", str(v))]
    return [*words, *(["--no-skip"] if options.no_skip else [])]


def _add_common(parser: ArgumentParser, *, is_configured: bool) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    if not is_configured:
        parser.set_defaults(graph="lending", env="local", as_of=None, set=[])
        return
    parser.add_argument("--graph", default="lending", help="which graph (default: lending)")
    parser.add_argument("--env", default="local", help="which environment of conf/")
    parser.add_argument("--as-of", metavar="DATE", help="the day the run stands for")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="change one configuration value; repeatable")  # fmt: skip


def _add_selection(parser: ArgumentParser) -> None:
    parser.add_argument("--select", metavar="EXPR", help="nodes, e.g. '+scores tag:pd,kind:fit'")
    parser.add_argument("--exclude", metavar="EXPR", help="nodes to leave out")
    parser.add_argument("--no-skip", action="store_true", help="run also what has not changed")


def _check(options: Namespace) -> None:
    if options.as_of is not None and not _is_day(options.as_of):
        raise UsageError(f"--as-of {options.as_of} is no day. Write it as 2025-07-01.")
    if options.graph not in GRAPHS:
        raise UsageError(
            f"There is no graph '{options.graph}'; there are {', '.join(GRAPHS)}."
            f"{did_you_mean(options.graph, GRAPHS)}"
        )


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        unknown = message.partition("unrecognized arguments: ")[2].split(" ")[0].split("=")[0]
        raise UsageError(f"{self.prog}: {message}.{did_you_mean(unknown, known)}")
