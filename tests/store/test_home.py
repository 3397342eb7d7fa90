import json

import pytest

from penstock.errors import Conflict, SetupError
from penstock.store.home import Home, write_json


def test_a_second_run_on_a_state_folder_is_told_who_is_at_work(tmp_path):
    home = Home(tmp_path)
    with (
        home.occupied("./spark-submit.sh run"),
        pytest.raises(
            Conflict, match=r"Another run is at work .*: ./spark-submit.sh run \(process"
        ),
        home.occupied("./spark-submit.sh score"),
    ):
        pass
    with home.occupied("./spark-submit.sh score"):
        pass  # the first is over


def test_a_state_folder_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="file/state cannot be written.*set PENSTOCK_HOME"):
        Home(tmp_path / "file" / "state").prepare()


def test_a_number_that_is_none_is_written_as_null(tmp_path):
    write_json(tmp_path / "run.json", {"metrics": {"auc": float("nan")}})
    assert (tmp_path / "run.json").read_text() == '{\n "metrics": {\n  "auc": null\n }\n}'


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "run.json", {"status": "running"})
    circle = {}
    circle["self"] = circle
    with pytest.raises(RecursionError):
        write_json(tmp_path / "run.json", circle)
    assert json.loads((tmp_path / "run.json").read_text()) == {"status": "running"}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
