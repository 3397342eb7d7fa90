"""What a run knows of a model version that it validated: card, data, parameters, evidence.

Plain values out of the run's record; `validation_page.py` shows them, and they lie beside it as
JSON.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

VALIDATION = "samples"  # the table that sets development beside judged loans: a validation has it
DATA = {"rows_by_outcome", "rows_by_use"}  # tables of reports on the rows behind a validation
REGISTRY = "models:/"
CARD = ("run_id", "graph", "env", "as_of", "command", "git_commit", "git_dirty", "links")

Nodes = Sequence[Mapping[str, Any]]


def model_records(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is known of each model version that a run validated.

    Args:
        record: `RunRecord.to_json()`.

    Returns:
        A document each: `model` and `version` as the registry has them; of the run what `CARD`
        names, and `validated_at`; `fitted_by` (None: by an earlier run); `datasets`, those that
        the model and its reports are made from; `params` of the nodes in between, by node;
        `versions` of the software; `evidence`, all reports on the model, and on the rows behind its
        validation, by name; the names of the `validation` among them, of those on `data` and of the
        `gates`; and `passed`, what these said (None: none was asked): of those that an alias of the
        model waits for.
        Without a validation, and where nothing of it was done in this run, there is none.
    """
    found = []
    for dataset in record["datasets"]:
        if dataset["kind"] == "model" and dataset["version"] is not None:
            ahead = _ahead(record["nodes"], dataset["name"])
            evidence = {name: e for name, e in record["evidence"].items() if name in ahead}
            reports = [name for name, e in evidence.items() if VALIDATION in e["tables"]]
            if reports and _is_new(record["nodes"], evidence):
                found.append(_document(record, dataset, reports[0], evidence))
    return found


def _document(
    record: Mapping[str, Any],
    model: Mapping[str, Any],
    validation: str,
    evidence: dict[str, Any],
) -> dict[str, Any]:
    behind = _behind(record["nodes"], evidence)
    makers = [n for n in record["nodes"] if behind & set(n["outputs"])]
    data = _on_data(record, behind)
    asked = _asked(record["nodes"], model["name"])
    gates = [
        name
        for node in makers
        if node["kind"] == "gate"
        for name in node["outputs"]
        if name in evidence and name in asked
    ]
    verdicts = [bool(evidence[name]["metrics"]["passed"]) for name in gates]
    params = record["config"]["params"]
    return {
        "model": model["location"].removeprefix(REGISTRY),
        "version": model["version"],
        **{key: record[key] for key in CARD},
        "validated_at": record["ended_at"],
        "fitted_by": next((n["name"] for n in makers if model["name"] in n["outputs"]), None),
        "validation": validation,
        "data": [*data],
        "gates": gates,
        "passed": all(verdicts) if verdicts else None,
        "datasets": [
            d for d in record["datasets"] if d["name"] in behind and d["name"] not in evidence
        ],
        "params": {n["name"]: params[n["name"]] for n in makers if n["name"] in params},
        "evidence": data | evidence,
        "versions": record["versions"],
    }


def _on_data(record: Mapping[str, Any], behind: Collection[str]) -> dict[str, Any]:
    """Return the reports that count the rows of datasets behind a validation."""
    read = {name: {*node["inputs"]} for node in record["nodes"] for name in node["outputs"]}
    return {
        name: evidence
        for name, evidence in record["evidence"].items()
        if DATA & {*evidence["tables"]} and read.get(name, set()) & set(behind)
    }


def _asked(nodes: Nodes, model: str) -> set[str]:
    """Return what the aliases of a model wait for; `nodes` stand in the order of the run."""
    names, asked = {model}, set()
    for node in nodes:
        if node["kind"] == "deploy" and node["inputs"][0] in names:
            names.update(node["outputs"])
            asked.update(node["inputs"][1:])
    return asked


def _is_new(nodes: Nodes, evidence: Collection[str]) -> bool:
    makers = (node for node in nodes if set(node["outputs"]) & set(evidence))
    return any(node["status"] in ("done", "failed") for node in makers)


def _ahead(nodes: Nodes, dataset: str) -> set[str]:
    """Return all that is made from a dataset, short of other models that begin with it.

    `nodes` stand in the order of the run.
    """
    reached = {dataset}
    for node in nodes:
        if reached & set(node["inputs"]) and node["kind"] != "fit":
            reached |= set(node["outputs"])
    return reached


def _behind(nodes: Nodes, datasets: Collection[str]) -> set[str]:
    """Return the datasets themselves and all that they are made from."""
    reached = set(datasets)
    for node in reversed(nodes):
        if reached & set(node["outputs"]):
            reached |= set(node["inputs"])
    return reached
