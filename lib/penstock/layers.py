"""Layers of configuration, merged: `conf/base`, then `conf/<env>`, then `--set key=value`.

`conf/base` is complete; an environment states only what differs. Maps merge, everything else
replaces. A key that `conf/base` does not know is refused. What values mean is in `conf.py`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.errors import ConfigError, did_you_mean
from penstock.keys import Steps, key_text
from penstock.strict_yaml import load_yaml, load_yaml_lines

SECTIONS = ("catalog", "params", "spark", "run")
EXAMPLE = "params.split_by_issue_date.test_from=2011-01-01"
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_BELOW = "${}"  # no key that YAML's readers would write: the reference that a map changes


@dataclass(frozen=True)
class Layer:
    """Values and where they come from, for an error: a file or a `--set`.

    Attributes:
        values: Section of `SECTIONS` to its keys; all of them in the first layer, `conf/base`.
        lines: Keys and places in lists that lead to a value, to "file, line n".
    """

    origin: str
    values: Mapping[str, Any]
    lines: Mapping[Steps, str] = field(default_factory=dict, repr=False)

    def place(self, steps: Steps) -> str:
        """Return the file and line of a value, or of what is nearest above it."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return self.lines.get(steps, self.origin)

    def told(self, steps: Steps) -> str:
        """Return how an error names a value: where it is said, and its key."""
        return f"{self.place(steps)}: {key_text(steps)}"


def read_layers(conf_dir: Path, env: str, overrides: Sequence[str]) -> list[Layer]:
    """Read the layers of a run: `conf/base`, each file of the environment, each `key=value`.

    Raises:
        ConfigError: A file of `conf/base` is missing, or something cannot be read.
    """
    base = [_layer(section, conf_dir / "base" / f"{section}.yaml") for section in SECTIONS]
    files = {section: conf_dir / env / f"{section}.yaml" for section in SECTIONS}
    return [
        Layer(
            str(conf_dir / "base"),
            {section: values for each in base for section, values in each.values.items()},
            {steps: place for each in base for steps, place in each.lines.items()},
        ),
        *(_layer(section, file) for section, file in files.items() if file.exists()),
        *(Layer(f"--set {override}", _change(override)) for override in overrides),
    ]


