"""The start guard, on made-up sets of versions."""

import pytest

from penstock.errors import SetupError
from penstock.versions import check_versions, installed_versions

GOOD = {
    "pyspark": "4.2.0",
    "delta-spark": "4.4.0",
    "mlflow": "3.17.2",
    "pandas": "2.3.3",
    "pyarrow": "25.0.1",
    "numpy": "2.4.6",
}
JARS = ["delta-spark_4.2_2.13-4.4.0.jar", "delta-storage-4.4.0.jar"]


def test_the_pinned_set_passes():
    assert check_versions(GOOD, JARS, "17.0.15") is None


def test_this_environment_passes():
    installed = installed_versions()
    assert installed.keys() >= GOOD.keys()
    assert check_versions(installed, JARS, "17.0.15") is None


@pytest.mark.parametrize("java", ["1.8.0_392", "11.0.22", "16.0.2", "unknown"])
def test_a_java_below_17_is_refused(java):
    with pytest.raises(SetupError, match=f"Java {java} is too old: Spark 4 needs 17"):
        check_versions(GOOD, JARS, java)


@pytest.mark.parametrize("java", ["17", "17.0.15", "21.0.2", "25-ea"])
def test_java_17_and_newer_pass(java):
    assert check_versions(GOOD, JARS, java) is None


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("pandas", "3.0.0", "pandas 3.0.0 is installed, and pyspark 4.2.0 does not fully support"),
        ("mlflow", "3.10.1", "mlflow 3.10.1 is installed, and versions below 3.11 have known"),
        ("pyarrow", "17.0.0", "pyarrow 17.0.0 is installed, and pyspark needs 18"),
        ("pyspark", "4.2.1", "pyspark 4.2.1 is installed, and Delta 4.4.0 is built against 4.2.0"),
        ("delta-spark", "4.4.1", "does not fit the package delta-spark 4.4.1"),
    ],
)
def test_a_bad_pair_is_named(package, version, message):
    with pytest.raises(SetupError, match=message):
        check_versions(GOOD | {package: version}, JARS, "17.0.15")


def test_a_missing_package_means_a_broken_environment():
    without = {name: version for name, version in GOOD.items() if name != "pyarrow"}
    with pytest.raises(SetupError, match="broken: pyarrow missing. Delete the environment"):
        check_versions(without, JARS, "17.0.15")


@pytest.mark.parametrize(
    ("jars", "message"),
    [
        ([], "the jar of delta-spark is missing"),
        (JARS[:1], "the jar of delta-storage is missing"),
        (["delta-spark_4.2_2.12-4.4.0.jar", JARS[1]], "is for Scala 2.12, and Spark 4 runs on"),
        (["delta-spark_4.1_2.13-4.4.0.jar", JARS[1]], "is for Spark 4.1, and pyspark 4.2.0"),
        (["delta-spark_2.13-4.4.0.jar", JARS[1]], "is for Spark of another line, and pyspark"),
        ([JARS[0], "delta-storage-4.3.0.jar"], "delta-storage-4.3.0.jar does not fit the package"),
    ],
)
def test_jars_that_do_not_fit_are_named(jars, message):
    with pytest.raises(SetupError, match=message):
        check_versions(GOOD, jars, "17.0.15")
