"""Layers of configuration, merged: `conf/base`, then `conf/<env>`, then `--set key=value`.

`conf/base` is complete; an environment states only what differs. Maps merge, everything else
replaces. A key that `conf/base` does not know is refused. What values mean is in `conf.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import ConfigError, did_you_mean
from penstock.strict_yaml import load_yaml

SECTIONS = ("catalog", "params", "spark", "run")
EXAMPLE = "params.split_by_issue_date.test_from=2011-01-01"
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_BELOW = "${}"  # no key that YAML's readers would write: the reference that a map changes


@dataclass(frozen=True)
class Layer:
    """Values and where they come from, for an error: a file or a `--set`.

    Attributes:
        values: Section of `SECTIONS` to its keys; all of them in the first layer, `conf/base`.
    """

    origin: str
    values: Mapping[str, Any]


def read_layers(conf_dir: Path, env: str, overrides: Sequence[str]) -> list[Layer]:
    """Read the layers of a run: `conf/base`, each file of the environment, each `key=value`.

    Raises:
        ConfigError: A file of `conf/base` is missing, or something cannot be read.
    """
    base = {section: _read_yaml(conf_dir / "base" / f"{section}.yaml") for section in SECTIONS}
    files = {section: conf_dir / env / f"{section}.yaml" for section in SECTIONS}
    return [
        Layer(str(conf_dir / "base"), base),
        *(Layer(str(f), {section: _read_yaml(f)}) for section, f in files.items() if f.exists()),
        *(Layer(f"--set {override}", _change(override)) for override in overrides),
    ]


def merge_layers(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the document of all layers, later ones over earlier ones.

    Raises:
        ConfigError: A key that the first layer does not have, with the nearest one it has. A
            parameter that is an empty map there takes any.
    """
    document = dict(layers[0].values)
    free = _free_forms(document["params"])
    for layer in layers[1:]:
        document = _merge(document, layer.values, (), free, layer.origin)
    return document


def interpolate(value: Any, document: Mapping[str, Any]) -> Any:
    """Replace `${section.key}` as a whole value by what stands at that key of the document.

    Where a later layer changed keys of a map that is a reference, the others are as referred to.

    Raises:
        ConfigError: The document has no such key, or references lead to each other.
    """
    return _interpolated(value, document, ())


def _interpolated(value: Any, document: Mapping[str, Any], seen: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        own = {k: _interpolated(v, document, seen) for k, v in value.items() if k != _BELOW}
        if _BELOW not in value:
            return own
        below = _interpolated(value[_BELOW], document, seen)
        return _over(below, own) if isinstance(below, Mapping) else own
    if not _is_reference(value):
        return value
    if value in seen:
        raise ConfigError(f"References lead to each other: {' -> '.join((*seen, value))}.")
    found: Any = document
    for key in REFERENCE.fullmatch(value)[1].split("."):  # type: ignore[index]  # it matches
        if not isinstance(found, Mapping) or key not in found:
            raise ConfigError(f"The reference {value} points at a key that does not exist.")
        found = found[key]
    return _interpolated(found, document, (*seen, value))


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and bool(REFERENCE.fullmatch(value))


def _over(below: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in changes.items():
        both_maps = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _over(merged[key], value) if both_maps else value
    return merged


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            document = load_yaml(file, str(path))
    except FileNotFoundError as error:
        raise ConfigError(f"The configuration file {path} is missing. Restore it.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a map of keys to values, not {document!r}.")
    return document


def _merge(
    base: dict[str, Any],
    changes: Mapping[str, Any],
    at: tuple[str, ...],
    free: set[tuple[str, ...]],
    origin: str,
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        where = (*at, str(key))
        if key not in base and not (_is_open(where) or at in free):
            raise ConfigError(
                f"{origin}: unknown key '{'.'.join(where)}'; conf/base does not have it."
                f"{did_you_mean(str(key), [str(known) for known in base])}"
            )
        if isinstance(value, Mapping) and _is_reference(base.get(key)):
            # What it refers to is known once all layers are; its keys are checked then.
            merged[key] = {_BELOW: base[key], **value}
        elif isinstance(base.get(key), dict) and isinstance(value, Mapping):
            merged[key] = _merge(base[key], value, where, _freed(free, base[key], where), origin)
        else:
            merged[key] = value
    return merged


def _freed(
    free: set[tuple[str, ...]], base: Mapping[str, Any], where: tuple[str, ...]
) -> set[tuple[str, ...]]:
    return free | {where} if _BELOW in base else free


def _free_forms(params: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Return the parameters that are empty maps: their keys are of the user's choice."""
    return {
        ("params", section, key)
        for section, values in params.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if value == {}
    }


def _is_open(where: tuple[str, ...]) -> bool:
    # Spark's settings and a dataset's options are checked by Spark and by the dataset's kind.
    return where[0] == "spark" or (where[0] == "catalog" and len(where) > 2)  # noqa: PLR2004


def _change(override: str) -> dict[str, Any]:
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ConfigError(f"--set {override}: write key=value, e.g. {EXAMPLE}.")
    section, _, rest = path.partition(".")
    if section not in SECTIONS:
        raise ConfigError(
            f"--set {path}: a key starts with one of {', '.join(SECTIONS)} and a dot."
            f"{did_you_mean(section, SECTIONS)}"
        )
    if not rest:
        raise ConfigError(
            f"--set {override}: '{section}' is a whole section; name a key of it, e.g. {EXAMPLE}."
        )
    # Spark's own keys hold dots, and begin with the name of the section.
    keys = [section, path] if section == "spark" else path.split(".")
    change: Any = load_yaml(text, f"--set {override}")
    for key in reversed(keys):
        change = {key: change}
    assert isinstance(change, dict)
    return change
