"""Reports: the evidence of a run, as JSON in the run's folder."""

import json

from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.store.home import Home, write_json


def write_report(home: Home, run_id: str, name: str, evidence: Evidence) -> None:
    """Keep the evidence `name` of a run."""
    write_json(home.run_folder(run_id) / "reports" / f"{name}.json", evidence.to_json())


def read_report(home: Home, run_id: str, name: str) -> Evidence:
    """Return the evidence `name` that the run `run_id` made.

    Raises:
        DataError: The run's folder is gone.
    """
    path = home.run_folder(run_id) / "reports" / f"{name}.json"
    try:
        return Evidence.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DataError(
            f"The report '{name}' of run {run_id} is not in {path}. Run `evaluate` to make it anew."
        ) from error
