"""The set-up with false Javas, Pythons and installers; no network, and no environment is made."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import setup_environment
import setup_installers
from penstock.errors import SetupError
from penstock.jvm import PROJECT

TOOL = "#!/bin/sh\n"


def program(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(TOOL + body)
    file.chmod(0o755)
    return file


def submit(path: Path, environment: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call spark-submit.sh where only the programs in `path` and the plainest tools are found."""
    for tool in ("bash", "dirname"):
        if not (path / tool).exists():
            path.mkdir(exist_ok=True)
            (path / tool).symlink_to(f"/bin/{tool}" if tool == "bash" else f"/usr/bin/{tool}")
    environ = {"PATH": str(path), "PENSTOCK_ENV": str(environment)} | variables
    return subprocess.run(
        [str(path / "bash"), PROJECT / "spark-submit.sh", "--setup"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def ready(tmp_path, monkeypatch) -> Path:
    """Return an environment as a finished set-up leaves it, with a Java of its own."""
    java = program(tmp_path / "java" / "bin", "java", "echo 'openjdk version \"17.0.1\"' >&2\n")
    monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "requirements.txt").write_text(
        "uv==1 \\\n    --hash=sha256:aa\nx==2 \\\n    --hash=b\n"
    )
    monkeypatch.setattr(setup_environment, "PINS", pins)
    folder = tmp_path / "env"
    program(folder / "bin", "python", "")
    (folder / "pyvenv.cfg").write_text("home = /python\nversion = 3.11.7\n")
    (folder / "setup.stamp").write_text(setup_environment.stamp_text(folder))
    return folder


def test_no_python_is_one_sentence_and_what_to_do(tmp_path):
    program(tmp_path / "bin", "python3", "[ $1 = -V ] && echo Python 3.9.2; exit 1\n")
    done = submit(tmp_path / "bin", tmp_path / "env")
    assert done.returncode == 2
    assert "No Python 3.11, 3.12 or 3.13 found (python3 is Python 3.9.2). Install" in done.stderr


def test_a_given_python_is_tried_first(tmp_path):
    chosen = program(tmp_path, "mine", f'exec {sys.executable} "$@"\n')
    done = submit(tmp_path / "bin", tmp_path / "env", PENSTOCK_PYTHON=str(chosen))
    assert "No Java found" in done.stderr


def test_no_java_is_one_sentence_and_nothing_is_made(tmp_path):
    program(tmp_path / "bin", "python3", f'exec {sys.executable} "$@"\n')
    done = submit(tmp_path / "bin", tmp_path / "env")
    assert done.returncode == 2
    assert done.stderr.startswith("penstock: No Java found: JAVA_HOME is not set and no `java`")
    assert not (tmp_path / "env").exists()


def test_an_old_java_is_one_sentence(tmp_path):
    program(tmp_path / "bin", "python3", f'exec {sys.executable} "$@"\n')
    program(tmp_path / "bin", "java", "echo 'java version \"1.8.0_392\"' >&2\n")
    done = submit(tmp_path / "bin", tmp_path / "env")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Java 1.8.0_392 is too old: Spark 4 needs 17 or newer. Install" in done.stderr


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path, ready, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").touch()
    assert setup_environment.main([str(tmp_path / "thesis")]) == 2
    assert "holds files that are not a Python environment" in capsys.readouterr().err
    assert (tmp_path / "thesis" / "chapter1.txt").exists()


def test_a_finished_environment_is_ready(ready):
    assert setup_environment.main(["--check", str(ready)]) == 0


@pytest.mark.parametrize("change", ["pins", "java", "python", "interrupted", "moved", "no python"])
def test_a_changed_environment_is_not_ready(change, ready, tmp_path, monkeypatch):
    if change == "pins":
        (tmp_path / "pins" / "requirements.txt").write_text("x==3\n")
    elif change == "java":
        java = program(tmp_path / "new" / "bin", "java", "echo 'openjdk version \"21\"' >&2\n")
        monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    elif change == "python":
        (ready / "pyvenv.cfg").write_text("home = /python\nversion = 3.12.1\n")
    elif change == "interrupted":
        (ready / "setup.stamp").unlink()
    elif change == "moved":
        ready = ready.rename(tmp_path / "elsewhere")
    else:
        (ready / "bin" / "python").unlink()
    assert setup_environment.main(["--check", str(ready)]) == 1


def test_starting_over_keeps_the_jars_and_nothing_half_made(ready):
    (ready / "jars").mkdir()
    (ready / "lib" / "half").mkdir(parents=True)
    setup_environment.empty(ready)
    assert [entry.name for entry in ready.iterdir()] == ["jars"]


def test_a_failed_step_leaves_no_stamp(ready, monkeypatch, capsys):
    def refuse(folder: Path) -> None:
        raise SetupError("no network")

    (ready / "setup.stamp").unlink()
    monkeypatch.setattr(setup_environment, "make_environment", lambda folder: None)
    monkeypatch.setattr(setup_environment, "install_packages", refuse)
    assert setup_environment.main([str(ready)]) == 2
    assert capsys.readouterr().err.endswith("failed\npenstock: no network\n")
    assert not (ready / "setup.stamp").exists()


def test_a_second_set_up_waits_for_the_first(tmp_path):
    code = (
        "import sys; from pathlib import Path; from setup_environment import locked\n"
        "with locked(Path(sys.argv[1])): print('in')"
    )
    environ = os.environ | {"PYTHONPATH": str(PROJECT / "lib")}
    with setup_environment.locked(tmp_path):
        second = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert "another set-up is at work" in second.stderr.readline()
        assert second.poll() is None
    assert second.communicate()[0] == "in\n"


def test_some_packages_are_taken_from_the_pinned_file_with_their_hashes(tmp_path, monkeypatch):
    entries = "a==1 \\\n    --hash=sha256:aa\nuv==2 \\\n    --hash=sha256:bb\nuvicorn==3\n"
    (tmp_path / "requirements.txt").write_text(entries)
    monkeypatch.setattr(setup_installers, "PINS", tmp_path)
    chosen = Path(setup_installers.pinned(tmp_path, ["uv"]))
    assert chosen.read_text() == "uv==2 \\\n    --hash=sha256:bb\n"


def test_the_next_installer_is_tried_unless_a_hash_was_wrong():
    fails, works = ["sh", "-c", "echo no; exit 1"], ["true"]
    assert setup_installers.first_success([fails, works]) == ""
    assert setup_installers.first_success([fails, fails]) == "no"
    wrong = ["sh", "-c", "echo Hash mismatch; exit 1"]
    assert setup_installers.first_success([wrong, works]) == "Hash mismatch"


def test_the_pinned_file_names_no_host_and_one_numpy_for_every_python():
    text = (PROJECT / "conf" / "pins" / "requirements.txt").read_text()
    names = [line.partition("==")[0] for line in text.splitlines() if "==" in line]
    assert "://" not in text
    assert names.count("numpy") == names.count("scipy") == 1
    assert {"numpy", "pyspark", "uv", *setup_installers.BUILDERS} <= set(names)


def test_an_altered_jar_is_refused(tmp_path):
    jar = tmp_path / "delta-storage-4.4.0.jar"
    jar.write_bytes(b"altered")
    setup_installers.check_jar(jar, hashlib.sha256(b"altered").hexdigest())
    with pytest.raises(SetupError, match="delta-storage-4.4.0.jar is not what it was"):
        setup_installers.check_jar(jar, hashlib.sha256(b"original").hexdigest())


def test_an_altered_package_is_refused_and_not_tried_again_by_pip(tmp_path, monkeypatch):
    program(tmp_path, "uv", "echo 'Hash mismatch for `x==2`' >&2; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SetupError, match="One of the packages is not what it was"):
        setup_installers.install_packages(tmp_path)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Temporary failure in name resolution", "No network: packages cannot be fetched. Connect"),
        ("error: dns error", "No network"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "its hash differs"),
        ("No space left on device", "Packages cannot be installed. What the installer said:\nNo"),
    ],
)
def test_an_installers_failure_is_one_sentence(said, sentence):
    assert sentence in setup_installers.explain(said, "packages", "PIP_INDEX_URL")


def test_jars_have_the_coordinates_of_their_names():
    name = "delta-spark_4.2_2.13-4.4.0.jar"
    assert setup_installers.coordinates(name) == "io.delta:delta-spark_4.2_2.13:4.4.0"
