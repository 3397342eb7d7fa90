import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from penstock.errors import Conflict, SetupError, UsageError
from penstock.store.delta import DeltaTable
from penstock.store.releases import (
    COLUMNS,
    NOTHING_RELEASED,
    PUBLISHER,
    Release,
    Releases,
    _what_won,
    changes,
    rolled_back,
)
from penstock.store.spark_errors import is_conflict
from tests.processes import PATIENCE_S

# The first makes the table, the second appends; `make torture` does many.
ROUNDS = int(os.environ.get("PENSTOCK_ROUNDS", "2"))
NOON = dt.datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=dt.UTC)


def release(number, run_id="run-1", *, note="", **pins):
    made = {"clean": '{"fingerprint": "ab"}'}
    return Release(number, run_id, "small", NOON, "tester", "abc", pins, made, note)


@pytest.fixture
def releases(tmp_path):
    return Releases(DeltaTable("releases", str(tmp_path / "releases")))


@pytest.fixture
def new_york(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def publish(spark, releases, run_id, base, **pins):
    releases.publish(spark, release(base.release_id + 1, run_id, **pins), base)


def test_before_the_first_release_there_is_none(releases):
    assert releases.all() == ()
    assert releases.current() is NOTHING_RELEASED
    with pytest.raises(UsageError, match="There is no release 1. Nothing is released"):
        releases.numbered(None, 1)


def test_what_was_published_is_read_without_spark(spark, releases, new_york):
    first, second = release(1, loans="0", champion="1"), release(2, note="rollback to 1", loans="3")
    releases.publish(spark, first, NOTHING_RELEASED)
    releases.publish(spark, second, first)
    assert releases.all() == (first, second)
    assert releases.current() == second
    assert releases.numbered(None, 1).released_at.isoformat() == "2026-03-29T12:00:00.123456+00:00"
    with pytest.raises(UsageError, match="no release 3. There are 1 to 2: see `history`"):
        releases.numbered(None, 3)


def test_in_a_metastore_releases_are_read_by_spark_and_are_the_same(spark, new_york):
    releases = Releases(DeltaTable("releases", "", "default.penstock_releases"))
    try:
        assert releases.current(spark) is NOTHING_RELEASED
        releases.publish(spark, release(1, loans="0"), NOTHING_RELEASED)
        assert releases.all(spark) == (release(1, loans="0"),)
        with pytest.raises(Conflict, match="Run run-1 of tester published release 1"):
            releases.publish(spark, release(1, "late", loans="7"), NOTHING_RELEASED)
    finally:
        spark.sql("DROP TABLE IF EXISTS default.penstock_releases")


def test_a_table_of_an_earlier_version_of_penstock_is_read_and_goes_on(spark, releases):
    earlier = [(1, "run-1", "small", NOON, "tester", "abc", {"loans": "0"})]
    schema = "release_id BIGINT, run_id STRING, graph STRING, released_at TIMESTAMP, "
    schema += "released_by STRING, git_commit STRING, pins MAP<STRING, STRING>"
    spark.createDataFrame(earlier, schema).write.format("delta").save(releases.table.path)
    old = releases.current()
    assert (old.pins, old.made, old.note) == ({"loans": "0"}, {}, "")
    new = release(2, "run-2", loans="1", note="x")
    releases.publish(spark, new, old)
    assert releases.all() == (old, new)


def test_a_damaged_table_of_releases_is_told_and_nothing_older_is_taken_for_current(
    spark, releases, tmp_path
):
    releases.publish(spark, release(1, loans="0"), NOTHING_RELEASED)
    releases.publish(spark, release(2, loans="1"), releases.current())
    log = releases.table.log
    latest = log.latest_version()
    commit = log.commit_file(latest).relative_to(releases.table.path)
    [data] = [action["path"] for action in log.actions(latest, "add")]

    def told(hurt, place):
        folder = tmp_path / "damaged"
        shutil.copytree(releases.table.path, folder)
        hurt(folder / place)
        with pytest.raises(SetupError, match=f"{folder}, is damaged .*Bring the folder") as error:
            Releases(DeltaTable("releases", str(folder))).current(spark)
        shutil.rmtree(folder)
        return str(error.value)

    def cut(file):
        os.truncate(file, file.stat().st_size // 2)

    assert "it is empty" in told(
        lambda file: file.write_text(""), commit
    )  # as a power cut leaves it
    assert commit.name not in told(cut, data)
    assert told(cut, commit)
    assert "No such file" in told(lambda file: file.unlink(), data)


def test_the_loser_is_told_who_published_what(spark, releases):
    base = release(1, loans="12", champion="3", pd_report="run-1")
    winner = release(2, "run-7", loans="13", champion="4", scores="0")
    releases.publish(spark, base, NOTHING_RELEASED)
    releases.publish(spark, winner, base)
    with pytest.raises(Conflict) as refusal:
        releases.publish(spark, release(2, "run-8", loans="14"), base)
    assert str(refusal.value) == (
        "Run run-7 of tester published release 2 while this run was at work, so nothing of this "
        "run is published. It moved champion 3 -> 4, loans 12 -> 13, pd_report dropped, scores "
        "new. Look at that, then run again."
    )
    assert releases.all() == (base, winner)


def test_of_many_changes_eight_are_named():
    many = {f"d{number:02}": "1" for number in range(11)}
    said = _what_won(NOTHING_RELEASED, release(6, note="rollback to 3", **many))
    assert "published release 6 (rollback to 3) while" in said
    assert "d06 new, d07 new and 3 more. Look" in said


def test_a_commit_that_is_no_release_does_not_turn_a_publisher_away(spark, releases):
    first = release(1, loans="0")
    releases.publish(spark, first, NOTHING_RELEASED)
    start = Barrier(2)

    def tidy():
        start.wait()
        while True:
            try:
                return spark.sql(f"UPDATE delta.`{releases.table.path}` SET note = 'tidied'")
            except Exception as error:
                assert is_conflict(error)

    with ThreadPoolExecutor(1) as other:
        done = other.submit(tidy)
        start.wait()
        releases.publish(spark, release(2, "run-2", loans="1"), first)
        done.result()
    assert [r.run_id for r in releases.all()] == ["run-1", "run-2"]


def test_after_the_table_was_restored_publishing_goes_on_from_there(spark, releases):
    first = release(1, loans="0")
    releases.publish(spark, first, NOTHING_RELEASED)
    # What RESTORE TABLE leaves: a release 2 that is gone, and that Delta has counted all the same.
    counted = spark.createDataFrame([], COLUMNS).write.format("delta").mode("append")
    counted = counted.option("txnAppId", PUBLISHER).option("txnVersion", 2)
    counted.save(releases.table.path)
    assert releases.all() == (first,)
    releases.publish(spark, release(2, "run-3", loans="2"), first)
    assert [r.run_id for r in releases.all()] == ["run-1", "run-3"]
    with pytest.raises(Conflict, match="Run run-3 of tester published release 2"):
        releases.publish(spark, release(2, "run-4", loans="3"), first)


def test_changes_are_said_by_name():
    before, after = release(1, loans="12", a="1", b="x"), release(2, b="x", loans="13", c="0")
    assert changes(before, after) == ["a dropped", "c new", "loans 12 -> 13"]
    assert changes(before, before) == []


def test_a_rollback_is_a_release_of_its_own_with_the_pins_of_the_target():
    target, current = release(3, "run-3", loans="1"), release(5, "run-5", loans="2", scores="0")
    now = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    back = rolled_back(current, target, run_id="run-6", user="other", now=now)
    assert (back.release_id, back.note, back.run_id) == (6, "rollback to 3", "run-6")
    assert (back.released_by, back.released_at) == ("other", now)
    assert (back.pins, back.made, back.git_commit) == (target.pins, target.made, "abc")


def outcome(spark, releases, run_id, base, start):
    """Publish at the same moment as another, and return what the loser is told."""
    start()
    try:
        publish(spark, releases, run_id, base, loans=run_id)
    except Conflict as conflict:
        return str(conflict)
    return ""


def rounds_seen(told, releases):
    """Return of each round: release number, how many were refused, whether the winner was named.

    One row a round, or the rounds and the rows do not fit together.
    """
    seen = []
    for (a, b), winner in zip(told, releases.all(), strict=True):
        round_, name = winner.run_id.split("-")
        told_of = f"Run {winner.run_id} of tester published release {round_} while"
        is_named = name == ("b" if a else "a") and told_of in (a or b)
        is_named &= int(round_) == winner.release_id
        seen.append((winner.release_id, bool(a) + bool(b), is_named))
    return seen


def each_round_one_wins(rounds):
    return [(number, 1, True) for number in range(1, rounds + 1)]


def test_of_two_publishers_at_once_one_wins_and_the_other_is_told_by_whom(spark, releases):
    told = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(1, ROUNDS + 1):
            base, start = releases.current(), Barrier(2)
            runs = [
                pool.submit(outcome, spark, releases, f"{number}-{name}", base, start.wait)
                for name in "ab"
            ]
            told.append([run.result() for run in runs])
    assert rounds_seen(told, releases) == each_round_one_wins(ROUNDS)


def publish_rounds(spark, folder, name, rounds, is_other_there=lambda: True):
    """Publish in each round at the same moment as another process, and write down what is told."""
    releases = Releases(DeltaTable("releases", str(folder / "releases")))

    def wait_for_both(files):
        while True:
            was_there = is_other_there()
            if len(list(folder.glob(files))) == 2:
                return
            assert was_there, "the other publisher has ended"
            time.sleep(0.001)

    def meet(number):
        (folder / f"{number}-{name}.ready").touch()
        wait_for_both(f"{number}-*.ready")

    loans = DeltaTable("loans", str(folder / "loans"))
    for number in range(1, rounds + 1):
        base, start = releases.current(), partial(meet, number)
        told = outcome(spark, releases, f"{number}-{name}", base, start)
        # Both are at it again, as two state folders may be that have one folder of tables.
        version = loans.replace(spark.range(1), commit=f"{number}-{name}")
        (folder / f"{number}-{name}.version").write_text(version)
        (folder / f"{number}-{name}.told").write_text(told)
        wait_for_both(f"{number}-*.told")


OTHER_PUBLISHER = """
from pathlib import Path
from penstock.session import start_test_session
from tests.store.test_releases import publish_rounds

folder = Path({folder!r})
publish_rounds(start_test_session(folder / "spark"), folder, "b", {rounds})
"""


def test_of_two_processes_at_once_one_wins_and_the_other_is_told_by_whom(spark, tmp_path):
    script = OTHER_PUBLISHER.format(folder=str(tmp_path), rounds=ROUNDS)
    project = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{project / 'lib'}:{project}"}
    other = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        publish_rounds(spark, tmp_path, "a", ROUNDS, lambda: other.poll() is None)
        assert other.wait(timeout=PATIENCE_S * ROUNDS) == 0
    finally:
        other.kill()
    told = [
        [(tmp_path / f"{n}-{name}.told").read_text() for name in "ab"] for n in range(1, ROUNDS + 1)
    ]
    releases = Releases(DeltaTable("releases", str(tmp_path / "releases")))
    assert rounds_seen(told, releases) == each_round_one_wins(ROUNDS)
    versions = [int(file.read_text()) for file in tmp_path.glob("*.version")]
    assert sorted(versions) == list(range(2 * ROUNDS))
