"""What a run comes to: rows in, out and put aside, the headline measures, the champion.

One place for the page and the terminal's summary, so that they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.plural import plural
from penstock.report.formats import number

BY_USE, LEFT_OUT = "rows_by_use", "left out"  # the table of rows left out, and how it marks them
NOT_RELEASED = ("failed", "interrupted")


@dataclass(frozen=True)
class Totals:
    """The headline numbers of a run; None is unknown.

    Attributes:
        rows_in: Rows that were held against a contract that can quarantine or drop some.
        rows_out: Those among them that went on; `rows_in` = `rows_out` + `quarantined` + `dropped`.
        quarantined: Those that were put aside.
        dropped: Those that were left out.
        warned: Rows of any contract that went on although they broke a rule.
        auc: Area under the ROC curve, 0-1, of the first report that has one.
        ks: Kolmogorov-Smirnov distance, 0-1, of the same report.
        champion: Version that a champion's alias was moved to, if the run was released; the first
            of the graph, where models of several kinds have one.
    """

    rows_in: int | None
    rows_out: int | None
    quarantined: int
    dropped: int
    warned: int
    auc: float | None
    ks: float | None
    champion: str | None


def run_totals(record: Mapping[str, Any]) -> Totals:
    """Return the headline numbers of a run record given as plain values."""
    nodes = record["nodes"]
    checked = [node["rows_in"] for node in nodes if node["rows_in"] is not None]
    quarantined, dropped, warned = (
        sum(node[fate] for node in nodes) for fate in ("quarantined", "dropped", "warned")
    )
    metrics = _headline_metrics(record)
    return Totals(
        rows_in=sum(checked) if checked else None,
        rows_out=sum(checked) - quarantined - dropped if checked else None,
        quarantined=quarantined,
        dropped=dropped,
        warned=warned,
        auc=metrics.get("auc"),
        ks=metrics.get("ks"),
        champion=None if record["status"] in NOT_RELEASED else _champion(nodes),
    )


def broken_rows(quarantined: int, dropped: int, warned: int) -> str:
    """Return what became of the rows that broke a rule: "12 quarantined, 3 dropped, 40 warned"."""
    told = [f"{number(quarantined)} quarantined"]
    told += [f"{number(n)} {fate}" for n, fate in ((dropped, "dropped"), (warned, "warned")) if n]
    return ", ".join(told)


def left_out_rows(record: Mapping[str, Any]) -> str | None:
    """Return how many rows no model was made on or judged by, and the commonest cause.

    Returns:
        For example "1,234 rows, 900 of them: no outcome"; None if there are none, or no report says
        so.
    """
    for report in record["evidence"].values():
        if table := report["tables"].get(BY_USE):
            lines = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
            left = [line for line in lines if line["use"] == LEFT_OUT]
            if left:
                return _told(sum(line["rows"] for line in left), left[0])
    return None


def rows_into(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the rows of all inputs of a node that the run counted; None if it counted none."""
    written = {name: rows for other in nodes for name, rows in other["rows_out"].items()}
    known = [rows for name in node["inputs"] if (rows := written.get(name)) is not None]
    return sum(known) if known else None


def failed_nodes(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of the nodes that failed, in the order of the run."""
    return [node for node in record["nodes"] if node["status"] == "failed"]


def _told(rows: int, commonest: Mapping[str, Any]) -> str:
    of_them = commonest["rows"]
    most = f", {number(of_them)} of them" if of_them < rows else ""
    return f"{plural(rows, 'row')}{most}: {commonest['cause']}"


def _headline_metrics(record: Mapping[str, Any]) -> Mapping[str, float | None]:
    reports = [report["metrics"] for report in record["evidence"].values()]
    return next((metrics for metrics in reports if metrics.get("auc") is not None), {})


def _champion(nodes: Sequence[Mapping[str, Any]]) -> str | None:
    moved = (
        str(version)
        for node in nodes
        if node["kind"].lower() == "deploy" and node["status"] in {"done", "skipped"}
        for alias, version in node["versions"].items()
        if alias.endswith("champion")
    )
    return next(moved, None)
