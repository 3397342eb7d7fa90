"""Spark's text of a plan without what differs from process to process. Texts only, no Spark."""

import json
import re
from collections.abc import Iterator
from typing import Any

_ID = re.compile(r"#(\d+)")
_NAMED_ID = re.compile(r"(\w*)#(\d+)")
# Names that Spark draws anew for each call: of views, of lambdas' variables, of observations.
_DRAWN = re.compile(
    r"_pyspark_[0-9a-f]{32}|(?i:sqltransformer)_[0-9a-f]{12}_[0-9a-f]{12}"
    r"|(?<=CTERelationDef )\d+|(?<=CTERelationRef )\d+|(?<=lambda )\w+(?=#)"
)
_OBSERVATION = re.compile(r"CollectMetrics \S+, (\[.*\]), \d+$", re.MULTILINE)
_UDTF = re.compile(r"(Generate .*\))#\d+(?=, (?:true|false), \[)")  # keeps its id in `without_ids`

_CLOCKS = {
    "CurrentDate": "current_date()",
    "CurrentTimestamp": "current_timestamp()",
    "CurrentTime": "current_time()",
    "Now": "now()",
    "LocalTimestamp": "localtimestamp()",
    "CurrentBatchTimestamp": "current_timestamp()",
}
_BY_PARTITION = {
    "MonotonicallyIncreasingID": "monotonically_increasing_id()",
    "SparkPartitionID": "spark_partition_id()",
}
# Two runs with one seed, or on one version of a file, draw the same; and MLlib declares functions
# not deterministic only to keep the optimiser from repeating them.
_SEEDED = ("Rand", "Randn", "RandStr", "Uniform", "Uuid", "Shuffle", "InputFileName",
           "InputFileBlockStart", "InputFileBlockLength", "ScalaUDF")  # fmt: skip


def numbered(text: str, without_ids: str) -> str:
    """Number the ids of a plan in order of appearance.

    Args:
        text: The plan, with Spark's ids: "amount#312".
        without_ids: The same plan with every id zero, so that "#312" in a literal stands out.
    """
    named, shown = _NAMED_ID.findall(text), _ID.findall(without_ids)
    shown = shown if len(shown) == len(named) else ["0"] * len(named)
    # Functions that Spark replaces by others (`try_divide`) keep their ids in both texts: such an
    # id counts if the same name and number stand elsewhere in the plan.
    known = {pair for pair, zero in zip(named, shown, strict=True) if zero == "0"}
    order: dict[str, str] = {}
    position = iter(shown)

    def new(found: re.Match[str]) -> str:
        name, number = found.groups()
        if next(position) != "0" and (not name or (name, number) not in known):
            return found[0]
        return f"{name}#~" + order.setdefault(number, str(len(order)))

    text = _OBSERVATION.sub(r"CollectMetrics \1", _NAMED_ID.sub(new, text))
    names: dict[str, str] = {}
    return _DRAWN.sub(lambda found: names.setdefault(found[0].lower(), f"~{len(names)}"), text)


def reasons_never(plan: str, is_deterministic: bool) -> tuple[tuple[str, ...], bool]:
    """Return what makes a plan's rows differ from run to run, and whether it has a Python UDTF.

    Args:
        plan: The plan as JSON.
        is_deterministic: Whether Spark calls it so. If not, and it draws by no seed, there is a
            reason that has no name here.
    """
    reasons, is_seeded, has_udtf = [], False, False
    for expression in nodes(json.loads(plan)):
        kind = expression["class"].rpartition(".")[2]
        has_udtf |= kind == "PythonUDTF"
        is_seeded |= kind in _SEEDED
        if name := {**_CLOCKS, **_BY_PARTITION}.get(kind):
            reasons.append(name)
        elif kind.startswith("Python") and expression.get("udfDeterministic") is False:
            reasons.append(f"{expression.get('name')}() is not declared deterministic")
    if not (reasons or is_seeded or is_deterministic):
        reasons.append("an expression that Spark calls not deterministic")
    return tuple(dict.fromkeys(reasons)), has_udtf


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Give every operator and expression of a plan's JSON, with those of its subqueries."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                if "class" in found:
                    yield found
                waiting += found.values()
            case list() as several:
                waiting += reversed(several)
