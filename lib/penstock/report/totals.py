"""What a run comes to: rows in, out and quarantined, the headline measures, the champion.

One place for the page and the terminal's summary, so that they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Totals:
    """The headline numbers of a run; None is unknown.

    Attributes:
        rows_in: Rows that were held against a contract with a quarantine.
        rows_out: Those among them that kept it; `rows_in` = `rows_out` + `quarantined`.
        quarantined: Those that did not.
        auc: Area under the ROC curve, 0-1, of the first report that has one.
        ks: Kolmogorov-Smirnov distance, 0-1, of the same report.
        champion: Version that a Deploy node moved an alias to.
    """

    rows_in: int | None
    rows_out: int | None
    quarantined: int
    auc: float | None
    ks: float | None
    champion: str | None


def run_totals(record: Mapping[str, Any]) -> Totals:
    """Return the headline numbers of a run record given as plain values."""
    nodes = record["nodes"]
    checked = [node["rows_in"] for node in nodes if node["rows_in"] is not None]
    quarantined = sum(node["quarantined"] for node in nodes)
    metrics = _headline_metrics(record)
    return Totals(
        rows_in=sum(checked) if checked else None,
        rows_out=sum(checked) - quarantined if checked else None,
        quarantined=quarantined,
        auc=metrics.get("auc"),
        ks=metrics.get("ks"),
        champion=_champion(nodes),
    )


def rows_into(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the rows of all inputs of a node that the run counted; None if it counted none."""
    written = {name: rows for other in nodes for name, rows in other["rows_out"].items()}
    known = [rows for name in node["inputs"] if (rows := written.get(name)) is not None]
    return sum(known) if known else None


def failed_nodes(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of the nodes that failed, in the order of the run."""
    return [node for node in record["nodes"] if node["status"] == "failed"]


def _headline_metrics(record: Mapping[str, Any]) -> Mapping[str, float | None]:
    reports = [report["metrics"] for report in record["evidence"].values()]
    return next((metrics for metrics in reports if metrics.get("auc") is not None), {})


def _champion(nodes: Sequence[Mapping[str, Any]]) -> str | None:
    moved = [
        str(version)
        for node in nodes
        if node["kind"].lower() == "deploy" and node["status"] in {"done", "skipped"}
        for version in node["versions"].values()
    ]
    return moved[-1] if moved else None
