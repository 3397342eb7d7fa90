"""The two projects, laid out in a folder of their own, and the mistakes to plant in them."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy

from penstock.jvm import delta_jars

HERE = Path(__file__).parent
PINS = HERE / "requirements.txt"
LOANS, SEED = 20_000, 4
HEADER = "loan_id,issue_date,amount,income,purpose,is_bad"
# One row in a hundred is malformed, in the column and the way given here by turns.
MALFORMED = ((1, "2015-02-31"), (2, "n/a"), (3, ""), (2, "-500"))
SMALL = {
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}


@dataclass(frozen=True)
class Edit:
    """A piece of text in one file of a project, and what stands in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Tool:
    """How one tool is used.

    Attributes:
        name: As its makers write it.
        package: What carries its version.
        source: Folder of its project beside this file.
        stages: Where the stages belong in it.
        program: What starts it, seen from the environment of the peers.
        check: Arguments of the command that looks for mistakes without running.
        tables: Where its tables lie.
        completed: Regular expression for a node that ran through, in what the tool prints.
        settings: Spark settings besides `SMALL`.
        faults: Name of a mistake to the edit that plants it.
        features, cut_off, comment: The changes that runs are repeated with.
        notes: What the tool has no notion of, and what was done instead.
    """

    name: str
    package: str
    source: str
    stages: str
    program: tuple[str, ...]
    check: tuple[str, ...]
    tables: str
    completed: str
    settings: Mapping[str, str]
    faults: Mapping[str, Edit]
    features: Edit
    cut_off: Edit
    comment: Edit
    notes: tuple[str, ...]


def stage_faults(stages: str, *, edge: Edit, parameter: Edit, cycle: Edit) -> dict[str, Edit]:
    """Return the five mistakes: two in the stages, which all tools share, three in the wiring.

    Args:
        stages: Where the stages lie in a project.
        edge: Makes a node read a dataset that nobody writes.
        parameter: Takes a parameter away.
        cycle: Makes a node read what is made of its own output.
    """
    drop = "heldout = featured.where(~is_early)"
    return {
        "wrong column in features": Edit(stages, "F.log1p(income)", 'F.log1p(F.col("incme"))'),
        "wrong dataset name": edge,
        "missing parameter": parameter,
        "feature lost before scoring": Edit(stages, drop, f'{drop}.drop("debt_share")'),
        "cycle": cycle,
    }


_KEDRO_STAGES, _KEDRO_GRAPH = "src/kedro_lending/stages.py", "src/kedro_lending/pipeline.py"
_KEDRO_PARAMETERS = "conf/base/parameters.yml"
KEDRO = Tool(
    name="Kedro",
    package="kedro",
    source="kedro_lending",
    stages=_KEDRO_STAGES,
    program=("bin/kedro",),
    check=("registry", "describe"),
    tables="data",
    completed=r"Completed node: (\w+)",
    settings={},
    faults=stage_faults(
        _KEDRO_STAGES,
        edge=Edit(_KEDRO_GRAPH, '["model", "heldout"]', '["model", "heldot"]'),
        parameter=Edit(_KEDRO_PARAMETERS, "cut_off: 0.2\n", ""),
        cycle=Edit(_KEDRO_GRAPH, '{"loans": "loans"', '{"loans": "scores"'),
    ),
    features=Edit(_KEDRO_PARAMETERS, "2016-12-31", "2015-12-31"),
    cut_off=Edit(_KEDRO_PARAMETERS, "cut_off: 0.2", "cut_off: 0.25"),
    comment=Edit(_KEDRO_STAGES, "    is_early =", "    # By the day of issue.\n    is_early ="),
    notes=(
        "The model is kept in memory, as Kedro's guide to PySpark says: its catalog has no dataset "
        "for a model of MLlib.",
        "No command of Kedro's checks datasets and parameters without a run; `registry describe` "
        "builds the graph. The catalog's validators (since 1.6) look at each table as it is saved.",
    ),
)

