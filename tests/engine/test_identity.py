"""A version counts for the table, the file or the commit it was given to, and for no other."""

import shutil
from pathlib import Path

import pytest

from penstock.conf import AliasConf, CsvConf, DeltaConf, ModelConf, RangeConf, ReportConf, RunConf
from penstock.engine.graph import Graph
from penstock.engine.nodes import Measure, Transform
from penstock.errors import Conflict, DataError
from penstock.evidence import Evidence
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from penstock.store.models import ModelVersion
from penstock.store.stores import Stores
from tests.engine.small_project import CONTRACTS

ANOTHER = "raw is another source, or read in another way"


def counted(raw):
    return raw.selectExpr("count(*) AS n")


def scaled(raw, *, by):
    return raw.selectExpr("id", f"CAST(amount AS INT) * {by} AS amount")


def one_node(project, function, output, contracts=None):
    """Let the project's graph be one node that reads `raw` and writes a table."""
    project.graph = Graph("small", (Transform(function, "raw", output),), contracts or {})
    project.more = {output: DeltaConf()}


def test_another_table_under_the_same_version_is_another_source(project):
    own, other = project.home.root / "own", project.home.root / "other"
    for folder, rows in ((own, 3), (other, 5)):
        project.spark.range(rows).write.format("delta").save(str(folder))
    one_node(project, counted, "counts")
    there = {**project.more, "raw": DeltaConf(path=str(own), external=True)}
    elsewhere = {**project.more, "raw": DeltaConf(path=str(other), external=True)}
    project.more = there
    _, error = project.run()
    assert error is None and project.causes() == {}
    project.more = elsewhere
    assert project.plan().sources == {"raw": "0"}
    assert project.causes() == {"counted": ANOTHER}

    project.more = there
    shutil.rmtree(own)
    shutil.copytree(other, own)  # the same place, the same version, and another table
    assert project.causes() == {"counted": ANOTHER}
    project.run()
    assert project.released("counts")[0].n == 5


def test_another_file_of_the_same_size_and_time_is_another_source(project):
    one_node(project, scaled, "scaled", {"raw": CONTRACTS["raw"]})
    project.params["scaled"] = {"by": 1}
    project.run()
    other = project.csv.with_name("other.csv")
    other.write_text(project.csv.read_text().replace("b,2", "b,7"))
    shutil.copystat(project.csv, other)
    before = project.plan().sources
    project.more["raw"] = CsvConf(str(other))
    assert project.plan().sources == before
    assert project.causes() == {"scaled": ANOTHER}


def test_more_row_numbers_are_another_version_of_the_same_source(project):
    one_node(project, counted, "counts")
    project.more["raw"] = RangeConf(3)
    project.run()
    project.more["raw"] = RangeConf(5)
    assert project.causes() == {"counted": "raw 3 rows -> 5 rows"}


def test_a_table_made_anew_under_a_recorded_version_is_not_the_recorded_one(project):
    one_node(project, scaled, "scaled", {"raw": CONTRACTS["raw"]})
    project.params["scaled"] = {"by": 1}
    project.run()
    first = project.current
    shutil.rmtree(project.catalog.delta("scaled").path)
    project.params["scaled"] = {"by": 10}
    record, _ = project.run()
    second = project.current
    # No number has moved, and yet other rows are current: that is a release.
    assert record.release == second.release_id == 2 and second.pins == first.pins
    assert project.causes() == {}
    assert project.stores.lost_outputs(first, project.spark) == ["scaled"]
    assert project.stores.lost_outputs(second, project.spark) == []

    project.params["scaled"] = {"by": 1}
    assert project.causes(base=first) == {"scaled": "output missing: scaled 0"}
    assert project.causes() == {"scaled": "parameter by 10 -> 1"}  # and not "done by run run-1"
    project.run()
    assert sorted(row.amount for row in project.released("scaled")) == [1, 2]


def swap(file: Path, text: str) -> None:
    """Put another file in the place of one, which stays beside it as it is."""
    file.rename(file.with_suffix(".kept"))
    file.write_text(text)


def put_back(file: Path) -> None:
    file.with_suffix(".kept").replace(file)


def test_what_was_made_of_a_file_swapped_between_plan_and_read_is_never_taken_over(project):
    one_node(project, scaled, "scaled", {"raw": CONTRACTS["raw"]})
    project.params["scaled"] = {"by": 1}
    runner = project.runner()
    swap(project.csv, "id,amount\nx,90\n")
    record, error = runner.run()
    assert isinstance(error, Conflict) and "Node 'scaled': 'raw' (" in str(error)
    assert "changed while it was read: 20" in str(error) and record.release is None
    put_back(project.csv)
    assert project.causes() == {"scaled": "never made"}  # and not "done by run run-1"
    project.run()
    assert sorted(row.amount for row in project.released("scaled")) == [1, 2]


