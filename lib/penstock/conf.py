"""Configuration: layered YAML turned into frozen dataclasses.

`conf/base` is complete; `conf/<env>` states only what differs; `--set key=value` comes last. Maps
merge, everything else replaces. A key that `conf/base` does not know is refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_origin

import yaml

from penstock.errors import ConfigError, did_you_mean

T = TypeVar("T")
SECTIONS = ("catalog", "params", "spark", "run")


@dataclass(frozen=True)
class DeltaConf:
    """A Delta table: at `path`, or `table` of a metastore, else in the folder `run.tables`.

    Attributes:
        external: Whether others write it: then it is only read, at its newest version.
    """

    path: str = ""
    table: str = ""
    partition_by: tuple[str, ...] = ()
    external: bool = False


@dataclass(frozen=True)
class CsvConf:
    """A CSV file or folder with a header; every column is read as STRING.

    Attributes:
        filter: SQL condition on the raw columns; only rows that meet it are read.
    """

    path: str
    delimiter: str = ","
    filter: str = "true"


@dataclass(frozen=True)
class ParquetConf:
    """A Parquet file or folder."""

    path: str


@dataclass(frozen=True)
class RangeConf:
    """The numbers 0 to `rows - 1` in a BIGINT column `id`: the seed corn of generated data."""

    rows: int


@dataclass(frozen=True)
class MemoryConf:
    """A table that lives in the run only: computed where it is needed, stored nowhere."""


@dataclass(frozen=True)
class ModelConf:
    """A registered MLflow model; each run that fits it adds a version."""

    name: str


@dataclass(frozen=True)
class AliasConf:
    """An alias of a registered MLflow model; the dataset's name is the alias."""

    model: str


@dataclass(frozen=True)
class ReportConf:
    """Evidence of a measurement or a gate: kept as JSON with the run."""


DatasetConf = (
    DeltaConf | CsvConf | ParquetConf | RangeConf | MemoryConf | ModelConf | AliasConf | ReportConf
)

KINDS: dict[str, type[DatasetConf]] = {
    "delta": DeltaConf,
    "csv": CsvConf,
    "parquet": ParquetConf,
    "range": RangeConf,
    "memory": MemoryConf,
    "model": ModelConf,
    "alias": AliasConf,
    "report": ReportConf,
}
KIND_OF: dict[type[DatasetConf], str] = {cls: kind for kind, cls in KINDS.items()}

FILE_KINDS = (CsvConf, ParquetConf, RangeConf)


def is_source(conf: DatasetConf) -> bool:
    """Say whether a dataset is there before the run: the node that would write it is cut."""
    return isinstance(conf, FILE_KINDS) or (isinstance(conf, DeltaConf) and conf.external)


@dataclass(frozen=True)
class RunConf:
    """How runs are carried out and tracked.

    Attributes:
        tables: Folder that holds the Delta tables; empty means `tables` in the state folder.
        tracking_uri: MLflow server; empty means sqlite in the state folder.
        experiment: MLflow experiment that takes the runs.
        nodes_at_once: Independent nodes at work side by side.
    """

    tables: str
    tracking_uri: str
    experiment: str
    nodes_at_once: int


@dataclass(frozen=True)
class Conf:
    """The resolved configuration of one run.

    Attributes:
        params: Node or function name to its keyword-only arguments; `common` serves every function.
        spark: Spark settings by their full names.
        document: The merged YAML as plain values, for the run's record.
    """

    env: str
    catalog: Mapping[str, DatasetConf]
    params: Mapping[str, Mapping[str, Any]]
    spark: Mapping[str, str]
    run: RunConf
    document: Mapping[str, Any]


