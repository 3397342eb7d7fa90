"""Hits of a policy's rules: how often each decides, and which never do on these applications."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.lending.policy.history import Policies
from penstock.lending.policy.in_all import RuleColumns, add_verdicts, conflict


def count_hits(cases: DataFrame, *, policy: Policies, as_of: dt.date) -> Evidence:
    """Count for how many applications each rule of a policy holds, hits and cannot be told.

    A rule that holds does not hit where a rule before it in a table "first" has decided: it is
    shadowed there. Rules of a table "unique" that hit together and differ refer the application,
    where only data can tell that they do. Runs one Spark query, whose result is one row.

    Args:
        cases: Needs the columns of the policy.
        policy: History of the policy.
        as_of: Day whose version is looked at.

    Returns:
        Metrics applications, rules, rules_never_hit (its condition holds nowhere),
        rules_always_shadowed (it holds somewhere, but decides nowhere) and
        applications_contradicted (on which rules of a unique table contradict each other); table
        rules, one row per rule in the order they decide, and contradictions, one row per table that
        is unique, if one is.

    Raises:
        ConfigError: No version is in force, or a column of it is not there or of another type.
    """
    version = policy.in_force(as_of)
    judged, rules = add_verdicts(cases, policy=version)
    conflicts = {
        table.name: conflict([own for own in rules if own.table.name == table.name])
        for table in version.tables
        if table.hit == "unique"
    }
    [counts] = judged.select(
        F.count(F.lit(1)),
        F.count_if(reduce(or_, conflicts.values(), F.lit(False))),
        *map(F.count_if, conflicts.values()),
        *(F.count_if(column) for own in rules for column in (own.holds, own.is_hit, own.is_untold)),
    ).collect()
    applications, contradicted, *rest = counts
    by_table, by_rule = rest[: len(conflicts)], rest[len(conflicts) :]
    found = [tuple(by_rule[place : place + 3]) for place in range(0, len(by_rule), 3)]
    never = [own for own, (holds, _, _) in zip(rules, found, strict=True) if not holds]
    shadowed = [own for own, (holds, hit, _) in zip(rules, found, strict=True) if holds and not hit]
    return Evidence(
        metrics={
            "applications": float(applications),
            "rules": float(len(rules)),
            "rules_never_hit": float(len(never)),
            "rules_always_shadowed": float(len(shadowed)),
            "applications_contradicted": float(contradicted),
        },
        tables={
            "rules": _table(version.label, rules, found),
            **_contradictions(version.label, dict(zip(conflicts, by_table, strict=True))),
        },
    )


def _contradictions(policy: str, by_table: Mapping[str, int]) -> dict[str, Table]:
    title = f"Unique tables of {policy}: applications on which their rules contradict each other"
    table = Table(title, ("table", "applications"), tuple(by_table.items()))
    return {"contradictions": table} if by_table else {}


def _table(policy: str, rules: Sequence[RuleColumns], found: Sequence[tuple[int, ...]]) -> Table:
    return Table(
        f"Rules of {policy}: applications for which each holds, hits and cannot be told",
        ("table", "rule", "outcome", "holds", "hits", "untold", "note"),
        tuple(
            (own.table.name, own.rule.name, own.rule.outcome or "value", *counts, _note(*counts))
            for own, counts in zip(rules, found, strict=True)
        ),
    )


def _note(holds: int, hits: int, untold: int) -> str:
    return "always shadowed" if holds and not hits else "" if holds else "never hit"
