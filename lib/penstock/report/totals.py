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
        rows_in: Rows of the raw tables: those made by nodes without input; of one read from the
            catalog, what the first node that reads it alone kept and quarantined.
        rows_out: Rows of the tables that no node of the run reads.
        quarantined: Rows sent to quarantine by all nodes.
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
    read = {name for node in nodes for name in node["inputs"]}
    final = [
        rows
        for node in nodes
        for name, rows in node["rows_out"].items()
        if name not in read and rows is not None
    ]
    metrics = _headline_metrics(record)
    return Totals(
        rows_in=_rows_in(nodes),
        rows_out=sum(final) if final else None,
        quarantined=sum(node["quarantined"] for node in nodes),
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


def _rows_in(nodes: Sequence[Mapping[str, Any]]) -> int | None:
    written = {name for node in nodes for name in node["outputs"]}
    rows: dict[str, int] = {}
    for node in nodes:
        counted = [n for n in node["rows_out"].values() if n is not None]
        if not node["inputs"]:
            rows |= {name: n for name, n in node["rows_out"].items() if n is not None}
        elif counted and len(node["inputs"]) == 1 and node["inputs"][0] not in written:
            rows.setdefault(node["inputs"][0], sum(counted) + node["quarantined"])
    return sum(rows.values()) if rows else None


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
