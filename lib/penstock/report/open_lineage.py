"""A run as OpenLineage events: one job for the run, and one for each node that did something.

Plain values, as the specification of OpenLineage (openlineage.io) wants them. To send them is left
to its clients: each event is one JSON document for a file or for `POST /api/v1/lineage`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

PRODUCER = "urn:penstock"
SPECIFICATION = "https://openlineage.io/spec"
EVENT = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
# Facets are versioned one by one.
FACETS = {
    "parent": ("1-2-0", "ParentRunFacet"),
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
    "datasetType": ("1-0-1", "DatasetTypeDatasetFacet"),
    "storage": ("1-0-1", "StorageDatasetFacet"),
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
}
ENDS = {"ok": "COMPLETE", "done": "COMPLETE", "failed": "FAIL", "interrupted": "ABORT"}
TYPES = {"csv": "FILE", "parquet": "FILE", "model": "MODEL", "alias": "MODEL"}
TYPES |= {"delta": "TABLE", "memory": "VIEW", "report": "JOB_OUTPUT"}
ROWS, VALUE = "*", ""  # in lineage: which rows there are; a dataset without columns, as a whole

Event = dict[str, Any]
Facets = dict[str, dict[str, Any]]


def run_events(
    record: Mapping[str, Any], columns: Mapping[str, Sequence[Sequence[str]]]
) -> list[Event]:
    """Return the events of a run in the order of their times, all of one `runId` per job.

    Args:
        record: `RunRecord.to_json()`. Nodes that were skipped or did not run have no events. Of its
            lineage, a node tells the direct sources, the run as a whole the raw columns.
        columns: Table to its columns, each name and type.
    """
    return _Run(record, columns).events()


class _Run:
    def __init__(
        self, record: Mapping[str, Any], columns: Mapping[str, Sequence[Sequence[str]]]
    ) -> None:
        self.record, self.lineage, self.columns = record, record["lineage"], columns
        self.namespace = f"penstock.{record['env']}"
        self.id = uuid5(uuid5(NAMESPACE_URL, PRODUCER), record["run_id"])
        self.datasets = {dataset["name"]: dataset for dataset in record["datasets"]}
        self.versions = {name: dataset["version"] for name, dataset in self.datasets.items()}
        self.rows: dict[str, int | None] = {}
        for node in record["nodes"]:
            self.versions |= node["versions"]
            self.rows |= node["rows_out"]

    def events(self) -> list[Event]:
        job = self._job(self.record["graph"], "DAG")
        as_of = {"nominalStartTime": f"{self.record['as_of']}T00:00:00Z"}
        run = self._run(self.id, {"nominalTime": _facet("nominalTime", **as_of)})
        start = _event("START", self.record["started_at"], run, job)
        nodes = [
            event
            for node in self.record["nodes"]
            if node["status"] in ENDS and node["started_at"]
            for event in self._node_events(node)
        ]
        nodes.sort(key=lambda event: datetime.fromisoformat(event["eventTime"]))
        if self.record["ended_at"] is None or self.record["status"] not in ENDS:
            return [start, *nodes]
        end = _event(ENDS[self.record["status"]], self.record["ended_at"], run, job)
        end["inputs"] = [
            self._dataset(n) for n, d in self.datasets.items() if d["role"] != "output"
        ]
        end["outputs"] = [
            self._output(name, "raw")
            for name, dataset in self.datasets.items()
            if dataset["role"] == "output" and self.versions[name] is not None
        ]
        return [start, *nodes, end]

    def _node_events(self, node: Mapping[str, Any]) -> list[Event]:
        job = self._job(f"{self.record['graph']}.{node['name']}", node["kind"].upper())
        parent = {
            "run": {"runId": str(self.id)},
            "job": {"namespace": self.namespace, "name": self.record["graph"]},
        }
        run = self._run(uuid5(self.id, node["name"]), {"parent": _facet("parent", **parent)})
        inputs = [self._dataset(name) for name in node["inputs"]]
        start = _event("START", node["started_at"], run, job)
        took = timedelta(milliseconds=node["ms"])
        ended = (datetime.fromisoformat(node["started_at"]) + took).isoformat()
        end = _event(ENDS[node["status"]], ended, run, job)
        start["inputs"], end["inputs"] = inputs, [dict(dataset) for dataset in inputs]
        if node["status"] == "failed":
            what = {"message": node["reason"], "programmingLanguage": "PYTHON"}
            error = {"errorMessage": _facet("errorMessage", **what)}
            end["run"] = {**run, "facets": run["facets"] | error}
            return [start, end]
        if node["broken_rules"] and len(inputs) == 1:
            end["inputs"][0]["inputFacets"] = {
                "dataQualityAssertions": _assertions(node["broken_rules"])
            }
        end["outputs"] = [self._output(name, "from") for name in node["outputs"]]
        return [start, end]

    def _job(self, name: str, kind: str) -> dict[str, Any]:
        what = {"processingType": "BATCH", "integration": "PENSTOCK", "jobType": kind}
        facets = {"jobType": _facet("jobType", **what)}
        return {"namespace": self.namespace, "name": name, "facets": facets}

    def _run(self, run_id: UUID, facets: Facets) -> dict[str, Any]:
        engine = {"name": "Spark", "version": self.record["versions"].get("pyspark", "unknown")}
        facets = facets | {"processing_engine": _facet("processing_engine", **engine)}
        return {"runId": str(run_id), "facets": facets}

    def _dataset(self, name: str) -> dict[str, Any]:
        kind, version = self._where(name)[0], self.versions.get(name)
        facets: Facets = {}
        if kind in TYPES:
            facets["datasetType"] = _facet("datasetType", datasetType=TYPES[kind])
        if kind == "delta":
            facets["storage"] = _facet("storage", storageLayer="delta", fileFormat="parquet")
        if name in self.columns:
            fields = [{"name": column, "type": kind} for column, kind in self.columns[name]]
            facets["schema"] = _facet("schema", fields=fields)
        if version is not None:
            facets["version"] = _facet("version", datasetVersion=version)
        return {**self._place(name), "facets": facets}

    def _output(self, name: str, depth: str) -> dict[str, Any]:
        output = self._dataset(name)
        made_from = {
            column: self._fields(sources[depth], "INDIRECT" if column == ROWS else "DIRECT")
            for column, sources in self.lineage.get(name, {}).items()
        }
        whole = made_from.pop(ROWS, []) + made_from.pop(VALUE, [])
        if whole or made_from:
            fields = {column: {"inputFields": found} for column, found in made_from.items()}
            found = {"dataset": whole} if whole else {}
            output["facets"]["columnLineage"] = _facet("columnLineage", fields=fields, **found)
        if (rows := self.rows.get(name)) is not None:
            output["outputFacets"] = {"outputStatistics": _facet("outputStatistics", rowCount=rows)}
        return output

    def _fields(self, sources: Sequence[Sequence[str]], kind: str) -> list[dict[str, Any]]:
        return [
            {**self._place(name), "field": column or ROWS, "transformations": [{"type": kind}]}
            for name, column in sources
            if column != ROWS
        ]

    def _where(self, name: str) -> tuple[str, str]:
        dataset = self.datasets.get(name, {})
        return dataset.get("kind", ""), dataset.get("location", "")

    def _place(self, name: str) -> dict[str, str]:
        """Return the name of a dataset that other tools give it too, if it is theirs as well."""
        kind, location = self._where(name)
        if kind in ("model", "alias"):
            return {"namespace": "mlflow", "name": location.removeprefix("models:/")}
        if kind not in ("delta", "csv", "parquet"):
            return {"namespace": self.namespace, "name": f"{self.record['graph']}.{name}"}
        address = urlsplit(location)
        if address.scheme in ("", "file"):
            is_table = kind == "delta" and "/" not in location
            path = location if is_table else str(Path(address.path or location).absolute())
            return {"namespace": "spark_catalog" if is_table else "file", "name": path}
        scheme = {"s3a": "s3", "s3n": "s3"}.get(address.scheme, address.scheme)
        path = address.path.lstrip("/") if scheme in ("s3", "gs") else address.path
        return {"namespace": f"{scheme}://{address.netloc}", "name": path}


def _event(kind: str, at: str, run: Mapping[str, Any], job: Mapping[str, Any]) -> Event:
    return {
        "eventType": kind,
        "eventTime": at,
        "run": dict(run),
        "job": dict(job),
        "inputs": [],
        "outputs": [],
        "producer": PRODUCER,
        "schemaURL": EVENT,
    }


def _facet(facet: str, **values: Any) -> dict[str, Any]:
    version, kind = FACETS[facet]
    address = f"{SPECIFICATION}/facets/{version}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": address, **values}


def _assertions(broken: Mapping[str, int]) -> dict[str, Any]:
    """Return the rules that rows of the input broke, and how many rows; the node did not fail."""
    found = [
        {"assertion": rule, "success": False, "severity": "warn", "expected": "0", "actual": f"{n}"}
        for rule, n in broken.items()
    ]
    return _facet("dataQualityAssertions", assertions=found)
