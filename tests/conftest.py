"""The one Spark session that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a small local session with Delta; leave no view, cache or setting behind."""
    # Imported here, so that tests that need no table need no Spark either.
    from penstock.session import start_test_session  # noqa: PLC0415

    session = start_test_session(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
