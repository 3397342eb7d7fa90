"""A project laid out in a folder of its own, and changes made in it."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import yaml

from bench.peers.penstock_lending import CATALOG, PARAMETERS
from bench.peers.projects import OUR_GRAPH, PENSTOCK, SDP_SPEC, SMALL, Edit, Tool
from penstock.jvm import delta_jars

HERE = Path(__file__).parent
OURS = HERE.parents[1]
PINS = HERE / "requirements.txt"
LOANS, SEED = 20_000, 4
HEADER = "loan_id,issue_date,amount,income,purpose,is_bad"
# One row in a hundred is malformed, in the column and the way given here by turns.
MALFORMED = ((1, "2015-02-31"), (2, "n/a"), (3, ""), (2, "-500"))


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
    if tool is PENSTOCK:
        _lay_out_ours(work)
    else:
        shutil.copytree(HERE / tool.source, work, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("data", "conf/local", "conf/spark", "events", Path(tool.stages).parent):
        (work / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "stages.py", work / tool.stages)
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
    specification = work / SDP_SPEC
    if specification.is_file():  # it takes no relative paths
        specification.write_text(specification.read_text("utf-8").replace("HERE", str(work)))


def _lay_out_ours(work: Path) -> None:
    """Copy this project and give it the five-node graph as a graph of its own."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("lib", "jobs", "conf"):
        shutil.copytree(OURS / folder, work / folder, ignore=unwanted)
    shutil.copy(OURS / "spark-submit.sh", work)
    graph = (HERE / "penstock_lending.py").read_text("utf-8")
    graph = graph.replace("from bench.peers.stages", "from penstock.peers.stages")
    (work / OUR_GRAPH).write_text(graph, "utf-8")
    plant(work, Edit("lib/penstock/graphs/__init__.py", "GRAPHS = {",
                     'GRAPHS = {"peers": "penstock.graphs.peers", '))  # fmt: skip
    base = work / "conf" / "base"
    spark = yaml.safe_load((base / "spark.yaml").read_text("utf-8"))
    spark |= {**SMALL, "spark.eventLog.dir": f"file://{work}/events"}
    catalog = {**CATALOG, "raw_loans": {"kind": "csv", "path": f"{work}/data/raw_loans.csv"}}
    params = {"common": {"as_of": "2025-07-01"}, **PARAMETERS}
    for name, values in {"spark": spark, "catalog": catalog, "params": params}.items():
        (base / f"{name}.yaml").write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")


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
