"""State folders of the graphs, on which a run has ended, for the tests of one module to change."""

import json
import shutil

import pytest

from tests.conftest import made_once
from tests.graphs.small_scorecard import Scorecard, described, write_table
from tests.processes import SMALL
from tests.released import State, partitions, record_of, told_here


class Lending(State):
    """A state folder on which the whole graph has run once."""

    def __init__(self, spark, home, first_outcome):
        super().__init__(spark, home, *SMALL)
        self.first_outcome = first_outcome
        self.first_record = record_of(home, first_outcome)


@pytest.fixture(scope="module")
def lending(spark, home, first_run):
    return Lending(spark, home, first_run[1])


@pytest.fixture(scope="module")
def scorecard(spark, tmp_path_factory):
    def run(folder):
        write_table(folder / "loans.csv")
        words = (*described(folder / "loans.csv"), "--json")
        with partitions(spark, 5):
            code, out, told = told_here(spark, folder / "state", "run", *words)
        assert code == 0, told
        return json.loads(out.splitlines()[-1]), told

    folder, first_run = made_once(tmp_path_factory, "scorecard", run)
    home = shutil.copytree(folder / "state", tmp_path_factory.mktemp("scorecard") / "state")
    return Scorecard(spark, home, folder / "loans.csv", *first_run)
