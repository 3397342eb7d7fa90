"""A policy in plain Python: the decision on one application, as Spark would make it.

`in_all.py` says the same of a table; that both give equal results is what the tests prove.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from penstock.lending.policy.expressions import Expression
from penstock.lending.policy.in_python import Evaluation, evaluation, fact_of
from penstock.lending.policy.policy import (
    NOT_SCORED,
    PD,
    VALUES,
    DecisionTable,
    Outcome,
    Policy,
    Rule,
)

Case = Mapping[str, Any]


@dataclass(frozen=True)
class Decided:
    """A decision by the policy: columns as `in_all.add_decision` has them."""

    decision: Outcome
    rules_hit: tuple[str, ...]
    rules_untold: tuple[str, ...]
    reasons: tuple[str, ...]
    limit_usd: Decimal | None
    interest_rate: float | None


def decider(policy: Policy) -> Callable[[Case], Decided]:
    """Return a function that decides on one application: column to value, as Spark hands it over.

    Args of the function: the columns of the policy, None where missing: int, float, str, bool,
        `Decimal` and `date` as Spark's rows have them.
    """
    tables = [_evaluated(table, policy) for table in policy.tables]

    def decide_one(case: Case) -> Decided:
        facts = {name: fact_of(case[name], kind) for name, kind in policy.columns.items()}
        found = _Found()
        if facts[PD] is None:
            found.refers.append(NOT_SCORED)
        for table in tables:
            table(facts, found)
        return found.decided(facts)

    return decide_one


class _Found:
    """What the tables have found on one application so far."""

    def __init__(self) -> None:
        self.hit: list[str] = []
        self.untold: list[str] = []
        self.declines: list[str] = []
        self.refers: list[str] = []

    def decided(self, facts: Case) -> Decided:
        decision: Outcome = "decline" if self.declines else "refer" if self.refers else "approve"
        limit = facts.get("limit_usd")
        return Decided(
            decision,
            tuple(self.hit),
            tuple(self.untold),
            tuple(self.declines or self.refers),
            None if limit is None else Decimal(limit).scaleb(-2),
            facts.get("interest_rate"),
        )


_Table = Callable[[dict[str, Any], _Found], None]


def _evaluated(table: DecisionTable, policy: Policy) -> _Table:
    conditions = [evaluation(rule.when) for rule in table.rules]
    values = [_offered(rule.value, table, policy) for rule in table.rules if rule.value is not None]

    def evaluate(facts: dict[str, Any], found: _Found) -> None:
        truths = [condition(facts) for condition in conditions]
        if table.hit == "first":
            truths = truths[: next((i for i, t in enumerate(truths) if t is not False), -1) + 1]
        hit = [i for i, truth in enumerate(truths) if truth]
        untold = [i for i, truth in enumerate(truths) if truth is None]
        found.hit += [table.rules[i].name for i in hit]
        found.untold += [table.rules[i].name for i in untold]
        is_conflict = table.hit == "unique" and _contradict([table.rules[i] for i in hit])
        for rule, truth in zip(table.rules, truths, strict=False):
            _judge(rule, truth, is_conflict, found)
        if is_conflict:
            found.refers.append(table.conflict)
        if table.gives_value:
            given = [values[i](facts) for i in hit]
            is_told = given and None not in given and not untold and not is_conflict
            facts[VALUES[table.name][0]] = min(given) if is_told else None
            if not is_told:
                found.refers.append(table.no_value)

    return evaluate


def _judge(rule: Rule, truth: bool | None, is_conflict: bool, found: _Found) -> None:
    if truth is None:
        found.refers.append(rule.untold)
    elif not truth:
        return
    elif rule.outcome == "decline" and not is_conflict:
        found.declines.append(rule.reason)
    elif rule.outcome == "refer":
        found.refers.append(rule.reason)


def _contradict(hit: list[Rule]) -> bool:
    return len({rule.outcome or rule.name for rule in hit}) > 1


def _offered(value: Expression, table: DecisionTable, policy: Policy) -> Evaluation:
    """Return the value of a rule as it may be offered, else None."""
    given = evaluation(value)
    if table.name == "price":
        cap = policy.legal_cap

        def rate(facts: Case) -> float | None:
            found: float | None = given(facts)
            return found if found is not None and cap is not None and 0 <= found <= cap else None

        return rate
    _, money = VALUES[table.name]
    multiplied = 10 ** max(money.scale - value.kind.scale, 0)
    divided = 10 ** max(value.kind.scale - money.scale, 0)

    def limit(facts: Case) -> int | None:
        found = given(facts)
        cents = -1 if found is None else found * multiplied // divided
        return cents if 0 <= cents < 10**money.precision else None

    return limit
