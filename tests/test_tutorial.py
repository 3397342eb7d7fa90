"""The tutorial, done as it stands, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
NEEDED = ("lib", "jobs", "conf", "tests", "Makefile", "spark-submit.sh", "pyproject.toml")
# A block, and the line before it, whose last `path` is the file the block is about.
BLOCK = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)```", re.DOTALL)
DIFFERS = {  # from machine to machine and run to run
    r"\d{8}T\d{6}-[0-9a-f]{4}": "RUN",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC)?": "TIME",
    r"\b(\d+ min )?\d[\d.]*( ms| s|s)\b": "SECONDS",
    r"\b\d[\d.]* k?B\b": "BYTES",
    r"\b[1-9]\d* Spark jobs\b": "JOBS",
    r"(?<=TIME by )\S+": "USER",
    r"\S+(?=/runs/)": "STATE",
    r"\s+": " ",
}


def plain(text):
    for pattern, word in DIFFERS.items():
        text = re.sub(pattern, word, text)
    return text.strip()


def write(file, kind, body):
    """Make a file of Python, add YAML to one, or change the lines of a diff in one."""
    if kind == "python":
        file.write_text(body)
    elif kind == "yaml":
        file.write_text(file.read_text() + body)
    else:
        before, after = (
            "\n".join(line[1:] for line in body.splitlines() if line[0] == sign) for sign in "-+"
        )
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after))


def shows(told, seen):
    """Say whether the text told is the text seen; "…" stands for any."""
    parts = (re.escape(plain(part)) for part in told.split("…"))
    return re.fullmatch(".*".join(parts), plain(seen))


def test_the_tutorial_does_what_it_says(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    for name in NEEDED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, project / name)
    # What a `make test` around this one hands down would change what its own `make` prints.
    inherited = ("PENSTOCK_HOME", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environ = {k: v for k, v in os.environ.items() if k not in inherited}
    environ |= {"PENSTOCK_ENV": sys.prefix, "COLUMNS": "100"}
    exports, seen = "", ""
    for before, kind, body in BLOCK.findall((PROJECT / "docs/tutorial.md").read_text()):
        if kind == "sh":
            done = subprocess.run(
                ["bash", "-c", exports + body],
                cwd=project,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            seen = done.stdout
            exports += "".join(f"{ln}\n" for ln in body.splitlines() if ln.startswith("export "))
        elif kind == "text":
            assert shows(body, seen), f"{before}\n{seen}"
        else:
            write(project / re.findall(r"`([\w./]+)`", before)[-1], kind, body)
