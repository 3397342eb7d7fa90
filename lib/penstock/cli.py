"""The commands: a job in, an exit code out. What a job does is in the graph and the engine.

Spark, MLflow and matplotlib take seconds to import, so each command imports what it needs, and what
is wrong with the command line is said before.
"""

import getpass
import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from typing import TYPE_CHECKING, Any, NoReturn

from penstock.errors import NodeFailed, PenstockError, SetupError, UsageError
from penstock.job import PROJECT, Job, prepare_job
from penstock.store.home import write_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def main(job: str) -> NoReturn:
    """Do the job that the command line asks for and leave with its exit code."""
    try:
        sys.exit(_COMMANDS.get(job, _run)(prepare_job(job, sys.argv[1:])))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"penstock: {error}. What is published is untouched.", file=sys.stderr)
        sys.exit(NodeFailed.exit_code)
    except KeyboardInterrupt:
        print("penstock: interrupted; what is published is untouched.", file=sys.stderr)
        sys.exit(130)


def _run(job: Job) -> int:
    from penstock.store.catalog import Catalog

    job.home.prepare()
    # Else matplotlib writes its list of fonts to the user's home.
    os.environ.setdefault("MPLCONFIGDIR", str(job.home.root / "cache" / "matplotlib"))
    catalog = Catalog.of(job.conf, job.home)
    catalog.check_files(job.graph.sources)
    catalog.check_outputs(job.graph.producers)
    with job.home.occupied(job.command):
        return _run_alone(job)


def _run_alone(job: Job) -> int:
    from py4j.protocol import Py4JError

    from penstock.session import start_session

    spark = start_session(f"penstock {job.name} {job.whole.name}")
    try:
        return run_job(job, spark)
    finally:
        # If the JVM has died, there is nothing left to stop.
        with suppress(Py4JError, OSError):
            spark.stop()


def run_job(job: Job, spark: "SparkSession") -> int:
    """Run a job in a session that is there, write its page, and return its exit code."""
    from penstock.engine.journal import Order
    from penstock.engine.progress import make_progress
    from penstock.engine.runner import Runner
    from penstock.report.run_page import run_page
    from penstock.report.run_summary import run_summary
    from penstock.store.catalog import Catalog
    from penstock.store.tracking import open_tracking
    from penstock.versions import installed_versions

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
    try:
        write_text(page, html)
        runner.journal.add_page(html)
    except Exception as trouble:  # the run is over: what it published stands
        runner.journal.troubles.append(str(trouble).splitlines()[0])
    for line in runner.journal.troubles:
        print(f"penstock: the run's record is not complete: {line}", file=sys.stderr)
    if not job.options.quiet:
        print(run_summary(document, page=str(page)), file=sys.stderr)
    if job.options.json:
        print(json.dumps(_outcome(document, page)))
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
        print(json.dumps({"graph": job.whole.name, "nodes": nodes, "spark_jobs": 0}))
        return 0
    width = max((len(node["name"]) for node in nodes), default=0)
    for node in nodes:
        edges = f"{', '.join(node['inputs']) or 'nothing'} -> {', '.join(node['outputs'])}"
        print(f"{node['name']:{width}}  {node['kind']:9}  {edges}")
    print(f"{len(nodes)} nodes would run. Nothing was read.")
    return 0


def _ui(job: Job) -> NoReturn:
    from penstock.store.tracking import (
        LOCAL_PORT,
        LOCAL_SERVER,
        open_tracking,
        ui_command,
    )

    job.home.prepare()
    tracking = open_tracking(job.conf.run, job.home)
    if job.conf.run.tracking_uri:
        raise UsageError(f"MLflow runs at {job.conf.run.tracking_uri}; open it there.")
    with socket() as probe:
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", LOCAL_PORT))
        except OSError as error:
            raise SetupError(
                f"Port {LOCAL_PORT} is taken: MLflow's pages, or another program, are served there "
                "already. Open them, or stop that program."
            ) from error
    # The start page shows another product's view; these two lie behind its "Model training" switch.
    print(f"runs    {LOCAL_SERVER}/#/experiments/{tracking.experiment_id}/runs")
    print(f"models  {LOCAL_SERVER}/#/models")
    print("Press Ctrl-C to stop.", flush=True)
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, *ui_command(job.conf.run, job.home)]
    os.execve(command[0], command, environment)


_COMMANDS = {"plan": _plan, "ui": _ui}


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
