import json
import uuid
from typing import get_args, get_origin, get_type_hints

import attr
import pytest

from penstock.report.open_lineage import PRODUCER, run_events

LINEAGE = {
    "loans": {
        "fico": {"from": [["raw_loans", "fico_low"]], "raw": [["raw_loans", "fico_low"]]},
        "*": {"from": [["raw_loans", "issued"], ["raw_loans", "*"]], "raw": []},
    },
    "pd_model": {"": {"from": [["train", "fico"]], "raw": [["raw_loans", "fico_low"]]}},
    "scores": {
        "pd": {
            "from": [["application_features", "fico"], ["calibrated_pd", ""]],
            "raw": [["raw_loans", "fico_low"]],
        },
        "as_of_date": {"from": [], "raw": []},
    },
}
COLUMNS = {"loans": [["loan_id", "string"], ["fico", "int"]]}


def _events(record):
    return run_events({**record, "lineage": LINEAGE}, COLUMNS)


def _built(kind, value):
    """Build the client's class from plain values; it refuses what it does not know."""
    if get_origin(kind) is list:
        return [_built(get_args(kind)[0], item) for item in value]
    options = [option for option in get_args(kind) if option is not type(None)]
    if get_origin(kind) is not dict and options:
        return _built(options[0], value)
    if get_origin(kind) is dict and "Facet" in str(get_args(kind)[1]):
        return {name: _built(_facet_classes()[name], facet) for name, facet in value.items()}
    if get_origin(kind) is dict:
        return {name: _built(get_args(kind)[1], item) for name, item in value.items()}
    if not attr.has(kind):
        return kind(value) if isinstance(kind, type) and kind is not str else value
    hints = get_type_hints(kind)
    addresses = {"schemaURL", "_schemaURL"}  # the client's own: held against ours by the caller
    kept = {name: item for name, item in value.items() if name not in addresses}
    given = {name: _built(hints.get(name, str), item) for name, item in kept.items()}
    return kind(**{name.removeprefix("_"): v for name, v in given.items()})


def _facet_classes():
    from openlineage.client import facet_v2 as f

    return {
        "parent": f.parent_run.ParentRunFacet,
        "nominalTime": f.nominal_time_run.NominalTimeRunFacet,
        "processing_engine": f.processing_engine_run.ProcessingEngineRunFacet,
        "errorMessage": f.error_message_run.ErrorMessageRunFacet,
        "jobType": f.job_type_job.JobTypeJobFacet,
        "schema": f.schema_dataset.SchemaDatasetFacet,
        "version": f.dataset_version_dataset.DatasetVersionDatasetFacet,
        "datasetType": f.dataset_type_dataset.DatasetTypeDatasetFacet,
        "storage": f.storage_dataset.StorageDatasetFacet,
        "columnLineage": f.column_lineage_dataset.ColumnLineageDatasetFacet,
        "outputStatistics": f.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
        "dataQualityAssertions": (
            f.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet
        ),
    }


