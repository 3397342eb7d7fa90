import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from penstock.conf import RunConf
from penstock.errors import SetupError
from penstock.store.home import Home
from penstock.store.tracking import open_tracking
from tests.processes import PATIENCE_S

LIB = Path(__file__).parents[2] / "lib"
ENVIRONMENT = {"PYTHONPATH": str(LIB), "PATH": "/usr/bin:/bin"}
LOCAL = RunConf("", "", "tests", 4)
OPEN = """
from pathlib import Path
from penstock.conf import RunConf
from penstock.store.home import Home
from penstock.store.tracking import open_tracking
home = Home(Path({home!r}))
home.prepare()
print(open_tracking(RunConf("", "", "tests", 4), home).experiment_id)
"""


def test_two_processes_may_create_the_store_at_once(tmp_path):
    command = [sys.executable, "-c", OPEN.format(home=str(tmp_path))]
    both = [
        subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=PATIENCE_S)[0].strip() for process in both] == ["1", "1"]


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    made.prepare()
    return made


def test_what_a_killed_creation_left_behind_does_no_harm(home):
    (home.mlflow / "mlflow.db.new").write_text("half a database")
    assert open_tracking(LOCAL, home).experiment_id == "1"


def test_what_was_written_ahead_to_a_database_that_is_gone_is_not_taken_for_this_ones(home):
    command = [sys.executable, "-c", OPEN.format(home=str(home.root))]
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=PATIENCE_S)
    database = home.mlflow / "mlflow.db"
    with closing(sqlite3.connect(database)) as killed:
        killed.execute("UPDATE experiments SET name = 'of the old one' WHERE experiment_id = 0")
        killed.commit()
        ahead = (home.mlflow / "mlflow.db-wal").read_bytes()
    assert b"of the old one" in ahead
    database.unlink()
    (home.mlflow / "mlflow.db-wal").write_bytes(ahead)
    tracking = open_tracking(LOCAL, home)
    assert tracking.client.get_experiment("0").name == "Default"


def test_a_file_that_is_no_database_is_named(home):
    (home.mlflow / "mlflow.db").write_text("not a database at all, but long enough to look at")
    with pytest.raises(SetupError, match="mlflow.db does not answer as it should.*not a database"):
        open_tracking(LOCAL, home)


def test_a_server_that_is_not_there_is_named(home):
    conf = RunConf("", "http://127.0.0.1:9", "tests", 4)
    with pytest.raises(SetupError, match="MLflow at http://127.0.0.1:9 does not answer"):
        open_tracking(conf, home)
