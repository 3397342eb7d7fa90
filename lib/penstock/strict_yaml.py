"""YAML as configuration reads it: no key twice, and `1e-3` is a number, as in YAML 1.2."""

import re
from collections.abc import Hashable, Iterator
from typing import Any, TextIO

import yaml

from penstock.errors import ConfigError
from penstock.keys import Steps


def load_yaml(source: str | TextIO, name: str) -> Any:
    """Return what a YAML text holds, as plain values.

    Args:
        name: What the text is called in an error.

    Raises:
        ConfigError: The text is no YAML, a key stands twice or is no plain value.
    """
    value, _ = load_yaml_lines(source, name)
    return value


def load_yaml_lines(source: str | TextIO, name: str) -> tuple[Any, dict[Steps, int]]:
    """Return what a YAML text holds, and the line that each value of it stands on.

    Args:
        name: As of `load_yaml`, which says what is raised.

    Returns:
        The plain values; keys and places in lists that lead to a value, to its line, from 1. What
        has a key stands where its key does.
    """
    try:
        loader = _Loader(source)
        loader.name = name
        root = loader.get_single_node()
        value = None if root is None else loader.construct_document(root)
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2024-13-01 is a ValueError
        raise ConfigError(f"{name} is not valid YAML: {error}") from error
    return value, {} if root is None else dict(_lines(root, ()))


def _lines(node: yaml.Node, steps: Steps) -> Iterator[tuple[Steps, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield (*steps, str(key.value)), key.start_mark.line + 1
            yield from _lines(item, (*steps, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield (*steps, place), item.start_mark.line + 1
            yield from _lines(item, (*steps, place))


class _Loader(yaml.SafeLoader):
    """YAML says keys are unique; PyYAML keeps the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            place = f"{self.name}, line {key_node.start_mark.line + 1}"
            if not isinstance(key, Hashable):
                raise ConfigError(f"{place}: {key!r} cannot be a key. Write a plain name.")
            if key in seen:
                raise ConfigError(f"{place}: the key '{key}' stands twice. Keep one.")
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 asks for a point and a signed exponent, and takes 1e-3 for a text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
