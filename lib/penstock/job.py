"""A job: what the command line asks for, checked as far as it can be without Spark."""

import json
import os
import shlex
from argparse import Namespace
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.binding import bind_parameters, check_catalog
from penstock.conf import KIND_OF, Conf, is_source, load_conf
from penstock.engine.graph import Graph
from penstock.errors import DataError, UsageError, did_you_mean
from penstock.graphs import load_graph
from penstock.options import parse_options, run_arguments
from penstock.recorded import Recorded
from penstock.select import select_nodes
from penstock.spark_settings import row_settings
from penstock.store.home import Home

PROJECT = Path(__file__).resolve().parents[2]
# What a document must hold to be one.
_NEEDED: dict[str, dict[str, type]] = {
    "plan": {
        "job": str,
        "arguments": list,
        "nodes": list,
        "sources": list,
        "release": int,
        "code": dict,
    },
    "run": {"command": str, "datasets": list, "nodes": list, "graph": str},
}


@dataclass(frozen=True)
class Job:
    """A command, checked as far as it can be without Spark.

    Attributes:
        name: The command; `part` names the slice of the graph that it is about.
        graph: That slice, or the nodes selected of it.
        code: Node to the hashes of its functions' source, as it was when they were loaded.
        settings: Those settings of Spark that can change rows.
        recorded: The run that is to be replayed, if one is.
        saved: The saved plan that is to be run, if one is.
    """

    name: str
    arguments: list[str]
    options: Namespace
    home: Home
    conf: Conf
    whole: Graph
    graph: Graph
    params: dict[str, dict[str, Any]]
    code: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, str]
    recorded: Recorded | None = None
    saved: Mapping[str, Any] | None = None

    @property
    def command(self) -> str:
        """The command line that starts the same job again."""
        return shlex.join(["./spark-submit.sh", self.name, *self.arguments])

    @property
    def asks_results(self) -> bool:
        """Whether the selection speaks of how the last run went."""
        return self._selects_by("result:")

    @property
    def skips(self) -> bool:
        """Whether what has not changed is skipped; a replay is there to be run."""
        return not (self.options.no_skip or self.recorded)

    @property
    def pinned(self) -> Mapping[str, str]:
        """Dataset to the version to read instead of the newest: those of a run to replay."""
        return self.recorded.pinned if self.recorded else {}

    @property
    def needs_states(self) -> bool:
        """Whether the selection speaks of what has changed, which only a plan can tell."""
        return self._selects_by("state:")

    def with_states(self, changed: Collection[str]) -> "Job":
        """Return the job with its selection made, knowing which nodes have changed."""
        return replace(self, graph=self._selected(changed))

    def _selects_by(self, method: str) -> bool:
        return method in f"{self.options.select or ''} {self.options.exclude or ''}"

    def _selected(self, changed: Collection[str] | None) -> Graph:
        if not (self.options.select or self.options.exclude):
            return self.graph
        names = select_nodes(
            self.graph,
            self.options.select or "*",
            exclude=self.options.exclude or "",
            changed=changed,
            results=_last_results(self.home, self.whole.name) if self.asks_results else None,
        )
        kinds = {name: KIND_OF[type(entry)] for name, entry in self.conf.catalog.items()}
        lazy = [name for name, kind in kinds.items() if kind == "memory"]
        return self.whole.only(_with_makers(self.whole, names, lazy))


