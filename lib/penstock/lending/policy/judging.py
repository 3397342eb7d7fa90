"""Rules of a table that contradict each other, can never hit, or give what the law forbids."""

from collections.abc import Iterator

from penstock.lending.policy.cells import Cells
from penstock.lending.policy.expressions import Constant
from penstock.lending.policy.policy import DecisionTable


def judge_table(table: DecisionTable, legal_cap: float | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the rules of a table, each with file and line.

    Args:
        legal_cap: Highest yearly rate, as a fraction.
    """
    yield from _never_hit(table)
    if table.hit == "unique":
        yield from _overlapping(table)
    if table.name == "price":
        for rule in table.rules:
            rate = rule.value
            if isinstance(rate, Constant) and legal_cap is not None and rate.value > legal_cap:
                yield (
                    rule.place,
                    f"rule '{rule.name}' gives the rate {rate.value}, above the legal cap of "
                    f"{legal_cap}. Lower it.",
                )


def _never_hit(table: DecisionTable) -> Iterator[tuple[str, str]]:
    cells = Cells([rule.when for rule in table.rules])
    for place, rule in enumerate(table.rules):
        if not cells.can_hit(place):
            yield (
                rule.place,
                f"rule '{rule.name}' can never hit: its condition contradicts itself. Mend it.",
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
