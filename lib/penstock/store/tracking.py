"""MLflow runs: one for each run of a graph, a child for each node. Written from the driver only.

Run ids are passed by hand: MLflow's "active run" belongs to a thread, and nodes run in several.
"""

import json
import logging
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from penstock.conf import RunConf
from penstock.errors import SetupError
from penstock.evidence import Attempt
from penstock.store.home import Home
from penstock.store.locks import locked
from penstock.strict_json import json_text

FINGERPRINT, MADE = "penstock.fingerprint", "penstock.made"  # tags of a finished node
LOCAL_PORT = 5000
RUINS = (".new-journal", "-wal", "-shm")  # what a database that is gone may have left behind
LOCAL_SERVER = f"http://127.0.0.1:{LOCAL_PORT}"
# Two runs that log one dataset at once would break MLflow's rule that it is listed once.
_INPUTS = Lock()


@dataclass(frozen=True)
class Tracking:
    """The experiment a graph's runs are logged to.

    Attributes:
        open_runs: Ids of the runs that were begun here and have not ended.
    """

    client: MlflowClient
    experiment_id: str
    uri: str
    open_runs: set[str] = field(default_factory=set)

    def start_run(self, name: str, tags: Mapping[str, str], parent: str = "") -> str:
        """Open a run, as a child of `parent` if one is named, and return its id."""
        lineage = {"mlflow.parentRunId": parent} if parent else {}
        run = self.client.create_run(self.experiment_id, tags={**tags, **lineage}, run_name=name)
        self.open_runs.add(run_id := str(run.info.run_id))
        return run_id

    def log(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float | None],
        params: Mapping[str, object],
        tags: Mapping[str, str],
    ) -> None:
        """Log numbers (undefined ones are left out), parameters and tags in one call."""
        now = round(time.time() * 1000)
        known = {k: v for k, v in metrics.items() if v is not None and math.isfinite(v)}
        self.client.log_batch(
            run_id,
            metrics=[Metric(k, float(v), now, 0) for k, v in known.items()],
            params=[Param(k, str(v)) for k, v in params.items()],
            tags=[RunTag(k, v) for k, v in tags.items()],
        )

    def log_attempts(self, run_id: str, attempts: Iterable[Attempt]) -> None:
        """Log what a model was chosen from: a run for each attempt, as children of its run."""
        for attempt in attempts:
            child = self.start_run(attempt.name, attempt.tags, run_id)
            self.log(child, metrics=attempt.metrics, params=attempt.params, tags={})
            self.end_run(child, ok=attempt.is_ok)

    def find_made(self, fingerprint: str) -> str | None:
        """Return what the newest finished run of a node with this fingerprint made, if any."""
        found = self.client.search_runs(
            [self.experiment_id],
            f"tags.`{FINGERPRINT}` = '{fingerprint}' AND attributes.status = 'FINISHED'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        return str(found[0].data.tags[MADE]) if found else None

    def log_inputs(self, run_id: str, read: Iterable[tuple[str, str, str]]) -> None:
        """Log the datasets that the run read: (name, location, version) of each."""
        inputs = []
        for name, location, version in read:
            source = json.dumps({"path": location, "version": version})
            # MLflow takes 36 characters; the whole version stands in the source.
            digest = version[:36]
            dataset = Dataset(name=name, digest=digest, source_type="penstock", source=source)
            inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", "input")]))
        if inputs:
            with _INPUTS:
                self.client.log_inputs(run_id, inputs)

    def log_json(self, run_id: str, document: Mapping[str, object], file: str) -> None:
        """Log a document of plain values as the artefact `file` of the run."""
        self.client.log_text(run_id, json_text(document), file)

    def log_text(self, run_id: str, text: str, file: str) -> None:
        """Log a text as the artefact `file` of the run."""
        self.client.log_text(run_id, text, file)

    def run_page(self, run_id: str) -> str:
        """Return the address of the run's page; the local store's is there while `ui` runs."""
        server = self.uri if self.uri.startswith("http") else LOCAL_SERVER
        return f"{server}/#/experiments/{self.experiment_id}/runs/{run_id}"

    def end_run(self, run_id: str, *, ok: bool, killed: bool = False) -> None:
        """Close a run as finished, failed or killed."""
        status = "FINISHED" if ok else "KILLED" if killed else "FAILED"
        self.client.set_terminated(run_id, status)
        self.open_runs.discard(run_id)

    def end_open_runs(self, *, killed: bool) -> None:
        """Close what nobody has closed, as failed or killed: its node was left in the middle."""
        for run_id in [*self.open_runs]:
            self.end_run(run_id, ok=False, killed=killed)


def open_tracking(conf: RunConf, home: Home) -> Tracking:
    """Connect to MLflow and make sure that the experiment is there.

    Raises:
        SetupError: The server does not answer, or the store is not one.
    """
    _calm()
    uri = tracking_uri(conf, home)
    try:
        # Two processes that create the sqlite tables at once would break each other.
        with locked(home.mlflow / ".lock"):
            if not conf.tracking_uri:
                _create_database(_database(home))
            mlflow.set_tracking_uri(uri)
            mlflow.set_registry_uri(uri)
            client = MlflowClient(uri, uri)
            experiment = client.get_experiment_by_name(conf.experiment)
            old = experiment.artifact_location if experiment else ""
            if experiment and not conf.tracking_uri and old != _artifacts(home):
                _follow_move(home, old)
            experiment_id = experiment.experiment_id if experiment else _create(client, conf, home)
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        raise SetupError(
            f"MLflow at {uri} does not answer as it should: {str(error).splitlines()[0]} Start the "
            "server, mend the address, or set run.tracking_uri to '' for the store in the state "
            "folder."
        ) from error
    return Tracking(client, str(experiment_id), uri)


def _follow_move(home: Home, old: str) -> None:
    """Let MLflow's records follow a state folder that was moved or copied: it keeps whole paths."""
    places = {"artifact_location", "artifact_uri", "source", "storage_location"}
    with closing(sqlite3.connect(_database(home))) as database, database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = {row[1] for row in database.execute(f'PRAGMA table_info("{table}")')}
            for column in sorted(columns & places):
                database.execute(
                    f'UPDATE "{table}" SET {column} = replace({column}, ?, ?)',
                    (old, _artifacts(home)),
                )


def _artifacts(home: Home) -> str:
    return (home.mlflow / "artifacts").as_uri()


def is_tracked(conf: RunConf, home: Home) -> bool:
    """Say whether there is a tracking store to look into."""
    return bool(conf.tracking_uri) or _database(home).exists()


def tracking_uri(conf: RunConf, home: Home) -> str:
    """Return the tracking store's address: the configured one, else sqlite in the home."""
    return conf.tracking_uri or f"sqlite:///{_database(home)}"


def _database(home: Home) -> Path:
    return home.mlflow / "mlflow.db"


def _create_database(database: Path) -> None:
    """Create the tables beside and move them into place: a kill half-way would leave ruins."""
    if database.exists():
        with closing(sqlite3.connect(database)) as found:
            # Fails at once if the file is no database, which MLflow would try again for minutes.
            found.execute("PRAGMA schema_version")
        return
    part = database.with_name("mlflow.db.new")
    for ruin in (part, *(database.with_name(f"mlflow.db{end}") for end in RUINS)):
        ruin.unlink(missing_ok=True)
    # MLflow makes the tables in fifty transactions; one flush to the disk at the end is enough.
    event.listen(Engine, "connect", _do_not_sync)
    try:
        MlflowClient(f"sqlite:///{part}").search_experiments(max_results=1)
    finally:
        event.remove(Engine, "connect", _do_not_sync)
    with part.open("rb") as made:
        os.fsync(made.fileno())
    part.replace(database)
    with closing(sqlite3.connect(database)) as new, suppress(sqlite3.OperationalError):
        # Written ahead, each of a node's nine commits waits for the disk once, and pages can be
        # read meanwhile. The database remembers it; a disk that does not allow it keeps the other.
        new.execute("PRAGMA journal_mode = WAL")


def _do_not_sync(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _create(client: MlflowClient, conf: RunConf, home: Home) -> str:
    local = None if conf.tracking_uri else _artifacts(home)
    return str(client.create_experiment(conf.experiment, artifact_location=local))


def _calm() -> None:
    """Keep MLflow's advice out of the terminal, and let it give up on a dead server in seconds."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


def ui_command(conf: RunConf, home: Home) -> list[str]:
    """Return Python's arguments that serve MLflow's pages for this store, on this machine alone."""
    serve = ["server", "--host", "127.0.0.1", "--port", str(LOCAL_PORT), "--workers", "1"]
    store = ["--backend-store-uri", tracking_uri(conf, home)]
    return ["-m", "mlflow", *serve, *store]
