"""The files of documents: `${files:base/policies/consumer}` in a parameter is what they say.

The path is one below conf/: a YAML file, or a folder, whose YAML files are taken by name.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.documents import Document, Documents
from penstock.errors import ConfigError, did_you_mean
from penstock.strict_yaml import load_yaml_lines

_FILES = re.compile(r"\$\{files:([^}]*)\}")


def with_documents(value: Any, conf_dir: Path) -> Any:
    """Return a value with the documents in place of each `${files:path}`, which is a whole value.

    Raises:
        ConfigError: There is no such file, it lies outside of conf/, or it is no YAML.
    """
    read = _reader(conf_dir)

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        found = _FILES.fullmatch(value) if isinstance(value, str) else None
        return read(found[1]) if found else value

    return replaced(value)


def _reader(conf_dir: Path) -> Callable[[str], Documents]:
    known: dict[str, Documents] = {}

    def read(path: str) -> Documents:
        if path not in known:
            known[path] = read_documents(path, conf_dir)
        return known[path]

    return read


def read_documents(path: str, conf_dir: Path) -> Documents:
    """Read a YAML file below conf/, or the YAML files of a folder there.

    Raises:
        ConfigError: There is none, or it lies outside of conf/, or it is no YAML.
    """
    place = conf_dir / path
    told = f"{conf_dir.name}/{path}"
    if not place.resolve().is_relative_to(conf_dir.resolve()):
        raise ConfigError(
            f"${{files:{path}}} lies outside of {conf_dir.name}/. Move the files there."
        )
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place] if place.is_file() else []
    if not files:
        beside = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
        raise ConfigError(
            f"${{files:{path}}}: there is no YAML file {told}, nor a folder with some."
            f"{did_you_mean(place.name, beside)}"
        )
    return Documents(told, tuple(_document(file, conf_dir) for file in files))


def _document(file: Path, conf_dir: Path) -> Document:
    path = f"{conf_dir.name}/{file.relative_to(conf_dir).as_posix()}"
    value, lines = load_yaml_lines(file.read_text(encoding="utf-8"), path)
    try:
        text = json.dumps(value, sort_keys=True, default=str, allow_nan=False)
    except (TypeError, ValueError) as error:  # keys of several types, .inf, .nan
        raise ConfigError(
            f"{path} holds what is no plain value ({error}). Keys are texts, numbers are finite."
        ) from error
    return Document(path, text, lines)
