"""The commands that only look."""

import datetime as dt
import json
from dataclasses import replace

from penstock import views
from penstock.job import prepare_job
from penstock.store.delta import DeltaTable
from penstock.store.releases import NOTHING_RELEASED, Release, Releases

NOON = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)


def test_history_is_told_of_one_graph_if_one_is_named(spark, tmp_path, monkeypatch, capsys):
    releases = Releases(DeltaTable("releases", str(tmp_path / "tables/releases")))
    made = {"lending.clean_loans": '{"run_id": "a", "fingerprint": "", "cause": "never made"}'}
    first = Release(1, "a", "lending", NOON, "ada", "", {"loans": "0"}, made)
    other = replace(
        first, release_id=2, run_id="b", graph="exams", pins={"loans": "0", "offers": "0"}
    )
    releases.publish(spark, first, NOTHING_RELEASED)
    releases.publish(spark, other, first)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))

    def told(*words):
        assert views.history(prepare_job("history", ["--json", *words])) == 0
        return json.loads(capsys.readouterr().out)

    [lending] = told("--graph", "lending")
    assert (lending["release_id"], lending["changes"]) == (1, ["loans new"])
    assert lending["causes"] == {"clean_loans": "never made"}
    assert [(r["graph"], r["changes"]) for r in told()] == [
        ("lending", ["loans new"]),
        ("exams", ["offers new"]),
    ]
