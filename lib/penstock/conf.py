"""Configuration: layered YAML turned into frozen dataclasses, every value checked.

How the layers merge is in `layers.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_origin

from penstock.clocks import APPLICATION, DECISION, KnownAt, clock_fault
from penstock.document_files import with_documents
from penstock.errors import ConfigError, did_you_mean
from penstock.keys import Steps
from penstock.layers import Layer, interpolate, merge_layers, read_layers
from penstock.origins import Origins
from penstock.parameters import check_parameters

T = TypeVar("T")


def _clocks() -> Any:
    # Not in the repr, which fingerprints are made of: a clock changes no row.
    return field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True)
class DeltaConf:
    """A Delta table: at `path`, or `table` of a metastore, else in the folder `run.tables`.

    Attributes:
        external: Whether others write it: then it is only read, at its newest version.
        known_at: Moment ("decision", "post") to the columns not known before.
    """

    path: str = ""
    table: str = ""
    partition_by: tuple[str, ...] = ()
    external: bool = False
    known_at: KnownAt = _clocks()


@dataclass(frozen=True)
class CsvConf:
    """A CSV file or folder; every column is read as STRING.

    Attributes:
        delimiter: One character; `\\t` stands for a tab.
        header: Whether the first line names the columns.
        columns: Names in place of the header's, one for each column; needed where there is none.
        filter: SQL condition on the raw columns; only rows that meet it are read.
        known_at: As of a Delta table.
    """

    path: str
    delimiter: str = ","
    header: bool = True
    columns: tuple[str, ...] = ()
    filter: str = "true"
    encoding: str = "UTF-8"
    known_at: KnownAt = _clocks()


@dataclass(frozen=True)
class ParquetConf:
    """A Parquet file or folder; `known_at` as of a Delta table."""

    path: str
    known_at: KnownAt = _clocks()


@dataclass(frozen=True)
class RangeConf:
    """The numbers 0 to `rows - 1` in a BIGINT column `id`: the seed corn of generated data."""

    rows: int


@dataclass(frozen=True)
class MemoryConf:
    """A table that lives in the run only: computed where it is needed, stored nowhere.

    Attributes:
        known_at: As of a Delta table.
    """

    known_at: KnownAt = _clocks()


@dataclass(frozen=True)
class ModelConf:
    """A registered MLflow model; each run that fits it adds a version.

    Attributes:
        known_at: The moment it is used at: its features may be known then, but not later.
        version: Which one is read of a model that no node of the graph makes; 0: there is none.
    """

    name: str
    known_at: str = field(default=APPLICATION, repr=False)
    version: int = field(default=0, repr=False)  # fingerprints have it as the input's version


@dataclass(frozen=True)
class AliasConf:
    """An alias of a registered MLflow model.

    Attributes:
        alias: The alias; empty means the dataset's name.
    """

    model: str
    alias: str = ""


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


def _is_model_name(name: str) -> bool:
    return bool(name.strip()) and not set(name) & set("/:")


# What YAML has for these.
YAML_TYPES = {tuple: list, Mapping: dict}
# What a value must be beyond its type. Spark reads CSV line by line in these encodings only.
LIMITS: dict[tuple[type, str], tuple[Callable[[Any], bool], str]] = {
    (CsvConf, "path"): (bool, "not be empty"),
    (CsvConf, "delimiter"): (lambda text: len(text) == 1 or text == r"\t",
                             r"be one character, or \t for a tab"),
    (CsvConf, "encoding"): (lambda text: text.upper() in ("UTF-8", "ISO-8859-1"),
                            "be UTF-8 or ISO-8859-1"),
    (ParquetConf, "path"): (bool, "not be empty"),
    (ModelConf, "known_at"): (lambda moment: moment in (APPLICATION, DECISION),
                              "be application or decision: a model is not used later"),
    (ModelConf, "name"): (_is_model_name, "be a name, without / and :"),
    (ModelConf, "version"): (lambda version: 0 <= version < 2**31,  # MLflow's registry
                             "be 0 or more, and a number that a version can have"),
    (AliasConf, "model"): (_is_model_name, "be a name, without / and :"),
    (RangeConf, "rows"): (lambda rows: rows >= 0, "be 0 or more"),
    (RunConf, "nodes_at_once"): (lambda nodes: nodes >= 1, "be 1 or more"),
}  # fmt: skip


@dataclass(frozen=True)
class Conf:
    """The resolved configuration of one run.

    Attributes:
        params: Node or function name to its keyword-only arguments; `common` serves every function.
            Files that they name are `Documents`.
        spark: Spark settings by their full names.
        document: The merged YAML as plain values, for the run's record; files stay names there.
        origins: Which file and line says each of them, for an error.
    """

    env: str
    catalog: Mapping[str, DatasetConf]
    params: Mapping[str, Mapping[str, Any]]
    spark: Mapping[str, str]
    run: RunConf
    document: Mapping[str, Any]
    origins: Origins = field(repr=False)


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
    layers = read_layers(conf_dir, env, overrides)
    options = {kind: [option.name for option in fields(cls)] for kind, cls in KINDS.items()}
    document = merge_layers(layers, options)
    document = interpolate(document, document, options)
    _check_params(layers, document)
    origins = Origins(layers)
    return Conf(
        env=env,
        catalog={
            name: _dataset(("catalog", name), entry, origins.told)
            for name, entry in sorted(document["catalog"].items())
        },
        params=with_documents(document["params"], conf_dir),
        spark={key: _spark_value(value) for key, value in sorted(document["spark"].items())},
        run=_typed(RunConf, document["run"], ("run",), origins.told),
        document=document,
        origins=origins,
    )


def _check_params(layers: Sequence[Layer], document: Mapping[str, Any]) -> None:
    known = interpolate(layers[0].values["params"], document)
    for layer in reversed(layers):  # a reference has its value from where that was changed last
        changes = interpolate(layer.values.get("params", {}), document)
        check_parameters(known, changes, layer.told)


def _dataset(steps: Steps, entry: Any, told: Callable[[Steps], str]) -> DatasetConf:
    if not isinstance(entry, Mapping) or "kind" not in entry:
        raise ConfigError(f"{told(steps)} needs a kind: one of {', '.join(KINDS)}.")
    kind = entry["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(
            f"{told((*steps, 'kind'))} is '{kind}'; known kinds are {', '.join(KINDS)}."
            f"{did_you_mean(str(kind), KINDS)}"
        )
    options = {key: value for key, value in entry.items() if key != "kind"}
    return _typed(KINDS[kind], options, steps, told)


def _typed(
    cls: type[T], options: Mapping[str, Any], steps: Steps, told: Callable[[Steps], str]
) -> T:
    """Build the dataclass `cls` from the options at a key, checking names, types and limits."""
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # T is a dataclass
    for key, value in options.items():
        if key not in known:
            raise ConfigError(
                f"{told(steps)}: unknown key '{key}'; known are {', '.join(known) or 'none'}."
                f"{did_you_mean(str(key), known)}"
            )
        declared: Any = known[key].type
        expected = YAML_TYPES.get(get_origin(declared), declared)
        if isinstance(value, bool) != (expected is bool) or not isinstance(value, expected):
            raise ConfigError(
                f"{told((*steps, key))} is {value!r}; it must be of type {expected.__name__}."
            )
        holds, limit = LIMITS.get((cls, key), (None, ""))
        if holds and not holds(value):
            raise ConfigError(f"{told((*steps, key))} is {value!r}; it must {limit}.")
        if declared == KnownAt and (fault := clock_fault(value)):
            raise ConfigError(f"{told((*steps, key))} {fault}")
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{told(steps)}: {str(error).partition(') ')[2] or error}.") from error


def _spark_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
