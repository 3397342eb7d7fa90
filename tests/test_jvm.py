"""Finding Java, and what a driver is started with."""

from pathlib import Path

import pytest

from penstock.errors import SetupError
from penstock.jvm import class_archive, driver_settings, find_java, java_version


def fake_java(home: Path, version: str, release: bool = True) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return java


def test_java_home_beats_the_path(tmp_path):
    java = fake_java(tmp_path / "a", "17.0.1")
    other = fake_java(tmp_path / "b", "21.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "a"), "PATH": str(other.parent)}) == java
    assert find_java({"PATH": str(other.parent)}) == other


def test_no_java_says_how_to_get_one(tmp_path):
    with pytest.raises(SetupError, match="No Java found.* Install Java 17 or newer"):
        find_java({"PATH": str(tmp_path)})


def test_a_wrong_java_home_is_named(tmp_path):
    with pytest.raises(SetupError, match=f"JAVA_HOME is {tmp_path}, but there is no bin/java"):
        find_java({"JAVA_HOME": str(tmp_path)})


@pytest.mark.parametrize("release", [True, False])
def test_the_version_comes_from_the_release_file_or_from_java_itself(tmp_path, release):
    assert java_version(fake_java(tmp_path, "17.0.15", release)) == "17.0.15"


def test_a_java_that_does_not_start_is_named(tmp_path):
    java = fake_java(tmp_path, "17", release=False)
    java.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SetupError, match="does not start"):
        java_version(java)


def test_the_archive_is_another_one_for_another_java_or_other_jars(tmp_path):
    java, newer = fake_java(tmp_path / "a", "17.0.1"), fake_java(tmp_path / "b", "17.0.2")
    before = class_archive(tmp_path, java)
    assert class_archive(tmp_path, newer) != before
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "delta.jar").touch()
    assert class_archive(tmp_path, java) != before


def test_the_archive_is_used_only_where_it_exists(tmp_path):
    java = fake_java(tmp_path / "a", "17.0.1")
    options = "spark.driver.defaultJavaOptions"
    assert "SharedArchiveFile" not in driver_settings(tmp_path, java)[options]
    archive = class_archive(tmp_path, java)
    archive.parent.mkdir()
    archive.touch()
    assert f'"-XX:SharedArchiveFile={archive}"' in driver_settings(tmp_path, java)[options]
