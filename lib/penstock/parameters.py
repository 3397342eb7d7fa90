"""Parameters: what replaces a value of `conf/base` must be of its type.

A wrong type would else surface inside a stage, hours into a run.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any

from penstock.errors import ConfigError
from penstock.keys import Steps

EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text (in quotes where YAML reads something else)",
    dt.date: "a date such as 2025-07-01",
    list: "a list",
    dict: "a map of keys to values",
}


def check_parameters(
    base: Mapping[str, Any], changes: Mapping[str, Any], told: Callable[[Steps], str]
) -> None:
    """Hold new values of parameters against those of `conf/base`.

    A whole number may replace a number. The items of a list are of one type where those in
    `conf/base` are. Where `conf/base` has null, or in a map that is empty there, anything goes.

    Args:
        base: The section `params` of `conf/base`.
        changes: Its part that changes; keys that `base` lacks are refused elsewhere.
        told: How an error names what stands at a key of the changes.

    Raises:
        ConfigError: A value of another type, a null, a number that is not finite, or a key of a
            map that is no text.
    """
    for key, value in changes.items():
        _check(base[key], value, ("params", key), told)


def _check(base: Any, value: Any, at: Steps, told: Callable[[Steps], str]) -> None:
    if isinstance(base, dict) and isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigError(
                    f"{told(at)} has the key {_as_yaml(key)}, which YAML reads as no text. Put it "
                    "in quotes."
                )
            _check(base.get(key), item, (*at, key), told)
        return
    if base is not None and not _fits(value, type(base)):
        raise _refusal(f"{told(at)} must be", type(base), value)
    if not isinstance(value, list):
        _check_finite(value, at, told)
        return
    types = list({type(item) for item in base or ()})
    for place, item in enumerate(value):
        if len(types) == 1 and not _fits(item, types[0]):
            raise _refusal(f"{told((*at, place))} must be", types[0], item)
        _check_finite(item, (*at, place), told)


def _fits(value: Any, expected: type) -> bool:
    # Not isinstance: a bool is an int and a datetime a date to Python, but not to a reader.
    return type(value) is expected or (expected is float and type(value) is int)


def _check_finite(value: Any, at: Steps, told: Callable[[Steps], str]) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{told(at)} must be a finite number, not {value}.")


def _refusal(beginning: str, expected: type, value: Any) -> ConfigError:
    name = EXPECTED.get(expected, f"of type {expected.__name__}")
    return ConfigError(f"{beginning} {name}, as in conf/base, not {_as_yaml(value)}.")


def _as_yaml(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return value.isoformat() if isinstance(value, dt.date) else repr(value)
