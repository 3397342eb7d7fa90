import json

import pytest

from penstock.conf import DeltaConf
from penstock.errors import ConfigError
from penstock.store.catalog import Catalog
from penstock.store.home import Home


def check(tmp_path, path):
    catalog = Catalog({"loans": DeltaConf(path=str(path))}, Home(tmp_path), str(tmp_path))
    return catalog.check_outputs(["loans"])


def write_log(table, user_metadata):
    log = table / "_delta_log"
    log.mkdir(parents=True)
    commit = {"commitInfo": {"userMetadata": user_metadata}}
    (log / f"{0:020d}.json").write_text(json.dumps(commit))


def test_a_file_is_not_written_over(tmp_path):
    (tmp_path / "own.txt").write_text("id,amount\n")
    with pytest.raises(ConfigError, match="would write 'loans' over .*own.txt, which it did not"):
        check(tmp_path, tmp_path / "own.txt")


def test_a_folder_of_files_is_not_written_over(tmp_path):
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.csv").write_text("id,amount\n")
    with pytest.raises(ConfigError, match="kind: csv, path: .*exports"):
        check(tmp_path, tmp_path / "exports")


def test_the_name_of_a_csv_file_is_no_place_for_a_table(tmp_path):
    with pytest.raises(ConfigError, match="kind: csv, path: .*not-there.csv"):
        check(tmp_path, tmp_path / "not-there.csv")


def test_a_table_of_somebody_else_is_not_written_over(tmp_path):
    write_log(tmp_path / "own", "nightly load")
    with pytest.raises(ConfigError, match="kind: delta, external: true, path: .*own"):
        check(tmp_path, tmp_path / "own")


def test_an_empty_place_and_a_table_of_ours_are_written(tmp_path):
    write_log(tmp_path / "ours", "penstock: run-1/clean_loans")
    assert check(tmp_path, tmp_path / "ours") is None
    assert check(tmp_path, tmp_path / "new") is None
