"""What was learnt of each variable that a scorecard might have used."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Variable:
    """One variable, used or left out.

    Attributes:
        name: Its column, without the prefix of WoE columns.
        iv: Information value.
        vif: Variance inflation among the columns used; None: left out.
        coefficient: Change of the log-odds of bad by unit of WoE; None: left out.
        reason: Why it was left out; empty: it is used.
        standard_error: Of the coefficient, as `standard_errors` has it; None: left out, or held by
            a constraint; also in models that were saved without it.
    """

    name: str
    iv: float
    vif: float | None
    coefficient: float | None
    reason: str
    standard_error: float | None = None


def to_text(variables: Iterable[Variable]) -> str:
    """Return variables as the text of a JSON list."""
    return json.dumps([asdict(variable) for variable in variables])


def from_text(text: str) -> tuple[Variable, ...]:
    """Rebuild the variables from `to_text`'s text."""
    return tuple(Variable(**document) for document in json.loads(text))
