"""Rules of a table that contradict each other, can never hit, or give what the law forbids."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from penstock.lending.policy.cells import Cells
from penstock.lending.policy.expressions import Expression
from penstock.lending.policy.in_python import evaluation
from penstock.lending.policy.policy import VALUES, DecisionTable, Rule


def judge_table(table: DecisionTable, legal_cap: float | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the rules of a table, each with file and line.

    Args:
        legal_cap: Highest yearly rate, as a fraction.
    """
    yield from _never_hit(table)
    if table.hit == "unique":
        yield from _overlapping(table)
    for rule in table.rules:
        # What reads a column is left to the data.
        if rule.value is not None and not rule.value.facts:
            fault = _never_offered(rule, rule.value, table, legal_cap)
            if fault:
                yield rule.place, fault


def _never_offered(
    rule: Rule, value: Expression, table: DecisionTable, legal_cap: float | None
) -> str:
    found = evaluation(value)({})
    if found is None:
        return f"rule '{rule.name}' gives no number: it divides by zero, or is too great. Mend it."
    _, money = VALUES[table.name]
    is_rate = table.name == "price"
    shown: Any = found if is_rate else Decimal(found).scaleb(-value.kind.scale)
    gives = f"rule '{rule.name}' gives the {'rate' if is_rate else 'limit'} {shown}"
    if found < 0:
        return f"{gives}, below nothing. Mend it."
    if is_rate and legal_cap is not None and found > legal_cap:
        return f"{gives}, above the legal cap of {legal_cap}. Lower it."
    if not is_rate and shown >= 10 ** (money.precision - money.scale):
        return f"{gives}, and {money} cannot hold it. Lower it."
    return ""


def _never_hit(table: DecisionTable) -> Iterator[tuple[str, str]]:
    cells = Cells([rule.when for rule in table.rules])
    for place, rule in enumerate(table.rules):
        if not cells.can_hit(place):
            yield (
                rule.place,
                f"rule '{rule.name}' can never hit: its condition is true of no application. "
                "Mend it.",
            )
        elif table.hit == "first" and not cells.can_hit(place, range(place)):
            by = [
                earlier.name
                for before, earlier in enumerate(table.rules[:place])
                if not cells.can_hit(place, [before])
            ]
            told = f"rule '{by[0]}' before it" if by else "the rules before it"
            yield (
                rule.place,
                f"rule '{rule.name}' can never be reached: {told} hits whenever it would. Move it "
                "up, or take it out.",
            )


def _overlapping(table: DecisionTable) -> Iterator[tuple[str, str]]:
    cells = Cells([rule.when for rule in table.rules])
    for place, rule in enumerate(table.rules):
        for before, earlier in enumerate(table.rules[:place]):
            is_same = (rule.outcome, rule.value) == (earlier.outcome, earlier.value)
            found = None if is_same else cells.common(before, place)
            if found is not None:
                yield (
                    rule.place,
                    f"rules '{earlier.name}' and '{rule.name}' of the unique table {table.name} "
                    f"both hit {found}, and differ. Part them, or make the table 'first'.",
                )
