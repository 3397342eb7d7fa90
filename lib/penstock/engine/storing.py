"""Storing what a node made: evidence as a report, a table under its contract in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from penstock.engine.checking import check_columns, check_rows, quarantine_rows, rule_names
from penstock.engine.contract import Contract
from penstock.engine.graph import Node
from penstock.engine.workbench import Workbench
from penstock.errors import DataError, NodeFailed
from penstock.evidence import Evidence
from penstock.store.reports import write_report


@dataclass(frozen=True)
class Stored:
    """What storing a node's outputs left behind, for its record."""

    rows_in: int | None = None
    rows_out: dict[str, int | None] = field(default_factory=dict)
    quarantined: int = 0
    broken_rules: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def store(node: Node, name: str, value: Any, bench: Workbench) -> Stored:
    """Store one output where the catalog says and hand it to the nodes that read it.

    Raises:
        DataError: The table breaks its contract beyond what quarantine takes.
        NodeFailed: The function returned something that cannot be stored.
    """
    if isinstance(value, Evidence):
        write_report(bench.catalog.home, bench.run_id, name, value)
        bench.put(name, value, bench.run_id)
        return Stored(versions={name: bench.run_id}, metrics=value.metrics)
    if not isinstance(value, DataFrame):
        raise NodeFailed(
            f"The function of '{node.name}' returned {type(value).__name__} for '{name}'; "
            "it must return a DataFrame (or Evidence for a report)."
        )
    if bench.catalog.kinds[name] == "memory":
        bench.put(name, value, None)
        return Stored(rows_out={name: None})
    return _write_table(node, name, value, bench)


def _write_table(node: Node, name: str, df: DataFrame, bench: Workbench) -> Stored:
    contract = bench.graph.contracts.get(name, Contract(columns=""))
    table = bench.catalog.delta(name)
    commit = f"{bench.run_id}/{node.name}"
    if not contract.columns:
        counts = Observation()
        version = table.replace(df.observe(counts, F.count(F.lit(1)).alias("rows")), commit=commit)
        bench.put(name, table.read(bench.spark, version), version)
        return Stored(rows_out={name: counts.get["rows"]}, versions={name: version})
    check_columns(df, contract, name, table.location)
    checked = check_rows(df, contract)
    version = table.replace(checked.good, commit=commit)
    rows, broken = checked.counts.get["rows"], checked.counts.get["broken"]
    put_aside = _quarantine(node, name, checked.checked, broken, bench) if broken else Stored()
    if rows - broken < contract.min_rows:
        raise DataError(
            f"'{name}' would have {rows - broken} rows, and its contract asks for at least "
            f"{contract.min_rows}: {rows} rows came in, {broken} broke a rule"
            f"{_worst(put_aside.broken_rules)}. Look at the source of '{node.name}'."
        )
    bench.put(name, table.read(bench.spark, version), version)
    return replace(
        put_aside,
        rows_in=rows if contract.quarantine else None,
        rows_out={name: rows - broken},
        versions={**put_aside.versions, name: version},
    )


def _quarantine(node: Node, name: str, checked: DataFrame, broken: int, bench: Workbench) -> Stored:
    """Put the broken rows aside, with the rules they broke; a contract without a place fails."""
    contract = bench.graph.contracts[name]
    rows, tally = quarantine_rows(checked, rule_names(contract), source=name, run_id=bench.run_id)
    if not contract.quarantine:
        example = rows.limit(1).collect()[0]
        raise DataError(
            f"{broken} row(s) of '{name}' break its contract, e.g. "
            f"{', '.join(example.broken_rules)}: {example.row[:300]}. "
            f"Mend them at the source of '{node.name}'."
        )
    table = bench.catalog.delta(contract.quarantine)
    version = table.replace(rows, commit=f"{bench.run_id}/{node.name}")
    by_rule = dict(tally.get)
    if (counted := by_rule.pop("*")) != broken:
        raise NodeFailed(
            f"{broken} rows of '{name}' were broken when it was written and {counted} when they "
            "were put aside: its source changed in between. Run again on a source at rest."
        )
    bench.put(contract.quarantine, table.read(bench.spark, version), version)
    return Stored(
        quarantined=broken,
        broken_rules={rule: n for rule, n in by_rule.items() if n},
        versions={contract.quarantine: version},
    )


def _worst(by_rule: Mapping[str, int]) -> str:
    if not by_rule:
        return ""
    rule = max(by_rule, key=lambda r: by_rule[r])
    return f", most often '{rule}' ({by_rule[rule]})"
