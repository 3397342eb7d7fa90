"""The commands: a job in, an exit code out. What a job does is in the graph and the engine.

Spark, MLflow and matplotlib take seconds to import, so each command imports what it needs, and what
is wrong with the command line is said before.
"""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from typing import TYPE_CHECKING, Any, NoReturn

from penstock import views
from penstock.errors import DataError, NodeFailed, PenstockError, SetupError, UsageError
from penstock.interrupts import undisturbed
from penstock.job import PROJECT, Job, prepare_job
from penstock.store.home import write_json, write_text
from penstock.strict_json import json_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from penstock.engine.journal import Journal
    from penstock.store.models import Registry


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
    from penstock.session import lazy_session
    from penstock.store.catalog import Catalog

    job.home.prepare()
    # Else matplotlib writes its list of fonts to the user's home.
    os.environ.setdefault("MPLCONFIGDIR", str(job.home.root / "cache" / "matplotlib"))
    catalog = Catalog.of(job.conf, job.home)
    catalog.check_files(job.graph.sources)
    catalog.check_outputs(job.graph.producers)
    with job.home.occupied(job.command), lazy_session(f"penstock {job.name}") as spark:
        return run_job(job, spark)


def run_job(job: Job, spark: "SparkSession") -> int:
    """Plan a job, run the plan, write its page, and return its exit code."""
    from penstock.display import make_progress
    from penstock.engine.journal import Order
    from penstock.engine.runner import Runner
    from penstock.planning import plan_document, plan_job
    from penstock.report.run_summary import run_summary
    from penstock.store.stores import Stores
    from penstock.versions import installed_versions

    commit, is_dirty = _git()
    order = Order(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(2)}",
        env=job.conf.env,
        as_of=str(job.conf.params["common"]["as_of"]),
        config=job.conf.document,
        params=job.params,
        command=job.command,
        user=getpass.getuser(),
        git_commit=commit,
        git_dirty=is_dirty,
        versions=installed_versions(),
        nodes_at_once=job.conf.run.nodes_at_once,
    )
    stores = Stores.of(job.conf, job.home)
    plan = plan_job(job, spark, stores, token=order.run_id)
    planned = plan_document(job, plan, stores.catalog)
    page = job.home.run_folder(order.run_id) / "index.html"
    write_json(page.with_name("plan.json"), planned)  # what a replay is held against
    runner = Runner(order, plan, spark, stores, make_progress(job.options.quiet))
    with undisturbed():  # but the runner hears Ctrl-C while nodes are at work
        record, error = runner.run()
        document = record.to_json()
        validated = _write_pages(document, planned, page, runner.journal, stores.registry)
        for line in runner.journal.troubles:
            print(f"penstock: the run's record is not complete: {line}", file=sys.stderr)
        if not job.options.quiet:
            told = run_summary(document, page=str(page), validated=map(str, validated))
            print(told, file=sys.stderr)
        if job.options.json:
            print(json_text(_outcome(document, page)))
    return error.exit_code if error else 0


def _rollback(job: Job) -> int:
    """Make an earlier release current again, by one more release."""
    from penstock.session import lazy_session
    from penstock.store.releases import Releases, changes, rolled_back
    from penstock.store.stores import Stores

    stores = Stores.of(job.conf, job.home)
    releases = Releases(stores.catalog.delta("releases"))
    with job.home.occupied(job.command), lazy_session(f"penstock {job.name}") as spark:
        current = releases.current(spark)
        if current.release_id == 0:
            raise UsageError("Nothing is released yet, so there is nothing to go back to.")
        wanted = current.release_id - 1 if job.options.to is None else job.options.to
        target = releases.numbered(spark, wanted)
        lost = stores.lost_outputs(target, spark)
        if lost:
            raise DataError(
                f"Release {wanted} cannot come back: {', '.join(lost)} of it are gone (vacuumed or "
                "deleted). Nothing was changed. Choose another with --to; `history` lists them."
            )
        release = rolled_back(
            current,
            target,
            run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(2)}",
            user=getpass.getuser(),
            now=datetime.now(UTC),
        )
        with undisturbed():
            releases.publish(spark, release, current)
            stores.follow(spark)
    moved = changes(current, release)
    if job.options.json:
        print(json_text({"release": release.release_id, "note": release.note, "changes": moved}))
    elif not job.options.quiet:
        print(f"Release {release.release_id} is a {release.note}: {'; '.join(moved)}.")
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


_COMMANDS = {
    "ui": _ui,
    "rollback": _rollback,
    "plan": views.plan,
    "describe": views.describe,
    "lineage": views.lineage,
    "history": views.history,
}


def _write_pages(
    document: dict[str, Any],
    planned: dict[str, Any],
    page: Path,
    journal: "Journal",
    registry: "Registry",
) -> list[Path]:
    """Write the pages of a run that is over, and return those of the versions it validated."""
    texts = _run_texts(document, planned)
    try:
        write_text(page, texts["index.html"])
        write_text(page.with_name("openlineage.jsonl"), texts["openlineage.jsonl"])
        journal.add_texts(texts)
        return _write_validations(document, page.parent, registry)
    except Exception as trouble:  # what the run published stands
        journal.troubles.append(str(trouble).splitlines()[0])
        return []


def _run_texts(document: dict[str, Any], planned: dict[str, Any]) -> dict[str, str]:
    """Return file name to text: the pages of a run and of its plan, and its lineage."""
    from penstock.report.lineage_section import lineage_section
    from penstock.report.open_lineage import run_events
    from penstock.report.plan_page import plan_page
    from penstock.report.run_page import run_page

    columns = {n: c for node in planned["nodes"] for n, c in node["columns"].items()}
    events = (f"{json_text(event)}\n" for event in run_events(document, columns))
    return {
        "index.html": run_page(document),
        "plan.html": plan_page(planned, lineage_section(document["lineage"])),
        "openlineage.jsonl": "".join(events),
    }


def _write_validations(document: dict[str, Any], folder: Path, registry: "Registry") -> list[Path]:
    """Write page, JSON and CSV tables of each version that a run validated; return the pages."""
    from penstock.report.model_record import model_records
    from penstock.report.validation_page import validation_page
    from penstock.store.models import ModelVersion

    pages = []
    for record in model_records(document):
        model = ModelVersion(record["model"], record["version"])
        name = f"validation-{model.name}-{model.version}"
        page, data = validation_page(record), json_text(record, indent=1)
        texts = {f"{name}.html": page, f"{name}.json": data} | {
            f"{name}/{report}.{table}.csv": text
            for report, table, text in _evidence_tables(record["evidence"])
        }
        for file, text in texts.items():
            write_text(folder / file, text)
        registry.add_texts(model, texts)
        pages.append(folder / f"{name}.html")
    return pages


def _evidence_tables(evidence: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    from penstock.evidence import Evidence
    from penstock.report.tables import csv_text

    for report, values in evidence.items():
        for name, table in Evidence.from_json(values).tables.items():
            yield report, name, csv_text(table)


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
    """Return the commit of the project and whether its tree was dirty; no commit outside git."""

    def ask(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    return ask("rev-parse", "HEAD"), bool(ask("status", "--porcelain"))
