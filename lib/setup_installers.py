"""What the set-up fetches: packages by uv or pip, Delta's jars by Spark's own resolver.

Everything is compared with `conf/pins` before it is used. Standard library only.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from penstock.errors import SetupError
from penstock.jvm import PROJECT

PINS = PROJECT / "conf" / "pins"
REQUIREMENTS = "requirements.txt"
# Installed first, from the same pinned file: what fetches the others, and what builds pyspark.
TOOLS = ("setuptools", "uv", "wheel")
# Spark brings these itself, or Delta does not need them for what we do.
NOT_NEEDED = (
    "org.antlr:*,org.apache.spark:*,org.scala-lang:*,com.fasterxml.jackson.core:*,"
    "org.apache.hadoop:*,io.unitycatalog:*,io.delta:delta-kernel*"
)
NO_NETWORK = re.compile(
    r"name resolution|resolve host|dns error|unreachable|no route|timed out|connection refused"
    r"|connection reset|connect error|error sending request|NewConnectionError|UnknownHost",
    re.IGNORECASE,
)
WRONG_HASH = re.compile(r"hash(es)? (mismatch|do not match)|DO NOT MATCH THE HASHES", re.IGNORECASE)


def install_packages(folder: Path) -> None:
    """Install the pinned packages: by uv, which takes a third of the time, or else by pip.

    Raises:
        SetupError: If one cannot be fetched, or its hash is not the pinned one.
    """
    python = str(folder / "bin" / "python")
    by_pip = [python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    by_pip += ["--require-hashes", "--no-build-isolation", "-r"]
    tools = folder / "tools.txt"
    tools.write_text(pinned(TOOLS, (PINS / REQUIREMENTS).read_text("utf-8")), "utf-8")
    uv = shutil.which("uv") or str(folder / "bin" / "uv")
    by_uv = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    by_uv += ["--require-hashes", "--no-build-isolation", "-r"]
    for file in (tools, PINS / REQUIREMENTS):
        failed = run([*by_uv, str(file)]) if Path(uv).is_file() else "no uv yet"
        # pip knows mirrors and certificates that uv may not.
        if failed and not WRONG_HASH.search(failed):
            failed = run([*by_pip, str(file)])
        if failed:
            raise SetupError(explain(failed, "packages", "PIP_INDEX_URL"))


def pinned(names: Sequence[str], requirements: str) -> str:
    """Return the entries of some packages, with their hashes, out of a requirements file."""
    entries = re.split(r"\n(?=\S)", requirements)
    return "\n".join(entry for entry in entries if entry.partition("==")[0] in names) + "\n"


def fetch_jars(folder: Path) -> None:
    """Fetch Delta's jars with Spark's own resolver, and check them.

    Raises:
        SetupError: If they cannot be fetched, or a checksum is not the pinned one.
    """
    lines = (PINS / "jars.sha256").read_text("utf-8").splitlines()
    checksums = {name: checksum for checksum, name in (line.split() for line in lines)}
    [spark] = folder.glob("lib/python*/site-packages/pyspark")
    with tempfile.TemporaryDirectory() as cache:
        command = [str(spark / "bin" / "spark-submit"), "--packages"]
        command += [",".join(coordinates(name) for name in checksums)]
        command += ["--conf", f"spark.jars.ivy={cache}"]
        command += ["--conf", f"spark.jars.excludes={NOT_NEEDED}"]
        mirror = os.environ.get("PENSTOCK_IVY_SETTINGS")
        command += ["--conf", f"spark.jars.ivySettings={mirror}"] if mirror else []
        command += ["--class", "org.apache.hadoop.util.VersionInfo", "spark-internal"]
        failed = run(command, SPARK_HOME=str(spark))
        if failed:
            raise SetupError(explain(failed, "Delta's jars", "PENSTOCK_IVY_SETTINGS"))
        fetched = {name: next(Path(cache, "jars").glob(f"*{name}"), None) for name in checksums}
        (folder / "jars").mkdir()
        for name, jar in fetched.items():
            check_jar(name, jar, checksums[name])
            shutil.copyfile(str(jar), folder / "jars" / name)


def coordinates(name: str) -> str:
    """Return the Maven coordinates of one of Delta's jars: `name` is `artefact-version.jar`."""
    artefact, _, version = name.removesuffix(".jar").rpartition("-")
    return f"io.delta:{artefact}:{version}"


def check_jar(name: str, jar: Path | None, checksum: str) -> None:
    """Refuse a jar that is not the pinned one."""
    found = hashlib.sha256(jar.read_bytes()).hexdigest() if jar else "no file"
    if found != checksum:
        raise SetupError(
            f"{name} is not what it was when it was pinned: SHA-256 {found} instead of {checksum} "
            f"({PINS / 'jars.sha256'}). Do not use the repository it came from."
        )


def explain(failed: str, what: str, mirror: str) -> str:
    """Return one sentence for an installer's output, and what to do."""
    if WRONG_HASH.search(failed):
        return (
            f"One of the {what} is not what it was when it was pinned: its hash differs. Do not "
            f"use the index it came from. What the installer said:\n{failed}"
        )
    if NO_NETWORK.search(failed):
        return (
            f"No network: {what} cannot be fetched. Connect, or set {mirror} to a mirror within "
            f"reach, and call again (the set-up needs the network once).\n{failed}"
        )
    return f"{what[0].upper()}{what[1:]} cannot be installed. What the installer said:\n{failed}"


def run(command: Sequence[str], **variables: str) -> str:
    """Run a command; return the end of what it said if it failed, or an empty string."""
    environ = os.environ | {"UV_COMPILE_BYTECODE": "1"} | variables
    # Inherited from a container image, it would make every later start slow.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environ.pop("VIRTUAL_ENV", None)
    if "PIP_INDEX_URL" in environ:
        environ.setdefault("UV_DEFAULT_INDEX", environ["PIP_INDEX_URL"])
    done = subprocess.run(
        command, capture_output=True, text=True, env=environ, check=False, close_fds=False
    )
    said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
    return (said or f"exit code {done.returncode}") if done.returncode else ""