_SDP_SPEC, _SDP_GRAPH = "spark-pipeline.yml", "transformations/lending.py"
SDP = Tool(
    name="Spark Declarative Pipelines",
    package="pyspark",
    source="sdp_lending",
    stages="stages.py",
    program=("bash", "lib/python{python}/site-packages/pyspark/bin/spark-pipelines"),
    check=("dry-run", "--remote", "local[2]"),
    tables="warehouse",
    completed=r"Flow spark_catalog\.default\.(\w+) has COMPLETED",
    settings={
        # Not `format="delta"` on each table: see SDP_FORMAT.
        "spark.sql.sources.default": "delta",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": "{work}/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            "jdbc:derby:;databaseName={work}/metastore;create=true"
        ),
    },
    faults=stage_faults(
        "stages.py",
        edge=Edit(_SDP_GRAPH, 'spark.table("heldout")', 'spark.table("heldot")'),
        parameter=Edit(_SDP_SPEC, '  lending.cut_off: "0.2"\n', ""),
        cycle=Edit(_SDP_GRAPH, 'spark.table("loans")', 'spark.table("scores")'),
    ),
    features=Edit(_SDP_SPEC, "2016-12-31", "2015-12-31"),
    cut_off=Edit(_SDP_SPEC, 'cut_off: "0.2"', 'cut_off: "0.25"'),
    comment=Edit("stages.py", "    is_early =", "    # By the day of issue.\n    is_early ="),
    notes=(
        "A pipeline knows tables only, so the model is a table of one row of weights, fitted by a "
        "pandas aggregate: Newton's method in numpy instead of MLlib.",
        "All tables are materialized views, which every run makes anew. Streaming tables would "
        "read new rows only, but no old row again after a change of code or parameters.",
    ),
)
# A second run refuses tables whose definitions name Delta, which the first run takes.
SDP_FORMAT = Edit(
    _SDP_GRAPH,
    "@dp.materialized_view\ndef decisions",
    '@dp.materialized_view(format="delta")\ndef decisions',
)
# MLlib where a pipeline would need it.
SDP_ESTIMATOR = Edit(
    _SDP_GRAPH,
    'return spark.table("train").agg(fit("is_bad", *FEATURES).alias("weights"))',
    'from stages import fit_model\n\n    train = spark.table("train")\n'
    "    return fit_model(train, regularisation=0.1).transform(train)",
)

_OURS = "bench/peers/penstock_lending.py"
# The same mistakes in the same graph of ours: files as they lie in this project.
PENSTOCK_FAULTS = stage_faults(
    "bench/peers/stages.py",
    edge=Edit(_OURS, 'Apply("model", "heldout"', 'Apply("model", "heldot"'),
    parameter=Edit(_OURS, '    "decide": {"cut_off": 0.2},\n', ""),
    cycle=Edit(_OURS, 'Transform(add_features, "loans"', 'Transform(add_features, "scores"'),
)


def environment() -> Path:
    """Return the environment of the peers; make it from `requirements.txt` if it is not there."""
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    folder = Path(os.environ.get("PENSTOCK_HOME", "var"), "cache", f"peers-{pins}").absolute()
    if not (folder / "complete").is_file():
        uv, python = str(Path(sys.prefix, "bin", "uv")), str(folder / "bin" / "python")
        subprocess.run([uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--compile-bytecode", "--python", python, "-r", str(PINS)]
        subprocess.run(install, check=True)
        (folder / "complete").touch()
    return folder


def lay_out(tool: Tool, work: Path) -> None:
    """Make a project in a folder that is not there yet: sources, stages, loans, settings."""
    shutil.copytree(HERE / tool.source, work, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "stages.py", work / tool.stages)
    for folder in ("data", "conf/local", "conf/spark", "events"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    write_loans(work / "data" / "raw_loans.csv")
    jars = ":".join(map(str, delta_jars(Path(sys.prefix))))
    settings = {
        **SMALL,
        **tool.settings,
        "spark.driver.extraClassPath": jars,
        "spark.eventLog.dir": f"file://{work}/events",
    }
    lines = [f"{key} {value.replace('{work}', str(work))}" for key, value in settings.items()]
    (work / "conf/spark/spark-defaults.conf").write_text("\n".join(lines), "utf-8")
    specification = work / _SDP_SPEC
    if specification.is_file():  # it takes no relative paths
        specification.write_text(specification.read_text("utf-8").replace("HERE", str(work)))


def plant(work: Path, edit: Edit) -> None:
    """Put the new text in the place of the old.

    Raises:
        ValueError: The old text does not stand there exactly once.
    """
    file = work / edit.file
    text = file.read_text("utf-8")
    if text.count(edit.old) != 1:
        raise ValueError(
            f"'{edit.old}' stands {text.count(edit.old)} times in {file}; once, please."
        )
    file.write_text(text.replace(edit.old, edit.new), "utf-8")


def undo(work: Path, edit: Edit, original: str) -> None:
    """Put the file of an edit back."""
    (work / edit.file).write_text(original, "utf-8")


def write_loans(path: Path, rows: int = LOANS) -> None:
    """Write the CSV of loans: the same bytes every time, one row in a hundred malformed."""
    draw = numpy.random.default_rng(SEED)
    year, month = draw.integers(2014, 2019, rows), draw.integers(1, 13, rows)
    amount = draw.lognormal(9.2, 0.6, rows).round(2)
    income = draw.lognormal(10.9, 0.5, rows).round(2)
    purpose = draw.choice(["business", "car", "home", "debt"], rows)
    logit = -2 + 1.2 * amount / income + 0.7 * (purpose == "business")
    is_bad = draw.random(rows) < 1 / (1 + numpy.exp(-logit))
    lines = [HEADER]
    for n in range(rows):
        day = f"{year[n]}-{month[n]:02d}-15"
        row = [f"L{n:06d}", day, str(amount[n]), str(income[n]), purpose[n], str(int(is_bad[n]))]
        if n % 100 == 0:
            column, text = MALFORMED[n // 100 % len(MALFORMED)]
            row[column] = text
        lines.append(",".join(row))
    path.write_text("\n".join(lines) + "\n", "utf-8")
