"""The one Spark session that all tests share."""

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from penstock.session import start_test_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a small local session with Delta; leave no view, cache or setting behind."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = start_test_session(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
