"""The session of a bench in a process of its own: small, with master and settings of its choice."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from penstock.jvm import driver_settings, empty_folder, find_java
from penstock.session import SMALL
from penstock.spark_settings import ALWAYS


@contextmanager
def own_session(
    name: str, master: str, folder: Path, settings: Mapping[str, str]
) -> Iterator[SparkSession]:
    """Start a session and stop it at the end.

    Args:
        name: What Spark's own pages call it.
        master: As in "local[2]".
        folder: Where tables without a path go.
        settings: Of Spark, before the usual ones.
    """
    environment = Path(sys.prefix)
    usual = ALWAYS | SMALL | driver_settings(environment, find_java(os.environ))
    usual["spark.sql.warehouse.dir"] = str(folder / "warehouse")
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
