"""A policy over a table of applications: column expressions only, one pass.

What is made on the way stands in columns of its own, so that no condition is computed twice and no
expression grows with the number of rules.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegralType,
    StringType,
)

from penstock.columns import column_of
from penstock.errors import ConfigError, did_you_mean
from penstock.lending.policy.expressions import Expression, Kind
from penstock.lending.policy.in_spark import column_of_expression, fact_column
from penstock.lending.policy.policy import (
    DECISION,
    NOT_SCORED,
    PD,
    VALUES,
    DecisionTable,
    Policy,
    Rule,
)

_GROUP = 8
_OWN = "policy: "  # begins the names of columns that are dropped again


@dataclass(frozen=True)
class RuleColumns:
    """What a table of applications says of one rule, once `add_verdicts` has added it.

    Attributes:
        holds: Whether its condition holds; null where it cannot be told.
        is_hit: Whether it takes part in the decision; never null.
        is_untold: Whether it would, but cannot be told; never null.
    """

    table: DecisionTable
    rule: Rule
    holds: Column
    is_hit: Column
    is_untold: Column


def add_decision(cases: DataFrame, *, policy: Policy) -> DataFrame:
    """Add the decision of a policy on each application.

    Grain: one row per row of `cases`, in and out.

    Args:
        cases: Needs the columns of the policy, and none that is added.

    Returns:
        `cases` and decision ("approve", "refer" or "decline": the strictest that a table finds),
        rules_hit and rules_untold (names in the order they decide; untold: a value is missing),
        reasons (texts; of a decline those of every rule that declines, else those to refer for),
        limit_usd (DECIMAL(12,2), rounded down) and interest_rate (DOUBLE, a fraction per year): as
        the tables give them, whatever the decision; null where they give none that may be offered.

    Raises:
        ConfigError: A column of the policy that `cases` does not have, or of another type.
    """
    judged, rules = add_verdicts(cases, policy=policy)
    declines: list[tuple[Column, str]] = []
    refers = [(column_of(f"{_OWN}fact {PD}").isNull(), NOT_SCORED)]
    for table in policy.tables:
        of_table = [own for own in rules if own.table.name == table.name]
        declines += _declining(table, of_table)
        refers += _referring(table, of_table)
    decision = (
        F.when(_any_of([is_one for is_one, _ in declines]), F.lit("decline"))
        .when(_any_of([is_one for is_one, _ in refers]), F.lit("refer"))
        .otherwise(F.lit("approve"))
    )
    values = {
        fact: (column_of(fact) if fact in judged.columns else F.lit(None)).cast(str(kind))
        for fact, kind in VALUES.values()
    }
    return judged.withColumn("decision", decision).select(
        *map(column_of, cases.columns),
        "decision",
        _named([(own.is_hit, own.rule.name) for own in rules]).alias("rules_hit"),
        _named([(own.is_untold, own.rule.name) for own in rules]).alias("rules_untold"),
        F.when(F.col("decision") == "decline", _named(declines))
        .when(F.col("decision") == "refer", _named(refers))
        .otherwise(_named([]))
        .alias("reasons"),
        *(column.alias(fact) for fact, column in values.items()),
    )


def add_verdicts(cases: DataFrame, *, policy: Policy) -> tuple[DataFrame, list[RuleColumns]]:
    """Add what each rule of a policy says of each application, in columns that no reader names.

    Grain and errors as of `add_decision`.

    Returns:
        The table, and for each rule, in the order they decide, what it says.
    """
    _check_columns(cases, policy)
    facts = {name: column_of(f"{_OWN}fact {name}") for name in policy.columns}
    judged = cases.withColumns(
        {
            f"{_OWN}fact {name}": fact_column(column_of(name), kind)
            for name, kind in policy.columns.items()
        }
    )
    rules: list[RuleColumns] = []
    for table in policy.tables:
        judged = judged.withColumns(
            {
                f"{_OWN}rule {rule.name}": column_of_expression(rule.when, facts)
                for rule in table.rules
            }
        )
        if table.hit == "first":
            judged = judged.withColumn(f"{_OWN}first {table.name}", _first(table))
        of_table = [_columns(table, place) for place in range(len(table.rules))]
        rules += of_table
        if table.gives_value:
            fact, _ = VALUES[table.name]
            judged = judged.withColumn(fact, _value(of_table, facts, policy))
            facts[fact] = column_of(fact)
    return judged, rules


def conflict(rules: Sequence[RuleColumns]) -> Column:
    """Return whether rules of a unique table, all of it, contradict each other; never null."""
    groups: dict[str, list[Column]] = {}
    for own in rules:
        groups.setdefault(own.rule.outcome or own.rule.name, []).append(own.is_hit)
    hits = [_any_of(columns).cast("int") for columns in groups.values()]
    return sum(hits[1:], start=hits[0]) > 1


def _first(table: DecisionTable) -> Column:
    """Return the place of the first rule that hits or cannot be told; null if all are false."""
    choice = F.when(F.lit(False), F.lit(0))
    for place, rule in enumerate(table.rules):
        holds = column_of(f"{_OWN}rule {rule.name}")
        choice = choice.when(F.coalesce(holds, F.lit(True)), F.lit(place))
    return choice


def _columns(table: DecisionTable, place: int) -> RuleColumns:
    rule = table.rules[place]
    holds = column_of(f"{_OWN}rule {rule.name}")
    is_hit, is_untold = F.coalesce(holds, F.lit(False)), holds.isNull()
    if table.hit == "first":
        is_first = F.coalesce(column_of(f"{_OWN}first {table.name}") == place, F.lit(False))
        is_hit, is_untold = is_first & is_hit, is_first & is_untold
    return RuleColumns(table, rule, holds, is_hit, is_untold)


def _declining(table: DecisionTable, rules: Sequence[RuleColumns]) -> list[tuple[Column, str]]:
    """Return what declines an application, each with its reason, in order."""
    declining = [own for own in rules if own.rule.outcome == "decline"]
    if table.hit != "unique":
        return [(own.is_hit, own.rule.reason) for own in declining]
    is_sound = ~conflict(rules)
    return [(own.is_hit & is_sound, own.rule.reason) for own in declining]


def _referring(table: DecisionTable, rules: Sequence[RuleColumns]) -> list[tuple[Column, str]]:
    """Return what refers an application, each with its reason, in order."""
    found = []
    for own in rules:
        if own.rule.outcome == "refer":
            found.append((own.is_hit, own.rule.reason))
        found.append((own.is_untold, own.rule.untold))
    if table.hit == "unique":
        found.append((conflict(rules), table.conflict))
    if table.gives_value:
        found.append((column_of(VALUES[table.name][0]).isNull(), table.no_value))
    return found


def _value(rules: Sequence[RuleColumns], facts: Mapping[str, Column], policy: Policy) -> Column:
    table = rules[0].table
    given = [_offered(own.rule.value, facts, table, policy) for own in rules if own.rule.value]
    if table.hit == "least":
        lacks = [own.is_hit & value.isNull() for own, value in zip(rules, given, strict=True)]
        hit = [F.when(own.is_hit, value) for own, value in zip(rules, given, strict=True)]
        value = F.when(~_any_of(lacks), F.array_min(F.array(*hit)))
    else:
        value = F.coalesce(
            *(F.when(own.is_hit, value) for own, value in zip(rules, given, strict=True))
        )
    untold = _any_of([own.is_untold for own in rules])
    no_value = untold | conflict(rules) if table.hit == "unique" else untold
    return F.when(~no_value, value)


def _offered(
    value: Expression, facts: Mapping[str, Column], table: DecisionTable, policy: Policy
) -> Column:
    """Return the value of a rule as it may be offered, else null."""
    column = column_of_expression(value, facts)
    if table.name == "price":
        return within_cap(column, policy)
    _, kind = VALUES[table.name]
    cents = F.floor(column, F.lit(kind.scale)) if value.kind.scale > kind.scale else column
    amount = cents.try_cast(str(kind))
    return F.when(amount >= 0, amount)


def within_cap(rate: Column, policy: Policy) -> Column:
    """Return a yearly rate, a fraction, where it may be offered; null below 0 and above the cap.

    What any offer's rate is held against, whoever has set it.
    """
    # NaN is above every number in Spark.
    most = math.inf if policy.legal_cap is None else policy.legal_cap
    return F.when((rate >= 0) & (rate <= F.lit(most)), rate)


def _any_of(columns: Sequence[Column]) -> Column:
    """Return whether one of several conditions holds; a tree of little depth."""
    if not columns:
        return F.lit(False)
    if len(columns) == 1:
        return columns[0]
    half = len(columns) // 2
    return _any_of(columns[:half]) | _any_of(columns[half:])


def _named(named: Sequence[tuple[Column, str]]) -> Column:
    """Return the texts of those conditions that hold, in order."""
    groups = [named[place : place + _GROUP] for place in range(0, len(named), _GROUP)]
    none = F.array().cast("array<string>")
    # Few rules hit: a group without any costs no array.
    texts = [
        F.when(
            _any_of([is_one for is_one, _ in group]),
            F.array_compact(F.array(*(F.when(is_one, F.lit(text)) for is_one, text in group))),
        ).otherwise(none)
        for group in groups
    ]
    # As contracts have arrays: elements may be null, though none is.
    return F.concat(none, *texts).cast("array<string>")


def _check_columns(cases: DataFrame, policy: Policy) -> None:
    types = {field.name: field.dataType for field in cases.schema}
    for name, kind in policy.columns.items():
        place = policy.places[name]
        if name not in types:
            raise ConfigError(
                f"{place}: the applications have no column '{name}'.{did_you_mean(name, types)}"
            )
        if not _fits(types[name], kind):
            raise ConfigError(
                f"{place}: '{name}' is said to be {kind}, but the applications have it as "
                f"{types[name].simpleString()}. Write the type it has."
            )
    for name in DECISION:
        if name in types:
            raise ConfigError(
                f"The applications have a column '{name}', which the policy adds. Rename it."
            )


def _fits(given: DataType, kind: Kind) -> bool:
    match kind.name:
        case "decimal":
            return (
                isinstance(given, DecimalType)
                and given.scale <= kind.scale
                and given.precision - given.scale <= kind.precision - kind.scale
            )
        case "double":
            return isinstance(given, FractionalType) and not isinstance(given, DecimalType)
        case "integer":
            return isinstance(given, IntegralType)
    wanted = {"text": StringType, "boolean": BooleanType, "date": DateType}[kind.name]
    return isinstance(given, wanted)
