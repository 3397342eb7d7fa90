"""JSON as every reader takes it: a number that is none (NaN, infinity) is null."""

import json
import math
from functools import partial
from typing import Any


def json_text(document: Any, *, indent: int | None = None, sort_keys: bool = False) -> str:
    """Return plain values as JSON; a value of another type, such as a date, as its text.

    NaN and infinities, which JSON has not and Python writes all the same, become null.
    """
    write = partial(json.dumps, indent=indent, sort_keys=sort_keys, default=str, allow_nan=False)
    try:
        return write(document)
    except ValueError:
        return write(_without_nan(document))


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