def load_conf(conf_dir: Path, env: str, overrides: Sequence[str] = ()) -> Conf:
    """Read `conf/base`, lay `conf/<env>` and the `key=value` overrides over it, and check all.

    Raises:
        ConfigError: An environment, file, key or value that does not fit, with its origin.
    """
    environments = sorted(
        p.name for p in conf_dir.iterdir() if p.is_dir() and p.name not in ("base", "pins")
    )
    if env not in environments:
        raise ConfigError(
            f"There is no environment '{env}' in {conf_dir}; there are "
            f"{', '.join(environments)}.{did_you_mean(env, environments)}"
        )
    document: dict[str, Any] = {}
    for section in SECTIONS:
        base_file = conf_dir / "base" / f"{section}.yaml"
        document[section] = _read_yaml(base_file)
        env_file = conf_dir / env / f"{section}.yaml"
        if env_file.exists():
            changes = _read_yaml(env_file)
            document[section] = _merge(document[section], changes, (section,), str(env_file))
    for override in overrides:
        document = _override(document, override)
    document = _interpolate(document, document)
    return Conf(
        env=env,
        catalog={
            name: _dataset(name, entry) for name, entry in sorted(document["catalog"].items())
        },
        params=document["params"],
        spark={key: _spark_value(value) for key, value in sorted(document["spark"].items())},
        run=_typed(RunConf, document["run"], "run"),
        document=document,
    )


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML says keys are unique; PyYAML keeps the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise ConfigError(
                    f"{key_node.start_mark.name}, line {key_node.start_mark.line + 1}: the key "
                    f"'{key}' stands twice. Keep one."
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            document = yaml.load(file, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError as error:
        raise ConfigError(f"The configuration file {path} is missing. Restore it.") from error
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2024-13-01 is a ValueError
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a map of keys to values, not {document!r}.")
    return document


def _merge(
    base: dict[str, Any], changes: Mapping[str, Any], at: tuple[str, ...], origin: str
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        where = (*at, str(key))
        if key not in base and not _is_open(where):
            raise ConfigError(
                f"{origin}: unknown key '{'.'.join(where)}'; conf/base does not have it."
                f"{did_you_mean(str(key), [str(known) for known in base])}"
            )
        if isinstance(base.get(key), dict) and isinstance(value, Mapping):
            merged[key] = _merge(base[key], value, where, origin)
        else:
            merged[key] = value
    return merged


def _is_open(where: tuple[str, ...]) -> bool:
    # Spark's settings and a dataset's options are checked by Spark and by the dataset's kind.
    return where[0] == "spark" or (where[0] == "catalog" and len(where) > 2)  # noqa: PLR2004


def _override(document: dict[str, Any], override: str) -> dict[str, Any]:
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ConfigError(
            f"--set {override}: write key=value, e.g. "
            "params.split_by_issue_date.test_from=2011-01-01."
        )
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML: {error}") from error
    section, _, rest = path.partition(".")
    if section not in SECTIONS or not rest:
        raise ConfigError(
            f"--set {path}: a key starts with one of {', '.join(SECTIONS)} and a dot."
            f"{did_you_mean(section, SECTIONS)}"
        )
    # Spark's own keys hold dots, and begin with the name of the section.
    keys = [section, path] if section == "spark" else path.split(".")
    change: Any = value
    for key in reversed(keys):
        change = {key: change}
    return _merge(document, change, (), f"--set {path}")


def _interpolate(value: Any, document: Mapping[str, Any]) -> Any:
    """Replace `${section.key}` as a whole value by what stands at that key."""
    if isinstance(value, dict):
        return {key: _interpolate(item, document) for key, item in value.items()}
    match = re.fullmatch(r"\$\{([\w.]+)\}", value) if isinstance(value, str) else None
    if match is None:
        return value
    found: Any = document
    for key in match[1].split("."):
        if not isinstance(found, Mapping) or key not in found:
            raise ConfigError(f"The reference {value} points at a key that does not exist.")
        found = found[key]
    return found


def _dataset(name: str, entry: Any) -> DatasetConf:
    if not isinstance(entry, Mapping) or "kind" not in entry:
        raise ConfigError(f"catalog.{name} needs a kind: one of {', '.join(KINDS)}.")
    kind = entry["kind"]
    if kind not in KINDS:
        raise ConfigError(
            f"catalog.{name}.kind is '{kind}'; known kinds are {', '.join(KINDS)}."
            f"{did_you_mean(str(kind), KINDS)}"
        )
    options = {key: value for key, value in entry.items() if key != "kind"}
    return _typed(KINDS[kind], options, f"catalog.{name}")


def _typed(cls: type[T], options: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from `options`, checking names and types."""
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # T is a dataclass
    for key, value in options.items():
        if key not in known:
            raise ConfigError(
                f"{where}: unknown key '{key}'; known are {', '.join(known) or 'none'}."
                f"{did_you_mean(key, known)}"
            )
        declared: Any = known[key].type
        expected = list if get_origin(declared) is tuple else declared
        if isinstance(value, bool) != (expected is bool) or not isinstance(value, expected):
            raise ConfigError(
                f"{where}.{key} is {value!r}; it must be of type {expected.__name__}."
            )
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {str(error).partition(') ')[2] or error}.") from error


def _spark_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
