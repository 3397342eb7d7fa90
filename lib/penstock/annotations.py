"""Values of parameters held against the annotations of the function that takes them.

What a stage function says of a parameter is checked before anything runs: its type, and limits
such as `Annotated[float, Interval(gt=0, lt=1)]`. The names below are those that more than one uses.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import Parameter, signature
from typing import Annotated, Any, get_args, get_type_hints

from annotated_types import Ge, Gt, Interval
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import is_typeddict

from penstock.errors import ConfigError, did_you_mean
from penstock.keys import Steps, key_text


def _rising(numbers: list[float]) -> list[float]:
    if sorted(set(numbers)) != numbers:
        raise ValueError("it must rise from item to item")
    return numbers


Share = Annotated[float, Interval(gt=0, lt=1)]
ShareOrAll = Annotated[float, Interval(gt=0, le=1)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(0)]
Months = Annotated[int, Ge(1)]
Days = Annotated[int, Ge(1)]
RisingShares = Annotated[list[Share], AfterValidator(_rising)]

# Strict: a text is no number, though it may read as one. A whole number is a number.
# A key that nobody knows is no key: a misspelt one would else be as if it were not there.
_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True, extra="forbid")


def check_annotations(
    function: Callable[..., Any] | None,
    values: Mapping[str, Any],
    keys: Mapping[str, Steps],
    told: Callable[[Steps], str] = key_text,
) -> dict[str, Any]:
    """Return values of keyword-only arguments as their annotations have them: 0 as 0.0.

    An argument without an annotation takes anything.

    Args:
        function: None has no parameters.
        keys: Parameter to its key in the configuration.
        told: How an error names what stands at a key.

    Raises:
        ConfigError: A value of another type, not finite, or beyond its limits; or an unknown key.
    """
    adapters = _adapters(function) if function else {}
    checked = {}
    for name, value in values.items():
        try:
            checked[name] = adapters[name].validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            # Where a key is wrong, the step after it says so.
            steps = (*keys[name], *(step for step in first["loc"] if step != "[key]"))
            said = first["msg"].removeprefix("Value error, ").replace("Input should", "it must")
            said = said.replace("Extra inputs are not permitted", "there is no such key")
            near = ""
            if first["type"] == "extra_forbidden":
                near = did_you_mean(str(steps[-1]), _keys_in(_hints(function)[name]))
            raise ConfigError(f"{told(steps)} is {first['input']!r}; {said}.{near}") from error
    return checked


@cache
def _adapters(function: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    hints = _hints(function)
    return {
        p.name: _adapter(hints.get(p.name, Any))
        for p in signature(function).parameters.values()
        if p.kind is Parameter.KEYWORD_ONLY
    }


def _hints(function: Callable[..., Any] | None) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


def _keys_in(hint: Any) -> set[str]:
    own: set[str] = {*get_type_hints(hint)} if is_typeddict(hint) else set()
    return own.union(*map(_keys_in, get_args(hint)))


def _adapter(hint: Any) -> TypeAdapter[Any]:
    if is_typeddict(hint):  # it takes no configuration but its own
        return TypeAdapter(with_config(_STRICT)(hint))
    return TypeAdapter(hint, config=_STRICT)
