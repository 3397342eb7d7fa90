"""The start guard: pairs of versions that are known to fail, refused before anything starts.

Reads the names of installed packages and files, never imports them, so it costs milliseconds.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from penstock.errors import SetupError
from penstock.jvm import check_java

PACKAGES = ("pyspark", "delta-spark", "mlflow", "pandas", "pyarrow", "numpy")
CURE = "Delete the environment (folder .venv) and call again: the set-up makes a new one."
DELTA_JAR = re.compile(
    r"delta-spark(?:_(?P<spark>\d\.\d+))?_(?P<scala>[\d.]+)-(?P<delta>[\d.]+)\.jar"
)
STORAGE_JAR = re.compile(r"delta-storage-(?P<delta>[\d.]+)\.jar")


def installed_versions() -> dict[str, str]:
    """Return the version of each package that the guard knows and this environment has."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def check_versions(installed: Mapping[str, str], jars: Iterable[str], java: str) -> None:
    """Refuse a set of versions that is known to fail.

    Args:
        installed: Package name to version, as `installed_versions` returns it.
        jars: File names of the jars on the class path.
        java: Version of Java, such as "17.0.15".

    Raises:
        SetupError: With one sentence for the first bad pair, and the cure.
    """
    check_java(java)
    missing = [package for package in PACKAGES if package not in installed]
    if missing:
        raise SetupError(f"The environment is broken: {', '.join(missing)} missing. {CURE}")
    _check_packages(installed)
    _check_jars(installed, list(jars))


def _check_packages(installed: Mapping[str, str]) -> None:
    if _numbers(installed["pandas"]) >= (3,):
        raise SetupError(
            f"pandas {installed['pandas']} is installed, and pyspark {installed['pyspark']} does "
            f"not fully support pandas 3. {CURE}"
        )
    if _numbers(installed["mlflow"]) < (3, 11):
        raise SetupError(
            f"mlflow {installed['mlflow']} is installed, and versions below 3.11 have known "
            f"security holes. {CURE}"
        )
    if _numbers(installed["pyarrow"]) < (18,):
        raise SetupError(
            f"pyarrow {installed['pyarrow']} is installed, and pyspark needs 18 or newer. {CURE}"
        )
    if _numbers(installed["delta-spark"])[:2] == (4, 4) and installed["pyspark"] != "4.2.0":
        raise SetupError(
            f"pyspark {installed['pyspark']} is installed, and Delta {installed['delta-spark']} is "
            f"built against 4.2.0: the pair fails at run time. {CURE}"
        )


def _check_jars(installed: Mapping[str, str], jars: list[str]) -> None:
    delta = next(filter(None, map(DELTA_JAR.fullmatch, jars)), None)
    storage = next(filter(None, map(STORAGE_JAR.fullmatch, jars)), None)
    if delta is None or storage is None:
        lacking = "delta-spark" if delta is None else "delta-storage"
        raise SetupError(f"The environment is broken: the jar of {lacking} is missing. {CURE}")
    spark, scala = delta["spark"], delta["scala"]
    if scala != "2.13":
        raise SetupError(f"{delta[0]} is for Scala {scala}, and Spark 4 runs on 2.13. {CURE}")
    if spark is None or _numbers(spark) != _numbers(installed["pyspark"])[:2]:
        raise SetupError(
            f"{delta[0]} is for Spark {spark or 'of another line'}, and pyspark "
            f"{installed['pyspark']} is installed. {CURE}"
        )
    for name, found in ((delta[0], delta["delta"]), (storage[0], storage["delta"])):
        if found != installed["delta-spark"]:
            raise SetupError(
                f"{name} does not fit the package delta-spark {installed['delta-spark']}. {CURE}"
            )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
