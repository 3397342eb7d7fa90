"""A plan or a graph as Mermaid text, which code hosts and wikis draw by themselves."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Read on white and on black alike: each states its fill, its line and its ink.
STYLES = {
    "dataset": "fill:#eef1f4,stroke:#a3abb5,color:#57606a",
    "node": "fill:#ffffff,stroke:#4c8fd6,color:#1f2328",
    "run": "fill:#e3f4e7,stroke:#1a7f37,stroke-width:2px,color:#1f2328",
    "skip": "fill:#ffffff,stroke:#8c959f,color:#57606a,stroke-dasharray:4 3",
    "unselected": "fill:#ffffff,stroke:#c3cad3,color:#8c959f,stroke-dasharray:2 3",
}
WORDS = {"run": "RUN", "skip": "skip", "unselected": "not selected"}
PLAIN = re.compile(r"[^\w .,()/-]")  # all else has a meaning somewhere in Mermaid
MOST_CHARACTERS = 60


def mermaid(document: Mapping[str, Any]) -> str:
    """Return a flowchart of nodes and the datasets between them.

    Args:
        document: A plan as plain values, or a graph: nodes without an action.

    Returns:
        Mermaid text, without a line end after the last line. Boxes are nodes with kind, action and
        cause; rounded ones are datasets. Those that the plan does not hold are pale.
    """
    planned, left_out = document["nodes"], document.get("left_out", ())
    nodes = [(node, node.get("action", "node")) for node in planned]
    nodes += [(node, "unselected") for node in left_out]
    datasets = {
        name: f"d{index}"
        for index, name in enumerate(
            dict.fromkeys(d for node, _ in nodes for d in (*node["inputs"], *node["outputs"]))
        )
    }
    held = {name for node in planned for name in (*node["inputs"], *node["outputs"])}
    lines = [f'{key}(["{_label(name)}"])' for name, key in datasets.items()]
    classes: dict[str, list[str]] = {}
    for name, key in datasets.items():
        classes.setdefault("dataset" if name in held else "unselected", []).append(key)
    for index, (node, action) in enumerate(nodes):
        key = f"n{index}"
        lines.append(f'{key}["{_box(node, action)}"]')
        lines += [f"{datasets[name]} --> {key}" for name in node["inputs"]]
        lines += [f"{key} --> {datasets[name]}" for name in node["outputs"]]
        classes.setdefault(action, []).append(key)
    lines += [f"classDef {name} {STYLES[name]}" for name in classes]
    lines += [f"class {','.join(keys)} {name}" for name, keys in classes.items()]
    return "\n".join(["flowchart TD", *(f"    {line}" for line in lines)])


def _box(node: Mapping[str, Any], action: str) -> str:
    told: Sequence[str] = (node["kind"], WORDS[action]) if action in WORDS else (node["kind"],)
    first, *more = node["cause"].split("; ") if action == "run" else [""]
    cause = [_label(first) + (" and more" if more else "")] if first else []
    return "<br/>".join([_label(node["name"]), " · ".join(map(_label, told)), *cause])


def _label(text: str) -> str:
    """Return text for a quoted label: what Mermaid could take as its own is a character code."""
    short = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
    return PLAIN.sub(lambda match: f"#{ord(match[0])};", short)
