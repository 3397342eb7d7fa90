"""The options of each command, and what is said about wrong ones."""

from argparse import ArgumentParser, Namespace
from datetime import date
from typing import Any, NoReturn

from penstock.errors import UsageError, did_you_mean
from penstock.graphs import GRAPHS

OPTIONS: dict[str, dict[str, Any]] = {
    "job": {"nargs": "?", "default": "run", "help": "the job to look at (default: run)"},
    "column": {"metavar": "DATASET[.COLUMN]", "help": "where it comes from and what it feeds"},
    "run": {"metavar": "RUN", "help": "the run whose input versions to read again"},
    "--json": {"action": "store_true", "help": "one JSON document on standard output"},
    "--quiet": {"action": "store_true", "help": "no progress and no summary"},
    "--graph": {"help": "which graph (default: lending)"},
    "--env": {"help": "which environment of conf/ (default: local)"},
    "--as-of": {"metavar": "DATE", "help": "the day the run stands for"},
    "--set": {"action": "append", "metavar": "KEY=VALUE",
              "help": "change one configuration value; repeatable"},
    "--select": {"metavar": "EXPR", "help": "nodes, e.g. '+scores tag:pd,kind:fit'"},
    "--exclude": {"metavar": "EXPR", "help": "nodes to leave out"},
    "--no-skip": {"action": "store_true", "help": "run also what has not changed"},
    "--plan": {"metavar": "FILE", "help": "run a saved plan if nothing has moved"},
    "--save": {"metavar": "FILE", "help": "keep the plan, for run --plan FILE"},
    "--page": {"metavar": "FILE", "help": "write the plan as an HTML page"},
    "--mermaid": {"action": "store_true", "help": "print the graph as Mermaid"},
    "--to": {"metavar": "N", "type": int, "help": "the release to go back to"},
}  # fmt: skip
OF_A_SLICE = (
    "--json", "--quiet", "--graph", "--env", "--as-of", "--set", "--select", "--exclude",
    "--no-skip",
)  # fmt: skip
OPTIONS_OF = {  # the commands that are no slice of a graph
    "plan": ("job", *OF_A_SLICE, "--save", "--page", "--mermaid"),
    "describe": (
        "job", "--json", "--graph", "--env", "--set", "--select", "--exclude", "--mermaid",
    ),
    "lineage": ("column", "--json", "--graph", "--env", "--set"),
    "history": ("--json", "--env", "--set"),
    "rollback": ("--json", "--quiet", "--env", "--set", "--to"),
    "replay": ("run", "--json", "--quiet"),
    "ui": ("--env", "--set"),
}  # fmt: skip


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
        job="" if name in OPTIONS_OF else name, graph="lending", only_graph=None, env="local",
        as_of=None, set=[], select=None, exclude=None, no_skip=False, json=False, quiet=False,
        plan=None, save=None, page=None, mermaid=False, to=None, run=None, column=None,
    )  # fmt: skip
    for option in OPTIONS_OF.get(name, (*OF_A_SLICE, "--plan")):
        parser.add_argument(option, **OPTIONS[option])
    if name == "history":
        parser.add_argument("--graph", dest="only_graph", metavar="GRAPH",
                            help="only the releases of this graph")  # fmt: skip
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


def _check(options: Namespace) -> None:
    if options.as_of is not None and not _is_day(options.as_of):
        raise UsageError(f"--as-of {options.as_of} is no day. Write it as 2025-07-01.")
    graph = options.only_graph or options.graph
    if graph not in GRAPHS:
        raise UsageError(
            f"There is no graph '{graph}'; there are {', '.join(GRAPHS)}."
            f"{did_you_mean(graph, GRAPHS)}"
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
