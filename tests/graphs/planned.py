"""Plans as the command line makes them, without a process for each."""

from penstock.job import prepare_job
from penstock.planning import plan_job
from penstock.store.stores import Stores


def plan_of(spark, home, monkeypatch, *words, token="x"):
    """Plan as the command line would, on a state folder."""
    monkeypatch.setenv("PENSTOCK_HOME", str(home))
    job = prepare_job(words[0], list(words[1:]))
    return job, plan_job(job, spark, Stores.of(job.conf, job.home), token=token)
