"""Starts jobs as a user does, by `./spark-submit.sh` in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
# No process takes longer, on however slow and busy a machine, unless it hangs.
PATIENCE_S = 1200

# A book that is run in seconds, and gates that so few loans can pass.
SMALL = (
    "--set", "catalog.loan_numbers.rows=4000",
    "--set", "catalog.application_numbers.rows=400",
    "--set", "params.pd_gate={min_auc: 0.5, max_ece: 0.2, min_loans: 50, min_bads: 5}",
    "--set", "params.lgd_gate={min_skill: -0.5, max_error_of_mean: 0.1, min_defaults: 50}",
)  # fmt: skip
# In a process of its own, with the options for Java of a run that is over in a minute.
OWN_EXECUTOR = (
    "--master", "local-cluster[1,1,1024]",
    "--conf", "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
)  # fmt: skip


def logged_in(folder):
    """Return the options by which Spark writes its events to a folder: one file, a line each."""
    settings = {"enabled": "true", "dir": folder.as_uri(), "rolling.enabled": "false"}
    settings["compress"] = "false"
    return [w for k, v in settings.items() for w in ("--conf", f"spark.eventLog.{k}={v}")]


def start(home, *words, project=PROJECT):
    """Start a job on the state folder `home`, in a process group that can be killed whole."""
    return subprocess.Popen(
        ["./spark-submit.sh", *words],
        cwd=project,
        # The environment the tests themselves run in: it is ready, so no set-up starts.
        env={**os.environ, "PENSTOCK_HOME": str(home), "PENSTOCK_ENV": sys.prefix},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def do(home, *words, project=PROJECT):
    """Do a job and return its exit code, standard output and standard error."""
    process = start(home, *words, project=project)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err
