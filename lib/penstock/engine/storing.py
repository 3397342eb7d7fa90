"""Storing what a node made: evidence as a report, a table under its contract in one commit."""

from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from penstock.columns import values_read
from penstock.engine.checking import CheckedTable, RowCounts, check_columns, check_rows, checksum
from penstock.engine.contract import Check, Contract, Level
from penstock.engine.nodes import Node
from penstock.engine.workbench import Workbench
from penstock.errors import DataError, NodeFailed
from penstock.evidence import Evidence
from penstock.record import Stored
from penstock.store.delta import DeltaTable
from penstock.store.reports import write_report

MOST_SHOWN = 300  # characters of a row in an error


def store(node: Node, name: str, value: Any, bench: Workbench) -> Stored:
    """Store one output where the catalog says and hand it to the nodes that read it.

    Raises:
        DataError: The table breaks its contract beyond what quarantine takes.
        NodeFailed: The function returned something that cannot be stored.
    """
    is_report = bench.catalog.kinds[name] == "report"
    if isinstance(value, Evidence) and is_report:
        write_report(bench.catalog.home, bench.run_id, name, value)
        bench.put(name, value, bench.run_id)
        return Stored(versions={name: bench.run_id}, metrics=value.metrics)
    if not isinstance(value, DataFrame) or is_report:
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
        version, rows = _write_counted(df, table, commit, F.count(F.lit(1)))
        bench.put(name, table.read(bench.spark, version), version)
        return Stored(rows_out={name: rows}, versions={name: version})
    check_columns(df.schema, contract, name, table.location)
    checked = check_rows(df, contract)
    version = table.replace(checked.good, commit=commit)
    counts = checked.counts()
    all_aside = counts.at["quarantine"] and not (counts.good or contract.may_put_all_aside)
    if counts.at["fail"] or all_aside:
        raise _failure(node, name, checked, counts, contract)
    versions = _quarantine(commit, name, checked, counts, bench) if counts.at["quarantine"] else {}
    if counts.good < contract.min_rows:
        cure = contract.few_rows_cure or f"Look at the source of '{node.name}'."
        raise DataError(
            f"'{name}' would have {counts.good} rows, and its contract asks for at least "
            f"{contract.min_rows}: {counts.rows} rows came in, {counts.rows - counts.good} broke a "
            f"rule{_most_often(counts, contract)}. {cure}"
        )
    bench.put(name, table.read(bench.spark, version), version)
    return Stored(
        rows_in=counts.rows if contract.quarantine or "drop" in contract.levels.values() else None,
        rows_out={name: counts.good},
        quarantined=counts.at["quarantine"],
        dropped=counts.at["drop"],
        warned=counts.at["warn"],
        broken_rules=counts.broken_rules,
        versions={**versions, name: version},
    )


def _quarantine(
    commit: str, name: str, checked: CheckedTable, counts: RowCounts, bench: Workbench
) -> dict[str, str]:
    """Put rows aside, with the rules they broke, and return the version of the quarantine."""
    quarantine = bench.graph.contracts[name].quarantine
    rows = checked.rows_at("quarantine").select(
        "*", F.lit(name).alias("source"), F.lit(bench.run_id).alias("run_id")
    )
    table = bench.catalog.delta(quarantine)
    version, written = _write_counted(rows, table, commit, checksum(F.col("row")))
    if written != counts.put_aside:
        raise NodeFailed(
            f"{counts.at['quarantine']} rows of '{name}' were to be put aside when it was written, "
            "and others were: its source changed in between. Run again on a source at rest."
        )
    bench.put(quarantine, table.read(bench.spark, version), version)
    return {quarantine: version}


def _write_counted(df: DataFrame, table: DeltaTable, commit: str, count: Column) -> tuple[str, int]:
    """Write a table and return its version, and an aggregate of what the write itself has seen."""
    seen = Observation()
    version = table.replace(df.observe(seen, count.alias("count")), commit=commit)
    return version, seen.get["count"]


def _failure(
    node: Node, name: str, checked: CheckedTable, counts: RowCounts, contract: Contract
) -> DataError:
    """Tell how many rows broke the rules that failed the node or put all aside, and show one."""
    level: Level = "fail" if counts.at["fail"] else "quarantine"
    broken = {r: n for r, n in counts.broken_rules.items() if contract.levels[r] == level}
    rules = ", ".join(f"{rule} ({n})" for rule, n in broken.items())
    cures = [c.cure for c in map(contract.checks.get, broken) if isinstance(c, Check) and c.cure]
    cure = " ".join(cures) or f"Mend them at the source of '{node.name}'."
    read = (*contract.key, *(sql for rule, sql in contract.conditions.items() if rule in broken))
    example = checked.rows_at(level).first()
    shown = f", e.g. {values_read(example.row, read)[:MOST_SHOWN]}" if example else ""
    left = "" if level == "fail" else ", and no other row is left"
    return DataError(
        f"{counts.at[level]} row(s) of '{name}' break its contract{left}: {rules}{shown}. {cure}"
    )


def _most_often(counts: RowCounts, contract: Contract) -> str:
    costly = {r: n for r, n in counts.broken_rules.items() if contract.levels[r] != "warn"}
    rule = max(costly, key=costly.__getitem__, default="")
    return f", most often '{rule}' ({costly[rule]})" if rule else ""
