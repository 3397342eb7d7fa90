"""Fingerprints: what the outputs of a node depend on, as named parts, and why two of them differ.

A part is a text under a name of two words, "parameter folds" or "input loans": a changed part names
the cause. Values only, standard library only.
"""

import hashlib
from collections.abc import Callable, Mapping
from os.path import commonprefix

MOST_CAUSES = 3
MOST_SHOWN = 40  # characters of a value
MADE_BY = "made by "  # begins the value of an input that a node makes: its fingerprint follows
NEVER = "moment"  # the part that no two runs share


def _moved(name: str, then: str, now: str) -> str:
    # Long texts that begin alike are told from a little before where they part.
    alike = len(commonprefix((then, now)))
    begin = alike - MOST_SHOWN // 4 if alike >= MOST_SHOWN - 1 else 0
    return f"{name} {_short(then, begin) or 'none'} -> {_short(now, begin) or 'none'}"


def _short(text: str, begin: int) -> str:
    text = f"…{text[begin:]}" if begin else text
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


# How a change of each kind of part is told, in the order of telling.
TOLD: dict[str, Callable[[str, str, str], str]] = {
    "kind": lambda name, then, now: f"its kind {then} -> {now}",
    "setting": lambda name, then, now: f"setting {_moved(name, then, now)}",
    "parameter": lambda name, then, now: f"parameter {_moved(name, then, now)}",
    "code": lambda name, then, now: f"code of {_function(name)} changed",
    "plan": lambda name, then, now: "its plan changed",
    "contract": lambda name, then, now: f"contract of {name} changed",
    "columns": lambda name, then, now: f"columns read of {name} changed",
    "storage": lambda name, then, now: f"storage of {name} changed",
    "source": lambda name, then, now: f"{name} is another source, or read in another way",
    "model": lambda name, then, now: f"{name} is another model" if then and now else "",
    "library": _moved,
    "input": lambda name, then, now: (
        f"{name} is made anew" if MADE_BY in then + now else _moved(name, then, now)
    ),
}


def digest(parts: Mapping[str, str]) -> str:
    """Return SHA-256 over the parts, each text with its length before it, in hexadecimal."""
    hashed = hashlib.sha256()
    for name in sorted(parts):
        for text in (name.encode(), parts[name].encode()):
            hashed.update(len(text).to_bytes(8, "big") + text)
    return hashed.hexdigest()


def cause_of(
    then: Mapping[str, str],
    now: Mapping[str, str],
    code_then: Mapping[str, str],
    code_now: Mapping[str, str],
) -> str:
    """Name what changed between two sets of parts, the node's own changes before its inputs'.

    Args:
        code_then, code_now: Function to hash of its source, which explain a changed plan and
            are no parts themselves where the plan says it all.
    """
    changed = {name for name in {*then, *now} if then.get(name) != now.get(name)} - {NEVER}
    if any(name.startswith("plan ") for name in changed):
        code = {f"code {f}" for f in {*code_then, *code_now} if code_then.get(f) != code_now.get(f)}
        plans = {name for name in changed if name.startswith("plan ")}
        # A plan changes with the parameters, columns and functions that it is made from.
        if code or changed - plans:
            changed = (changed - plans) | code
    told: dict[str, str] = {}
    for kind, tell in TOLD.items():
        for part in sorted(part for part in changed if part.split(" ")[0] == kind):
            name = part.partition(" ")[2]
            # Another source, or model, has other versions: what is true of an input is told once.
            of = name if kind in ("source", "model", "input") else part
            told[of] = told.get(of) or tell(name, then.get(part, ""), now.get(part, ""))
    causes = list(dict.fromkeys(filter(None, told.values())))
    rest = len(causes) - MOST_CAUSES
    return "; ".join(causes[:MOST_CAUSES]) + (f"; and {rest} more" if rest > 0 else "")


def _function(name: str) -> str:
    file, _, function = name.rpartition(":")
    return f"{function} ({file})" if file else function
