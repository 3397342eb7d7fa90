import json
from pathlib import Path

import pytest

from penstock.catalyst.internals import count_jobs
from penstock.conf import (
    CsvConf,
    DeltaConf,
    ParquetConf,
    RangeConf,
    ReportConf,
    RunConf,
)
from penstock.errors import ConfigError, DataError
from penstock.evidence import Evidence
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from penstock.store.models import ModelVersion, Registry
from penstock.store.reports import write_report
from penstock.store.tracking import open_tracking


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


@pytest.fixture
def catalog(tmp_path):
    entries = {
        "csv": CsvConf(str(tmp_path / "a.csv"), filter="id > '0'"),
        "parquet": ParquetConf(str(tmp_path / "parquet")),
        "numbers": RangeConf(7),
        "loans": DeltaConf(),
        "report": ReportConf(),
    }
    return Catalog(entries, Home(tmp_path), str(tmp_path / "tables"))


def test_the_schema_of_every_kind_of_source_is_what_is_read_and_costs_no_job(spark, catalog):
    (catalog.home.root / "a.csv").write_text("id,amount\n1,2\n")
    spark.range(2).write.parquet(catalog.entries["parquet"].path)
    catalog.delta("loans").replace(spark.range(1).selectExpr("id AS loan"), commit="a")
    before = count_jobs(spark)
    told = {n: catalog.source_schema(spark, n, "0") for n in ("csv", "parquet", "numbers", "loans")}
    assert count_jobs(spark) == before
    read = {name: catalog.read_file(spark, name).schema for name in catalog.files}
    assert told == {**read, "loans": catalog.delta("loans").read(spark, "0").schema}


def test_what_is_wrong_with_a_source_is_found_by_its_schema(spark, catalog):
    file = catalog.home.root / "a.csv"
    wrong = {
        "id,ID\n": "names a column twice",
        "id,\n": "Column 2 of .* has no name",
        "id;x\n": "catalog.csv.delimiter=';'",
        "": "is empty",
        "loan\n": "cannot be read from .*id",  # The filter asks for a column that is not there.
    }
    for text, said in wrong.items():
        file.write_text(text)
        with pytest.raises(DataError, match=said):
            catalog.source_schema(spark, "csv", None)
    file.unlink()
    with pytest.raises(DataError, match="does not exist"):
        catalog.source_schema(spark, "csv", None)


def test_an_output_is_there_as_long_as_its_files_are(spark, catalog):
    catalog.delta("loans").replace(spark.range(1), commit="a")
    write_report(catalog.home, "run-1", "report", Evidence(metrics={"auc": 0.7}))
    before = count_jobs(spark)
    for name, version in (("loans", "0"), ("report", "run-1")):
        assert catalog.is_there(name, version, spark, "a"), name
        assert not catalog.is_there(name, "7", spark, "a"), name
    assert not catalog.is_there("loans", "0", spark, "b")  # another commit made that version
    (catalog.home.run_folder("run-1") / "reports" / "report.json").unlink()
    for file in catalog.delta("loans").log.files(0):
        file.unlink()
    for name, version in (("loans", "0"), ("report", "run-1"), ("csv", "1")):
        assert not catalog.is_there(name, version, spark, "a"), name
    assert count_jobs(spark) == before


def test_a_model_is_there_as_long_as_its_artefacts_are(catalog, tmp_path):
    catalog.home.prepare()
    tracking = open_tracking(RunConf("", "", "tests", 4), catalog.home)
    registry = Registry(tracking.client, catalog.model_scratch)
    artefacts = tmp_path / "model %20 1"
    artefacts.mkdir()
    (artefacts / "MLmodel").touch()
    tracking.client.create_registered_model("pd")
    tracking.client.create_model_version("pd", artefacts.as_uri())
    assert registry.has(ModelVersion("pd", "1"))
    assert not registry.has(ModelVersion("pd", "2"))
    assert not registry.has(ModelVersion("lgd", "1"))
    (artefacts / "MLmodel").unlink()
    assert not registry.has(ModelVersion("pd", "1"))


@pytest.mark.parametrize(("text", "said"), [("", "it is empty"), ('{"add": {"pa', "Unterminated")])
def test_a_damaged_log_is_told_and_not_taken_for_a_table_that_is_gone(catalog, text, said):
    write_log(Path(catalog.delta("loans").path), "penstock: a")
    commit = catalog.delta("loans").log.commit_file(0)
    commit.write_text(text)
    with pytest.raises(DataError, match=f"{commit} is damaged.*{said}"):
        catalog.is_there("loans", "0", None, "a")
