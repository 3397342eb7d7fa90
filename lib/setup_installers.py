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
# Installed first: pyspark is published as source only, and is built with these.
BUILDERS = ("setuptools", "wheel")
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
    options = ["--no-deps", "--require-hashes", "--no-build-isolation", "--quiet", "-r"]
    by_pip = [python, "-m", "pip", "install", "--no-input", "--retries", "2", *options]
    own_uv = folder / "uv"
    if not shutil.which("uv") and not own_uv.exists():
        with tempfile.TemporaryDirectory() as target:
            failed = run([*by_pip, pinned(folder, ["uv"]), "--target", target])
            if failed:
                raise SetupError(explain(failed, "packages", "PIP_INDEX_URL"))
            shutil.copy(Path(target, "bin", "uv"), own_uv)
    by_uv = [shutil.which("uv") or str(own_uv), "pip", "install", "--python", python, *options]
    for file in (pinned(folder, BUILDERS), str(PINS / REQUIREMENTS)):
        # Without a network uv's cache is enough, but only if it is told so. pip comes last: it is
        # slower, but knows mirrors and certificates that uv may not.
        failed = first_success([[*by_uv, file], [*by_uv, file, "--offline"], [*by_pip, file]])
        if failed:
            raise SetupError(explain(failed, "packages", "PIP_INDEX_URL"))


def pinned(folder: Path, names: Sequence[str]) -> str:
    """Write the entries of some packages, with their hashes, to a file of their own.

    Returns:
        The path of the file.
    """
    entries = re.split(r"\n(?=\S)", (PINS / REQUIREMENTS).read_text("utf-8"))
    chosen = [entry for entry in entries if entry.partition("==")[0] in names]
    file = folder / f"{'-'.join(names)}.txt"
    file.write_text("\n".join((*chosen, "")), "utf-8")
    return str(file)


def first_success(attempts: Sequence[Sequence[str]]) -> str:
    """Run commands until one succeeds; return what the last one said, or an empty string.

    A wrong hash ends it: what one installer refuses, another must not accept.
    """
    failed = ""
    for command in attempts:
        failed = run(command)
        if not failed or WRONG_HASH.search(failed):
            break
    return failed


def fetch_jars(folder: Path) -> None:
    """Fetch Delta's jars with Spark's own resolver, and check them.

    Raises:
        SetupError: If they cannot be fetched, or a checksum is not the pinned one.
    """
    lines = (PINS / "jars.sha256").read_text("utf-8").splitlines()
    checksums = {name: checksum for checksum, name in (line.split() for line in lines)}
    jars = folder / "jars"
    if all((jars / name).exists() and sha256(jars / name) == checksums[name] for name in checksums):
        return
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
        shutil.rmtree(jars, ignore_errors=True)
        jars.mkdir()
        for name, checksum in checksums.items():
            fetched = Path(cache, "jars", f"io.delta_{name}")
            check_jar(fetched, checksum)
            shutil.copyfile(fetched, jars / name)


def coordinates(name: str) -> str:
    """Return the Maven coordinates of one of Delta's jars: `name` is `artefact-version.jar`."""
    artefact, _, version = name.removesuffix(".jar").rpartition("-")
    return f"io.delta:{artefact}:{version}"


def check_jar(jar: Path, checksum: str) -> None:
    """Refuse a jar that is not the pinned one.

    Raises:
        SetupError: If its SHA-256 differs from `checksum`.
    """
    found = sha256(jar)
    if found != checksum:
        raise SetupError(
            f"{jar.name} is not what it was when it was pinned: SHA-256 {found} instead of "
            f"{checksum} ({PINS / 'jars.sha256'}). Do not use the repository it came from."
        )


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


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
            f"reach, and call again (the set-up needs the network once).\n{failed.splitlines()[-1]}"
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
