"""The Java that drives Spark: where it is, how old it is, and what it is started with.

Standard library only, because the set-up script uses it before there is an environment. The
settings here must stand on the command line: they have no effect once the JVM runs.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from penstock.errors import SetupError

PROJECT = Path(__file__).resolve().parents[2]
OLDEST_JAVA = 17
HOW_TO_GET_JAVA = (
    f"Install Java {OLDEST_JAVA} or newer (Debian, Ubuntu: `apt install openjdk-17-jre-headless`; "
    "macOS: `brew install openjdk@17`), or set JAVA_HOME to the folder of one, and call again."
)


def find_java(environ: Mapping[str, str]) -> Path:
    """Return the `java` that Spark will take: that of `JAVA_HOME` if set, else that on the path.

    Raises:
        SetupError: If there is none, or `JAVA_HOME` points elsewhere.
    """
    home = environ.get("JAVA_HOME")
    if home:
        java = Path(home, "bin", "java")
        if not java.is_file():
            raise SetupError(
                f"JAVA_HOME is {home}, but there is no bin/java in it. Correct it or unset it."
            )
        return java
    found = shutil.which("java", path=environ.get("PATH"))
    if not found:
        raise SetupError(
            f"No Java found: JAVA_HOME is not set and no `java` is on the path. {HOW_TO_GET_JAVA}"
        )
    return Path(found)


def java_version(java: Path) -> str:
    """Return the version of a Java, such as "17.0.15", without starting it if it says so in a file.

    Raises:
        SetupError: If it neither has a `release` file nor answers `-version`.
    """
    release = java.resolve().parent.parent / "release"
    if release.is_file():
        stated = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text("utf-8"), re.MULTILINE)
        if stated:
            return stated[1]
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"{java} does not start ({error}). {HOW_TO_GET_JAVA}") from error
    printed = re.search(r'version "([^"]+)"', answer.stderr + answer.stdout)
    if not printed:
        raise SetupError(f"{java} -version names no version. {HOW_TO_GET_JAVA}")
    return printed[1]


def check_java(version: str) -> None:
    """Refuse a Java that Spark 4 cannot run on.

    Raises:
        SetupError: If the major version is below 17 ("1.8.0_392" is Java 8) or is not a number.
    """
    digits = re.match(r"(?:1\.)?(\d+)", version)
    if not digits or int(digits[1]) < OLDEST_JAVA:
        raise SetupError(
            f"Java {version} is too old: Spark 4 needs {OLDEST_JAVA} or newer. {HOW_TO_GET_JAVA}"
        )


def delta_jars(environment: Path) -> list[Path]:
    """Return the jars that the set-up put into the environment, in a fixed order."""
    return sorted((environment / "jars").glob("*.jar"))


def class_archive(environment: Path, java: Path) -> Path:
    """Return where the class-data archive of this environment and this Java is, or would be.

    An archive is valid for one class path and one JVM; a name made of both never meets a wrong one.
    """
    parts = [java.resolve(), java_version(java), *delta_jars(environment)]
    key = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
    return environment / "cds" / f"{key}.jsa"


def empty_folder(environment: Path) -> Path:
    """Return the folder to give as SPARK_CONF_DIR: a folder with files in it spoils the archive."""
    return environment / "cds" / "empty"


def driver_settings(environment: Path, java: Path) -> dict[str, str]:
    """Return what every driver JVM is started with: Delta, the class-data archive, a quiet log.

    The options are *default* ones, so `spark.driver.extraJavaOptions` stays free for the user.
    """
    log = (PROJECT / "conf" / "log4j2.properties").as_uri()
    options = [f'"-Dlog4j2.configurationFile={log}"']
    archive = class_archive(environment, java)
    if archive.is_file():
        options += [f'"-XX:SharedArchiveFile={archive}"', "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return {
        "spark.driver.defaultJavaOptions": " ".join(options),
        "spark.driver.extraClassPath": ":".join(map(str, delta_jars(environment))),
        "spark.ui.showConsoleProgress": "false",
    }
