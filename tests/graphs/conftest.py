"""The state folder of the lending graph, for the tests of one module to change."""

import pytest

from tests.processes import SMALL
from tests.released import State, record_of


class Lending(State):
    """A state folder on which the whole graph has run once."""

    def __init__(self, spark, home, first_outcome):
        super().__init__(spark, home, *SMALL)
        self.first_outcome = first_outcome
        self.first_record = record_of(home, first_outcome)


@pytest.fixture(scope="module")
def lending(spark, home, first_run):
    return Lending(spark, home, first_run[1])
