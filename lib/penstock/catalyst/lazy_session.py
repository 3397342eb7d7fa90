"""A Spark session that starts when it is first used: where nothing has changed, no JVM is."""

from collections.abc import Callable
from threading import Lock
from typing import Any, cast

from pyspark.sql import SparkSession


class _LazySession:
    def __init__(self, start: Callable[[], SparkSession]) -> None:
        self._penstock_start = start
        self._penstock_lock = Lock()
        self._penstock_running: SparkSession | None = None

    def __getattr__(self, name: str) -> Any:
        with self._penstock_lock:
            if self._penstock_running is None:
                self._penstock_running = self._penstock_start()
        return getattr(self._penstock_running, name)


def lazy(start: Callable[[], SparkSession]) -> SparkSession:
    """Return a session that `start` makes at the first use of any of its attributes."""
    return cast(SparkSession, _LazySession(start))


def running(spark: SparkSession) -> SparkSession | None:
    """Return the session itself, or None if it is a lazy one that has not started."""
    return spark._penstock_running if isinstance(spark, _LazySession) else spark