def _without_empty(value):
    if isinstance(value, dict):
        kept = {name: _without_empty(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ({}, [], None)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _only(events, job, kind):
    [event] = [e for e in events if e["job"]["name"] == job and e["eventType"] == kind]
    return event


def _named(datasets, name):
    [found] = [dataset for dataset in datasets if dataset["name"].endswith(name)]
    return found


@pytest.fixture(params=["lending_run", "failed_run"])
def events(request):
    return _events(request.getfixturevalue(request.param))


def test_the_official_client_takes_every_event_as_it_is(events, tmp_path):
    assert taken(events, tmp_path) == _typed(events)


def test_the_official_client_takes_the_events_of_a_real_run(first_run, tmp_path):
    home, outcome, _ = first_run
    lines = (home / "runs" / outcome["run_id"] / "openlineage.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert taken(events, tmp_path) == _typed(events)
    whole = {"lending", *(f"lending.{node['name']}" for node in outcome["nodes"])}
    for kind in ("START", "COMPLETE"):
        assert {e["job"]["name"] for e in events if e["eventType"] == kind} == whole
    [scores] = _only(events, "lending.present_scores", "COMPLETE")["outputs"]
    assert scores["name"].endswith("tables/scores")
    assert scores["facets"]["columnLineage"]["fields"]["pd"]["inputFields"]


def _typed(events):
    return [(event["eventType"], _without_empty(event)) for event in events]


def taken(events, folder):
    """Let the official client build each event from its values, and write it.

    Returns:
        For each event the type it wrote, and the event it built: a field that its class does not
        have fails here, one that it fills in otherwise differs.
    """
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.serde import Serde
    from openlineage.client.transport.file import FileConfig, FileTransport

    file = folder / "events.json"
    client = OpenLineageClient(transport=FileTransport(FileConfig(str(file), append=True)))
    every = [_built(RunEvent, event) for event in events]
    as_built = [_without_empty(Serde.to_dict(built)) for built in every]
    for built in every:
        client.emit(built)  # which adds facets of its own
    written = [json.loads(line)["eventType"] for line in file.read_text().splitlines()]
    return list(zip(written, as_built, strict=True))


def test_what_the_specification_does_not_have_is_refused_here(lending_run):
    from openlineage.client.event_v2 import RunEvent

    [event, *_] = _events(lending_run)
    with pytest.raises(TypeError, match="unexpected keyword"):
        _built(RunEvent, {**event, "moment": "now"})
    del event["job"]
    with pytest.raises(TypeError, match="missing"):
        _built(RunEvent, event)


def test_each_job_starts_once_and_ends_once(lending_run):
    events = _events(lending_run)
    assert events == _events(lending_run)
    ids = {e["run"]["runId"]: e["job"]["name"] for e in events}
    assert len(ids) == len(lending_run["nodes"]) + 1
    for run_id in ids:
        uuid.UUID(run_id)
        kinds = [e["eventType"] for e in events if e["run"]["runId"] == run_id]
        assert kinds == ["START", "COMPLETE"]
    times = [e["eventTime"] for e in events[1:-1]]
    assert times == sorted(times)
    assert events[0]["job"]["name"] == events[-1]["job"]["name"] == "lending"
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in events[1:-1]}
    assert parents == {events[0]["run"]["runId"]}
    assert all(e["producer"] == PRODUCER for e in events)


def test_columns_rows_and_versions_are_told(lending_run):
    events = _events(lending_run)
    clean = _only(events, "lending.clean_loans", "COMPLETE")
    loans = _named(clean["outputs"], "tables/loans")
    assert loans["namespace"] == "file"
    assert loans["outputFacets"]["outputStatistics"]["rowCount"] == 19_874
    assert loans["facets"]["version"]["datasetVersion"] == "0"
    assert [f["name"] for f in loans["facets"]["schema"]["fields"]] == ["loan_id", "fico"]
    raw = {"namespace": "penstock.local", "name": "lending.raw_loans"}
    direct, indirect = ({"transformations": [{"type": t}]} for t in ("DIRECT", "INDIRECT"))
    lineage = loans["facets"]["columnLineage"]
    assert lineage["fields"] == {"fico": {"inputFields": [{**raw, "field": "fico_low", **direct}]}}
    assert lineage["dataset"] == [{**raw, "field": "issued", **indirect}]
    broken = clean["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {a["assertion"]: a["actual"] for a in broken}["amount_positive"] == "41"
    assert "inputFacets" not in _only(events, "lending.clean_loans", "START")["inputs"][0]


def test_a_score_comes_from_its_model_and_the_run_says_from_which_raw_fields(make_run):
    from penstock.record import DatasetRecord
    from tests.report.conftest import lending_nodes

    scores = DatasetRecord("scores", "delta", "s3a://risk/tables/scores", "6", "output")
    model = DatasetRecord("calibrated_pd", "model", "models:/lending_pd", "3", "released")
    events = _events(make_run(lending_nodes(), datasets=(scores, model)))
    scored = _only(events, "lending.score_applications", "COMPLETE")["outputs"][0]
    assert (scored["namespace"], scored["name"]) == ("s3://risk", "tables/scores")
    fields = scored["facets"]["columnLineage"]["fields"]
    assert [(f["name"], f["field"]) for f in fields["pd"]["inputFields"]] == [
        ("lending.application_features", "fico"),
        ("lending_pd", "*"),
    ]
    assert fields["as_of_date"] == {"inputFields": []}
    fitted = _only(events, "lending.fit_pd", "COMPLETE")["outputs"][0]
    assert [f["field"] for f in fitted["facets"]["columnLineage"]["dataset"]] == ["fico"]
    [whole] = events[-1]["outputs"]
    [source] = whole["facets"]["columnLineage"]["fields"]["pd"]["inputFields"]
    assert (source["name"], source["field"]) == ("lending.raw_loans", "fico_low")


def test_a_failure_is_told_and_what_did_not_run_is_not(failed_run):
    events = _events(failed_run)
    failed = _only(events, "lending.fit_pd", "FAIL")
    assert "'emp_length'" in failed["run"]["facets"]["errorMessage"]["message"]
    assert failed["outputs"] == []
    assert events[-1]["eventType"] == "FAIL"
    jobs = {e["job"]["name"] for e in events}
    assert "lending.clean_loans" not in jobs  # skipped
    assert "lending.evaluate_pd" not in jobs  # behind the failure


def test_a_run_that_goes_on_has_started_and_one_that_was_stopped_is_aborted(make_run):
    running = _events(make_run([], status="running", ended_at=None))
    assert [e["eventType"] for e in running] == ["START"]
    stopped = _events(make_run([], status="interrupted"))
    assert [e["eventType"] for e in stopped] == ["START", "ABORT"]


@pytest.mark.parametrize(
    "kind, location, naming",
    [
        ("delta", "s3a://bucket/a/b", ("S3", "bucket", "a/b")),
        ("parquet", "gs://bucket/a/b", ("GCS", "bucket", "a/b")),
        ("delta", "hdfs://name:8020/a/b", ("HDFS", "name", "8020", "/a/b")),
        ("csv", "abfss://box@mine.dfs.core.windows.net/a", ("ABFSS", "box", "mine", "/a")),
        ("csv", "file:///data/loans.csv", ("LocalFileSystem", "/data/loans.csv")),
        ("csv", "/data/loans.csv", ("LocalFileSystem", "/data/loans.csv")),
    ],
)
def test_datasets_are_named_as_the_client_names_them(make_run, kind, location, naming):
    from openlineage.client.naming import dataset as names

    from penstock.record import DatasetRecord

    loans = DatasetRecord("loans", kind, location, "1", "source")
    *_, end = _events(make_run([], datasets=(loans,)))
    expected = getattr(names, naming[0])(*naming[1:])
    [found] = end["inputs"]
    assert (found["namespace"], found["name"]) == (expected.get_namespace(), expected.get_name())
