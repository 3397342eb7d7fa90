"""What is refused before Spark starts, beyond options and configuration."""

import pytest

from penstock.errors import UsageError
from penstock.job import prepare_job


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    folder = tmp_path / "runs" / "old"
    folder.mkdir(parents=True)
    return folder / "run.json"


@pytest.mark.parametrize("text", ["", '{"run_id": "ol', "\x00"])
def test_a_damaged_record_cannot_be_replayed(earlier, text):
    earlier.write_text(text)
    with pytest.raises(UsageError, match=r"run.json cannot be read as a run"):
        prepare_job("replay", ["old"])


@pytest.mark.parametrize("text", ["[]", "{}", '{"run_id": "old"}'])
def test_what_is_no_record_cannot_be_replayed(earlier, text):
    earlier.write_text(text)
    with pytest.raises(UsageError, match="run.json is no record of a run"):
        prepare_job("replay", ["old"])


def test_an_empty_day_is_no_day(earlier):
    with pytest.raises(UsageError, match="is no day. Write it as 2025-07-01"):
        prepare_job("run", ["--as-of", ""])