def merge_layers(layers: Sequence[Layer], options: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return the document of all layers, later ones over earlier ones.

    Args:
        options: Kind of dataset to the options it has. Where a layer names the kind of a dataset,
            what earlier ones say that this kind does not have falls away.

    Raises:
        ConfigError: A key that the first layer does not have, with the nearest one it has. A
            parameter that is an empty map there takes any.
    """
    document = dict(layers[0].values)
    free = _free_forms(document["params"])
    for layer in layers[1:]:
        changes = layer.values.get("catalog", {})
        fitting = {n: _fitting(e, changes.get(n), options) for n, e in document["catalog"].items()}
        document = _merge({**document, "catalog": fitting}, layer.values, (), free, layer)
    return document


def interpolate(
    value: Any, document: Mapping[str, Any], options: Mapping[str, Collection[str]] | None = None
) -> Any:
    """Replace `${section.key}` by what stands at that key of the document.

    A reference is a whole value, or a whole item of a list.

    Where a later layer changed keys of a map that is a reference, the others are as referred to.

    Args:
        options: As of `merge_layers`; none where no dataset can be among the values.

    Raises:
        ConfigError: The document has no such key, references lead to each other, or one stands
            within a longer text.
    """
    return _interpolated(value, _Resolving(document, options or {}), ())


@dataclass(frozen=True)
class _Resolving:
    """What references are resolved by: the document that they point into, and options by kind."""

    document: Mapping[str, Any]
    options: Mapping[str, Collection[str]]


def _interpolated(value: Any, of: _Resolving, seen: tuple[str, ...]) -> Any:
    if _is_reference(value):
        _refuse_circle(value, seen)
        return _interpolated(_target(value, of, ()), of, (*seen, value))
    if isinstance(value, list):
        return [_interpolated(item, of, seen) for item in value]
    if not isinstance(value, dict):
        _refuse_part(value)
        return value
    return {k: _interpolated(v, of, seen) for k, v in _opened(value, of, ()).items()}


def _refuse_part(value: Any) -> None:
    found = REFERENCE.search(value) if isinstance(value, str) else None
    if found and found[1].partition(".")[0] in SECTIONS:
        raise ConfigError(
            f"The reference {found[0]} stands within '{value}': it must be the whole value, or a "
            "whole item of a list."
        )


def _refuse_circle(reference: str, seen: tuple[str, ...]) -> None:
    if reference in seen:
        raise ConfigError(f"References lead to each other: {' -> '.join((*seen, reference))}.")


def _target(reference: str, of: _Resolving, seen: tuple[str, ...]) -> Any:
    """Return what stands where a reference points, which may be one itself."""
    _refuse_circle(reference, seen)
    found: Any = of.document
    for key in REFERENCE.fullmatch(reference)[1].split("."):  # type: ignore[index]  # it matches
        found = _opened(found, of, (*seen, reference))
        if not isinstance(found, Mapping) or key not in found:
            known = map(str, found) if isinstance(found, Mapping) else ()
            raise ConfigError(
                f"The reference {reference} points at a key that does not exist: there is no "
                f"'{key}' there.{did_you_mean(key, known)}"
            )
        found = found[key]
    return found


def _opened(value: Any, of: _Resolving, seen: tuple[str, ...]) -> Any:
    """Return a value, or a map that is a reference with its own changes; what is in it stays."""
    if _is_reference(value):
        return _opened(_target(value, of, seen), of, (*seen, value))
    if not isinstance(value, dict) or _BELOW not in value:
        return value
    own = {key: item for key, item in value.items() if key != _BELOW}
    below = _fitting(_opened(value[_BELOW], of, seen), own, of.options)
    return _over(below, own) if isinstance(below, Mapping) else own


def _fitting(entry: Any, changes: Any, options: Mapping[str, Collection[str]]) -> Any:
    """Return an entry without the options that the kind named by its changes does not have."""
    kind = changes.get("kind") if isinstance(changes, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(kind, str) or kind not in options:
        return entry
    return {k: v for k, v in entry.items() if k in ("kind", _BELOW, *options[kind])}


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and bool(REFERENCE.fullmatch(value))


def _over(below: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in changes.items():
        known = merged.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            merged[key] = _over(known, value)
        else:
            is_changed = isinstance(value, Mapping) and _is_reference(known)
            merged[key] = {_BELOW: known, **value} if is_changed else value
    return merged


def _layer(section: str, path: Path) -> Layer:
    try:
        with path.open(encoding="utf-8") as file:
            document, lines = load_yaml_lines(file, str(path))
    except FileNotFoundError as error:
        raise ConfigError(f"The configuration file {path} is missing. Restore it.") from error
    if not isinstance(document, dict | None):
        raise ConfigError(f"{path} must hold a map of keys to values, not {document!r}.")
    places = {(section, *steps): f"{path}, line {line}" for steps, line in lines.items()}
    return Layer(str(path), {section: document or {}}, places)


def _merge(
    base: dict[str, Any],
    changes: Mapping[str, Any],
    at: tuple[str, ...],
    free: set[tuple[str, ...]],
    layer: Layer,
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        where = (*at, str(key))
        if key not in base and not (_is_open(where) or _is_free(at, free)):
            raise ConfigError(
                f"{layer.place(where)}: unknown key '{'.'.join(where)}'; conf/base does not have "
                f"it.{did_you_mean(str(key), [str(known) for known in base])}"
            )
        if isinstance(value, Mapping) and _is_reference(base.get(key)):
            # What it refers to is known once all layers are; its keys are checked then.
            merged[key] = {_BELOW: base[key], **value}
        elif isinstance(base.get(key), dict) and isinstance(value, Mapping):
            merged[key] = _merge(base[key], value, where, _freed(free, base[key], where), layer)
        else:
            merged[key] = value
    return merged


def _is_free(at: tuple[str, ...], free: set[tuple[str, ...]]) -> bool:
    # Below a key of the user's choice all keys are: what may stand there its function knows.
    return any(at[:depth] in free for depth in range(len(at) + 1))


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
