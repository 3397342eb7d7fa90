"""The session of a bench in a process of its own: small, with master and settings of its choice."""

import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bench.command import MEGABYTE, peak_mb, python_path
from penstock.jvm import driver_settings, empty_folder, find_java
from penstock.session import SMALL
from penstock.spark_settings import ALWAYS


@contextmanager
def own_session(
    name: str, master: str, folder: Path, settings: Mapping[str, str]
) -> Iterator[SparkSession]:
    """Start a session, whose executors find penstock and the benches, and stop it at the end.

    Args:
        name: What Spark's own pages call it.
        master: As in "local[2]".
        folder: Where tables without a path go.
        settings: Of Spark, before the usual ones.
    """
    environment = Path(sys.prefix)
    usual = ALWAYS | SMALL | driver_settings(environment, find_java(os.environ))
    usual["spark.sql.warehouse.dir"] = str(folder / "warehouse")
    usual["spark.executorEnv.PYTHONPATH"] = python_path()
    os.environ["SPARK_CONF_DIR"] = str(empty_folder(environment))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName(f"bench {name}")
    for key, value in (usual | dict(settings)).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def driver_peaks(spark: SparkSession) -> dict[str, float]:
    """Return the most memory that the driver has held, in MB: "jvm_mb" and "python_mb"."""
    gateway: Any = spark.sparkContext._gateway
    python = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    return {"jvm_mb": peak_mb(gateway.proc.pid), "python_mb": python}
