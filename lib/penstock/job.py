"""A job: what the command line asks for, checked as far as it can be without Spark."""

import argparse
import json
import os
import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from penstock.conf import KIND_OF, Conf, is_source, load_conf
from penstock.engine.binding import bind_parameters, check_catalog
from penstock.engine.graph import Graph
from penstock.errors import UsageError, did_you_mean
from penstock.graphs import GRAPHS, load_graph
from penstock.store.home import Home

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """A command, checked as far as it can be without Spark."""

    name: str
    arguments: list[str]
    options: argparse.Namespace
    home: Home
    conf: Conf
    whole: Graph
    graph: Graph
    params: dict[str, dict[str, Any]]
    resumes: dict[str, Any] | None

    @property
    def command(self) -> str:
        """The command line that starts the same job again."""
        return shlex.join(["./spark-submit.sh", self.name, *_without_resume(self.arguments)])


def prepare_job(name: str, arguments: list[str]) -> Job:
    """Read the options and the configuration, cut the graph and check everything but the data.

    Raises:
        UsageError, ConfigError, GraphError: What is wrong and what to do.
    """
    options = _parse(name, arguments)
    overrides = list(options.set)
    if options.as_of is not None:
        overrides.append(f"params.common.as_of={options.as_of}")
    home = Home(Path(os.environ.get("PENSTOCK_HOME") or PROJECT / "var").resolve())
    conf = load_conf(PROJECT / "conf", options.env, overrides)
    whole = load_graph(options.graph).fed_by(
        [dataset for dataset, entry in conf.catalog.items() if is_source(entry)]
    )
    check_catalog(whole, {dataset: KIND_OF[type(entry)] for dataset, entry in conf.catalog.items()})
    params = bind_parameters(whole, conf.params)
    part = whole.jobs.get(name)
    graph = whole.upto(part.targets, part.given) if part else whole
    earlier = _earlier_run(options.resume, home, whole)
    return Job(name, arguments, options, home, conf, whole, graph, params, earlier)


def _parse(name: str, arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(prog=f"./spark-submit.sh {name}", allow_abbrev=False)
    parser.add_argument("--graph", default="lending", help="which graph (default: lending)")
    parser.add_argument("--env", default="local", help="which environment of conf/")
    parser.add_argument("--as-of", metavar="DATE", help="the day the run stands for")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="change one configuration value; repeatable")  # fmt: skip
    parser.add_argument("--resume", metavar="RUN", help="go on from a run that did not finish")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    options = parser.parse_args(arguments)
    if options.as_of is not None and not _is_day(options.as_of):
        raise UsageError(f"--as-of {options.as_of} is no day. Write it as 2025-07-01.")
    if options.graph not in GRAPHS:
        raise UsageError(
            f"There is no graph '{options.graph}'; there are {', '.join(GRAPHS)}."
            f"{did_you_mean(options.graph, GRAPHS)}"
        )
    return options


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        unknown = message.partition("unrecognized arguments: ")[2].split(" ")[0].split("=")[0]
        raise UsageError(f"{self.prog}: {message}.{did_you_mean(unknown, known)}")


def _without_resume(arguments: list[str]) -> list[str]:
    kept = [a for a in arguments if not a.startswith("--resume=")]
    if "--resume" in kept:
        at = kept.index("--resume")
        del kept[at : at + 2]
    return kept


def _earlier_run(run_id: str | None, home: Home, graph: Graph) -> dict[str, Any] | None:
    if run_id is None:
        return None
    path = home.run_folder(run_id) / "run.json"
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        runs = home.root / "runs"
        known = [p.name for p in runs.iterdir()] if runs.is_dir() else []
        raise UsageError(
            f"There is no run '{run_id}' under {runs}.{did_you_mean(run_id, known)}"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}). Start a new run.") from error
    needed = {"run_id", "graph", "nodes", "datasets", "config"}
    if not isinstance(earlier, dict) or not needed <= earlier.keys():
        raise UsageError(f"{path} is no record of a run. Start a new run.")
    if earlier["graph"] != graph.name:
        raise UsageError(f"Run '{run_id}' ran the graph '{earlier['graph']}'; add --graph.")
    return earlier