def prepare_job(name: str, arguments: list[str]) -> Job:
    """Read the options and the configuration, cut the graph and check everything but the data.

    Raises:
        UsageError, ConfigError, GraphError: What is wrong and what to do.
    """
    options = parse_options(name, arguments)
    home = Home(Path(os.environ.get("PENSTOCK_HOME") or PROJECT / "var").resolve())
    if options.plan:
        return _saved_job(name, options, home)
    if name == "replay":
        return _replayed_job(options, home)
    overrides = list(options.set)
    if options.as_of is not None:
        overrides.append(f"params.common.as_of={options.as_of}")
    conf = load_conf(PROJECT / "conf", options.env, overrides)
    whole = load_graph(options.graph).fed_by(
        [dataset for dataset, entry in conf.catalog.items() if is_source(entry)]
    )
    check_catalog(whole, {dataset: KIND_OF[type(entry)] for dataset, entry in conf.catalog.items()})
    params = bind_parameters(whole, conf.params, conf.origins.told)
    # As loaded: a file that is edited while Spark starts is not what will run.
    code = {node.name: node.code for node in whole.nodes}
    part = _slice(whole, options.job)
    settings = row_settings(conf.spark, os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    job = Job(name, arguments, options, home, conf, whole, part, params, code, settings)
    return job if job.needs_states else job.with_states(())


def _slice(whole: Graph, name: str) -> Graph:
    if name == "" or (name == "run" and name not in whole.jobs):
        return whole
    if name not in whole.jobs:
        raise UsageError(
            f"Graph '{whole.name}' has no job '{name}'; it has "
            f"{', '.join(dict.fromkeys(('run', *whole.jobs)))}."
            f"{did_you_mean(name, whole.jobs)}"
        )
    part = whole.jobs[name]
    return whole.upto(part.targets, part.given)


def _with_makers(whole: Graph, names: Iterable[str], lazy: Collection[str]) -> set[str]:
    """Add the nodes that make the memory datasets which the named nodes read."""
    needed = set(names)
    for node in reversed(whole.order()):
        if node.name in needed:
            producers = whole.producers
            needed |= {producers[n].name for n in node.inputs if n in lazy and n in producers}
    return needed


def _saved_job(name: str, options: Namespace, home: Home) -> Job:
    saved = _read_document(Path(options.plan), "plan")
    beside = [word for word in run_arguments(options) if word.startswith("--")]
    if name != saved["job"] or beside not in ([], ["--graph", "--env"]):
        raise UsageError(
            f"{options.plan} is a plan of the job '{saved['job']}' with options of its own. Start "
            f"it by ./spark-submit.sh {saved['job']} --plan {options.plan}, without others."
        )
    job = prepare_job(saved["job"], [str(word) for word in saved["arguments"]])
    return replace(job, home=home, saved=saved, options=_with_output(job.options, options))


def _replayed_job(options: Namespace, home: Home) -> Job:
    path = home.run_folder(options.run) / "run.json"
    if not path.exists():
        runs = home.root / "runs"
        known = [p.name for p in runs.iterdir()] if runs.is_dir() else []
        raise UsageError(
            f"There is no run '{options.run}' under {runs}.{did_you_mean(options.run, known)}"
        )
    run = _read_document(path, "run")
    if not path.with_name("plan.json").exists():
        raise DataError(
            f"Run '{options.run}' has kept no plan.json, and nobody can tell whether it would be "
            "the same again: it cannot be replayed."
        )
    plan = _read_document(path.with_name("plan.json"), "plan")
    recorded = Recorded(options.run, run, plan)
    _, name, *arguments = shlex.split(run["command"])
    # A selection may choose other nodes today than it did then.
    told = {**vars(parse_options(name, arguments)), "select": None, "exclude": None}
    job = prepare_job(name, run_arguments(Namespace(**told)))
    there = {node.name for node in job.whole.nodes}
    graph = job.whole.only([node for node in recorded.nodes if node in there])
    for dataset in graph.sources:
        if recorded.pinned.get(dataset) is None:
            raise DataError(
                f"Run '{options.run}' does not say which version of '{dataset}' it read, so it "
                "cannot be replayed."
            )
    with_output = _with_output(job.options, options)
    return replace(job, arguments=arguments, graph=graph, recorded=recorded, options=with_output)


def _with_output(options: Namespace, wish: Namespace) -> Namespace:
    return Namespace(**{**vars(options), "json": wish.json, "quiet": wish.quiet})


def _read_document(path: Path, what: str) -> dict[str, Any]:
    """Read a saved plan or the record of a run.

    Raises:
        UsageError: It is not there, or is none.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a {what} ({error}).") from error
    words = _NEEDED[what]
    is_one = isinstance(document, dict) and all(
        isinstance(document.get(key), kind) for key, kind in words.items()
    )
    if not is_one or "--plan" in document.get("arguments", ()) or document.get("command") == "":
        raise UsageError(f"{path} is no record of a {what}.")
    return document


def _last_results(home: Home, graph: str) -> dict[str, str] | None:
    """Return how each node of the graph's last run went; None if it never ran."""
    for path in sorted((home.root / "runs").glob("*/run.json"), reverse=True):
        try:
            record = _read_document(path, "run")
        except UsageError:
            continue  # a run that died as it wrote
        if record["graph"] == graph:
            return {node["name"]: node["status"] for node in record["nodes"]}
    return None
