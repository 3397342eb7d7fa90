"""The state folder of the lending graph, for the tests of one module to change."""

import pytest

from tests.processes import SMALL
from tests.released import State


@pytest.fixture(scope="module")
def lending(spark, home):
    return State(spark, home, *SMALL)
