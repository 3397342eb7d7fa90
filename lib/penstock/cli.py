"""The command line: options in, exit code out. What a job does is in the graph and the engine.

Whatever can be known without Spark (options, configuration, wiring, parameters) is refused before
the session starts.
"""

import argparse
import getpass
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NoReturn

from penstock.conf import KIND_OF, Conf, is_source, load_conf
from penstock.engine.graph import Graph, bind_parameters, check_catalog
from penstock.errors import PenstockError, UsageError, did_you_mean
from penstock.graphs import GRAPHS, load_graph
from penstock.store.home import Home, write_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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


def main(job: str) -> NoReturn:
    """Do the job that the command line asks for and leave with its exit code."""
    try:
        sys.exit(_COMMANDS.get(job, _run)(prepare_job(job, sys.argv[1:])))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr)  # noqa: T201 (the command line's own voice)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("penstock: interrupted; what is published is untouched.", file=sys.stderr)  # noqa: T201
        sys.exit(130)


def prepare_job(name: str, arguments: list[str]) -> Job:
    """Read the options and the configuration, cut the graph and check everything but the data.

    Raises:
        UsageError, ConfigError, GraphError: What is wrong and what to do.
    """
    options = _parse(name, arguments)
    overrides = list(options.set)
    if options.as_of:
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


def _run(job: Job) -> int:
    from penstock.session import start_session  # noqa: PLC0415 (the slow imports)
    from penstock.store.catalog import Catalog  # noqa: PLC0415

    job.home.prepare()
    catalog = Catalog.of(job.conf, job.home)
    catalog.check_files(job.graph.sources)
    catalog.check_outputs(job.graph.producers)
    spark = start_session(f"penstock {job.name} {job.whole.name}")
    try:
        return run_job(job, spark)
    finally:
        spark.stop()


def run_job(job: Job, spark: "SparkSession") -> int:
    """Run a job in a session that is there, write its page, and return its exit code."""
    from penstock.engine.progress import make_progress  # noqa: PLC0415 (the slow imports)
    from penstock.engine.runner import Order, Runner  # noqa: PLC0415
    from penstock.report.run_page import run_page  # noqa: PLC0415
    from penstock.report.run_summary import run_summary  # noqa: PLC0415
    from penstock.store.catalog import Catalog  # noqa: PLC0415
    from penstock.store.tracking import open_tracking  # noqa: PLC0415
    from penstock.versions import installed_versions  # noqa: PLC0415

    order = Order(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(2)}",
        graph=job.graph,
        whole=job.whole,
        env=job.conf.env,
        as_of=str(job.conf.params["common"]["as_of"]),
        config=job.conf.document,
        params=job.params,
        command=job.command,
        user=getpass.getuser(),
        git=_git(),
        versions=installed_versions(),
        nodes_at_once=job.conf.run.nodes_at_once,
        resumes=job.resumes,
    )
    tracking = open_tracking(job.conf.run, job.home)
    catalog = Catalog.of(job.conf, job.home)
    runner = Runner(order, spark, catalog, tracking, make_progress(job.options.quiet))
    record, error = runner.run()
    document = record.to_json()
    page = job.home.run_folder(order.run_id) / "index.html"
    html = run_page(document)
    write_text(page, html)
    runner.log_page(html)
    if not job.options.quiet:
        print(run_summary(document, page=str(page)), file=sys.stderr)  # noqa: T201
    if job.options.json:
        print(json.dumps(_outcome(document, page)))  # noqa: T201
    return error.exit_code if error else 0


def _plan(job: Job) -> int:
    """Say what would run, without Spark and without reading data."""
    nodes = [
        {
            "name": node.name,
            "kind": node.kind,
            "inputs": node.inputs,
            "outputs": node.outputs,
            "action": "run",
            "cause": "selected",
        }
        for node in job.graph.order()
    ]
    if job.options.json:
        print(json.dumps({"graph": job.whole.name, "nodes": nodes, "spark_jobs": 0}))  # noqa: T201
        return 0
    width = max((len(node["name"]) for node in nodes), default=0)
    for node in nodes:
        edges = f"{', '.join(node['inputs']) or 'nothing'} -> {', '.join(node['outputs'])}"
        print(f"{node['name']:{width}}  {node['kind']:9}  {edges}")  # noqa: T201
    print(f"{len(nodes)} nodes would run. Nothing was read.")  # noqa: T201
    return 0


def _ui(job: Job) -> int:
    from penstock.store.tracking import LOCAL_SERVER, open_tracking, ui_command  # noqa: PLC0415

    job.home.prepare()
    tracking = open_tracking(job.conf.run, job.home)
    if job.conf.run.tracking_uri:
        raise UsageError(f"MLflow runs at {job.conf.run.tracking_uri}; open it there.")
    page = f"{LOCAL_SERVER}/#/experiments/{tracking.experiment_id}/runs"
    print(f"MLflow serves the runs at {page}\nPress Ctrl-C to stop.", flush=True)  # noqa: T201
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return subprocess.call([sys.executable, *ui_command(job.conf.run, job.home)], env=environment)


_COMMANDS = {"plan": _plan, "ui": _ui}


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
    if options.as_of and not _is_day(options.as_of):
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
        earlier: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        runs = home.root / "runs"
        known = [p.name for p in runs.iterdir()] if runs.is_dir() else []
        raise UsageError(
            f"There is no run '{run_id}' under {runs}.{did_you_mean(run_id, known)}"
        ) from error
    if earlier["graph"] != graph.name:
        raise UsageError(f"Run '{run_id}' ran the graph '{earlier['graph']}'; add --graph.")
    return earlier


def _outcome(document: dict[str, Any], page: Path) -> dict[str, Any]:
    keys = ("name", "status", "rows_out", "quarantined", "ms")
    metrics: dict[str, Any] = {}
    for evidence in document["evidence"].values():
        metrics |= evidence["metrics"]
    return {
        "run_id": document["run_id"],
        "status": document["status"],
        "nodes": [{key: node[key] for key in keys} for node in document["nodes"]],
        "release": document["release"],
        "report": str(page),
        "spark_jobs": document["spark_jobs"],
        "metrics": metrics,
    }


def _git() -> tuple[str, bool]:
    """Return the commit of the project and whether its tree was dirty; "unknown" outside git."""

    def ask(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    return ask("rev-parse", "HEAD") or "unknown", bool(ask("status", "--porcelain"))
