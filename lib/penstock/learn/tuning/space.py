"""The space of a search: which settings are tried, between which bounds. Values only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.errors import ConfigError, did_you_mean

Settings = Mapping[str, Any]
Choice = None | bool | int | float | str

_RANGE = ("low", "high", "log", "step")
_CHOICES = ("choices",)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; integers if both are.

    Attributes:
        is_log: Whether 0.01 to 0.1 is as far as 0.1 to 1.
        step: Distance of neighbours; None: 1 for integers, none for other numbers.
    """

    low: float
    high: float
    is_log: bool = False
    step: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it holds integers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def bounds(self) -> tuple[Choice, ...]:
        """What has to be tried out to know that all of it can be set."""
        return self.low, self.high


@dataclass(frozen=True)
class Choices:
    """Values without an order."""

    values: tuple[Choice, ...]

    @property
    def bounds(self) -> tuple[Choice, ...]:
        """All of them."""
        return self.values


@dataclass(frozen=True)
class Space:
    """Setting to the values that it may have."""

    dimensions: Mapping[str, Range | Choices]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.dimensions

    def extremes(self) -> Iterator[dict[str, Any]]:
        """Give settings that have each bound and each choice once, the others at their first."""
        first = {name: dimension.bounds[0] for name, dimension in self.dimensions.items()}
        yield first
        for name, dimension in self.dimensions.items():
            for value in dimension.bounds[1:]:
                yield {**first, name: value}


def read_space(search: Mapping[str, Any]) -> Space:
    """Return the space that a parameter describes.

    Args:
        search: Setting to `{low: 2, high: 6}`, with `log: true` or `step: 2` if need be, or to
            `{choices: [a, b]}`.

    Raises:
        ConfigError: A setting is described otherwise, or holds no value.
    """
    return Space({name: _dimension(name, described) for name, described in search.items()})


def _dimension(name: str, described: Any) -> Range | Choices:
    if not isinstance(described, Mapping):
        raise _wrong(name, f"is {described!r}", "write {low: …, high: …} or {choices: […]}.")
    is_choice = "choices" in described
    known = _CHOICES if is_choice else _RANGE
    for key in described:
        if key not in known:
            beside = "choices stand alone" if is_choice else f"it takes {', '.join(known)}, choices"
            raise _wrong(name, f"has the key '{key}'", f"{beside}.{did_you_mean(key, known)}")
    return _choices(name, described["choices"]) if is_choice else _range(name, described)


def _choices(name: str, values: Any) -> Choices:
    if not isinstance(values, list) or not values:
        raise _wrong(name, f"has the choices {values!r}", "name at least one, in a list.")
    for value in values:
        if value is not None and not isinstance(value, bool | int | float | str):
            raise _wrong(name, f"has the choice {value!r}", "a choice is a text, a number or null.")
    if len({(type(value), value) for value in values}) < len(values):
        raise _wrong(name, f"has the choices {values!r}", "name each of them once.")
    return Choices(tuple(values))


def _range(name: str, described: Mapping[str, Any]) -> Range:
    low, high = (_number(name, key, described.get(key)) for key in ("low", "high"))
    step, is_log = described.get("step"), described.get("log", False)
    if not isinstance(is_log, bool):
        raise _wrong(name, f"has log {is_log!r}", "it is true or false.")
    if low > high:
        raise _wrong(name, f"goes from {low} to {high}", "low must not be above high.")
    if is_log and low <= 0:
        raise _wrong(name, f"has log: true and low {low}", "a logarithm needs low above 0.")
    if step is not None:
        step = _number(name, "step", step)
        if step <= 0 or is_log:
            raise _wrong(name, f"has step {step}", "it is above 0, and not for log: true.")
    found = Range(low, high, is_log, step)
    if found.is_whole and step is not None and not isinstance(step, int):
        raise _wrong(name, f"has step {step} between integers", "it must be an integer too.")
    return found


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        raise _wrong(name, f"has {key} {value!r}", "it must be a number.")
    return value


def _wrong(name: str, found: str, cure: str) -> ConfigError:
    return ConfigError(f"Setting '{name}' of the search {found}; {cure}")