def test_a_run_reads_the_versions_of_its_plan_though_a_table_moves_before_and_under_it(project):
    own = str(project.home.root / "own")

    def append(counts):
        counts.sparkSession.range(4).write.format("delta").mode("append").save(own)
        return Evidence({})

    def counted_again(raw, appended):
        return raw.selectExpr("count(*) AS n")

    project.spark.range(3).write.format("delta").save(own)
    nodes = (
        Transform(counted, "raw", "counts"),
        Measure(append, "counts", "appended"),
        Transform(counted_again, ("raw", "appended"), "counts_again"),
    )
    project.graph = Graph("small", nodes, {})
    project.more = {"counts": DeltaConf(), "counts_again": DeltaConf(), "appended": ReportConf()}
    project.more["raw"] = DeltaConf(path=own, external=True)
    runner = project.runner()
    project.spark.range(2).write.format("delta").mode("append").save(own)
    record, error = runner.run()
    assert error is None and record.release == 1
    assert [project.released(name)[0].n for name in ("counts", "counts_again")] == [3, 3]
    versions = {dataset.name: dataset.version for dataset in record.datasets}
    assert versions["raw"] == "0"
    # It is no fault of the run, as it is where a file moves: the next plan tells it.
    causes = project.causes()
    assert causes["counted"] == "raw 0 -> 2"
    assert causes["counted_again"] == "appended is made anew; raw 0 -> 2"


def test_a_replay_wants_the_file_that_its_run_read(project):
    one_node(project, scaled, "scaled", {"raw": CONTRACTS["raw"]})
    project.params["scaled"] = {"by": 1}
    pinned = dict(project.plan().sources)
    swap(project.csv, "id,amount\nx,90\n")
    with pytest.raises(DataError, match=r"'raw' .* is not the file that run read: 20.* Put that"):
        project.plan(pinned=pinned, skips=False)
    put_back(project.csv)
    assert project.plan(pinned=pinned, skips=False).sources == pinned


def test_code_edited_between_plan_and_end_of_a_node_is_never_taken_for_the_planned(project, code):
    project.graph = Graph("small", code.graph.nodes[:3], CONTRACTS)
    runner = project.runner()
    code.write("amount + 0", "amount + 1", "rates")  # a function that Spark's workers may import
    record, error = runner.run()
    assert isinstance(error, Conflict) and record.release is None
    assert str(error) == "Node 'total': Its code was edited while it ran. Run again."
    code.write("amount + 1", "amount + 0", "rates")
    assert project.plan()["clean"].cause == "done by run run-1"
    assert project.causes() == {"double": "needed by total", "total": "never made"}


@pytest.fixture
def registered(tmp_path, empty_mlflow):
    """Return a state folder of its own with version 1 of a model, which run-7 made."""
    home = Home(tmp_path / "home")
    shutil.copytree(empty_mlflow, home.mlflow)
    stores = model_stores(home)
    run = stores.tracking.start_run("fit", {})
    stores.tracking.log_text(run, "flavors: {}", "model/MLmodel")
    source = f"{stores.tracking.client.get_run(run).info.artifact_uri}/model"
    stores.tracking.client.create_registered_model("pd")
    stores.tracking.client.create_model_version("pd", source, run)
    stores.registry.tag(ModelVersion("pd", "1"), {"run": "run-7"})
    return home


def model_stores(home):
    entries = {"pd_model": ModelConf("pd"), "champion": AliasConf("pd")}
    return Stores(Catalog(entries, home, str(home.tables)), RunConf("", "", "tests", 4))


def test_a_model_version_counts_for_the_run_that_made_it(registered):
    def is_there(name, commit):
        return model_stores(registered).is_there(name, "1", None, commit)

    assert is_there("pd_model", "run-7/fit_pd")
    # A registry made anew counts from 1 again: the number is the same, the model is not.
    assert not is_there("pd_model", "run-1/fit_pd")
    assert is_there("champion", "run-9/deploy_champion")  # an alias is given by another run


def test_a_state_folder_that_was_moved_takes_its_runs_and_models_along(registered, tmp_path):
    moved = Home(tmp_path / "moved")
    registered.root.rename(moved.root)
    stores = model_stores(moved)
    assert stores.is_there("pd_model", "1", None, "run-7/fit_pd")
    run = stores.tracking.start_run("fit", {})
    stores.tracking.log_text(run, "later", "later.txt")
    assert len(list(moved.mlflow.rglob(f"{run}/**/later.txt"))) == 1
    assert not registered.root.exists()  # nothing is written where the folder was
