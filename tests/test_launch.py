"""The launcher's plans; nothing is started."""

import os
import shlex
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from penstock.errors import ConfigError, SetupError, UsageError
from penstock.jvm import PROJECT
from penstock.launch import (
    Command,
    Place,
    Request,
    job_settings,
    plan_command,
    split_arguments,
    write_properties,
    zip_package,
)

JOBS = ["plan", "run", "ui"]
LOCAL = {"spark.master": "local[*]", "spark.driver.memory": "2g"}
CLUSTER = {"spark.master": "spark://host:7077", "spark.pyspark.python": "/opt/python"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    java = tmp_path / "java home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch()
    (tmp_path / "java home" / "release").write_text('JAVA_VERSION="17.0.1"\n')
    (tmp_path / "env" / "jars").mkdir(parents=True)
    (tmp_path / "env" / "jars" / "delta.jar").touch()
    (tmp_path / "lib" / "penstock").mkdir(parents=True)
    (tmp_path / "lib" / "penstock" / "errors.py").write_text("")
    return Place(tmp_path, tmp_path / "env", tmp_path / "var", java, tmp_path / "pyspark")


def plan(place: Place, request: Request, configured: dict[str, str]) -> Command:
    settings = job_settings(request, place, configured)
    return plan_command(
        request, place, settings, Path("/p.properties"), {"JAVA_TOOL_OPTIONS": "-Da"}
    )


def submitted(command: Command) -> list[str]:
    return shlex.split(command.env["PYSPARK_SUBMIT_ARGS"])


def test_options_before_the_job_are_sparks_and_those_behind_it_the_jobs():
    given = ["--conf", "a=b", "--verbose", "--name=x", "run", "--env", "cluster", "--json"]
    assert split_arguments(given, JOBS) == Request(
        ("--conf", "a=b", "--verbose", "--name=x"), "run", ("--env", "cluster", "--json")
    )


def test_an_unknown_job_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match="There is no job 'rnu'.* Did you mean 'run'?"):
        split_arguments(["rnu"], JOBS)


@pytest.mark.parametrize("given", [[], ["--verbose"], ["--conf", "run"], ["--master"]])
def test_a_command_line_without_a_job_lists_the_jobs(given):
    with pytest.raises(UsageError, match="No job is named.* plan, run, ui"):
        split_arguments(given, JOBS)


@pytest.mark.parametrize("given", [["--set", "a=b", "run"], ["--set=a=b", "run"]])
def test_a_jobs_option_before_the_job_is_refused_with_its_place(given):
    with pytest.raises(UsageError, match="--set stands after the job: .*sh JOB --set …"):
        split_arguments(given, JOBS)


@pytest.mark.parametrize("option", ["--env", "--graph", "--as-of", "--json", "--quiet", "--select"])
def test_every_option_of_a_job_is_known_to_be_one(option):
    with pytest.raises(UsageError, match=f"{option} stands after the job"):
        split_arguments(["--verbose", option, "run"], JOBS)


def test_a_value_that_looks_like_a_jobs_option_is_sparks():
    assert split_arguments(["--name", "--json", "run"], JOBS).spark_options == ("--name", "--json")


def test_a_link_to_the_script_finds_the_project(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "readlink"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python3").chmod(0o755)
    (tmp_path / "absolute").symlink_to(PROJECT / "spark-submit.sh")
    (tmp_path / "relative").symlink_to("absolute")
    environ = {"PATH": str(tools), "PENSTOCK_ENV": str(tmp_path / "env")}
    done = subprocess.run(
        [str(tools / "bash"), tmp_path / "relative", "--setup"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # The set-up says so, which lies in the project.
    assert done.stderr.startswith("penstock: No Java found")


def test_a_job_without_a_jvm_needs_no_java_and_leaves_nothing_behind(tmp_path):
    variables = {**os.environ, "JAVA_HOME": "/nowhere", "PENSTOCK_HOME": str(tmp_path / "home")}
    start = "import os, sys; from penstock.launch import main; main(sys.argv[1:], os.environ)"
    command = [sys.executable, "-c", start, "describe"]
    variables["PYTHONPATH"] = str(PROJECT / "lib")
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "clean_loans" in done.stdout
    assert not (tmp_path / "home").exists()


def test_a_local_job_gets_delta_on_the_class_path_and_the_loopback_address(place):
    settings = job_settings(Request((), "run", ()), place, LOCAL)
    assert settings["spark.driver.extraClassPath"].endswith("delta.jar")
    assert "spark.jars" not in settings
    assert plan(place, Request((), "run", ()), LOCAL).env["SPARK_LOCAL_IP"] == "127.0.0.1"


def test_spark_options_pass_through_behind_the_properties_file(place):
    command = plan(place, Request(("--conf", "a.b=c d"), "run", ()), LOCAL)
    assert submitted(command) == [
        "--properties-file", "/p.properties", "--conf", "a.b=c d", "pyspark-shell",
    ]  # fmt: skip


def test_the_users_java_options_stay(place):
    assert plan(place, Request((), "run", ()), LOCAL).env["JAVA_TOOL_OPTIONS"] == "-Da"
    settings = job_settings(Request((), "run", ()), place, LOCAL)
    assert "spark.driver.extraJavaOptions" not in settings


@pytest.mark.parametrize("given", ["spark.yaml", "--conf"])
def test_a_setting_that_every_session_has_is_refused_before_spark_starts(place, given):
    name, zone = "spark.sql.session.timeZone", "Europe/Berlin"
    request = Request(("--conf", f"{name}={zone}") if given == "--conf" else (), "run", ())
    configured = LOCAL if given == "--conf" else {**LOCAL, name: zone}
    with pytest.raises(ConfigError, match=f"{name} is given as '{zone}'"):
        job_settings(request, place, configured)


@pytest.mark.parametrize("master", ["spark://host:7077", "local-cluster[1,1,1024]"])
def test_real_executors_get_the_jars_and_a_zip_of_the_package(place, master):
    settings = job_settings(Request(("--master", master), "run", ()), place, LOCAL)
    assert settings["spark.jars"].endswith("delta.jar")
    assert settings["spark.submit.pyFiles"].endswith(".zip")


def test_a_users_jars_do_not_push_delta_out(place):
    command = plan(place, Request(("--jars", "/mine.jar"), "run", ()), CLUSTER)
    last = submitted(command)[-2]
    assert last.endswith("delta.jar,/mine.jar")


@pytest.mark.parametrize(
    ("options", "python"),
    [((), "/opt/python"), (("--conf", "spark.pyspark.python=/mine"), "/mine")],
)
def test_the_workers_python_is_the_configured_one(place, options, python):
    command = plan(place, Request(options, "run", ()), CLUSTER)
    assert command.env["PYSPARK_PYTHON"] == python
    assert "SPARK_LOCAL_IP" not in command.env


def test_a_driver_on_the_cluster_is_left_to_spark_submit(place):
    request = Request(("--deploy-mode", "cluster"), "run", ("--json",))
    command = plan(place, request, CLUSTER)
    assert command.argv[0] == str(place.spark / "bin" / "spark-submit")
    assert command.argv[-2:] == (str(PROJECT / "jobs" / "run.py"), "--json")
    assert "spark.driver.extraClassPath" not in job_settings(request, place, CLUSTER)


def test_the_properties_file_is_for_its_owner_alone_and_escapes_backslashes(tmp_path):
    file = write_properties({"b": "x\\y", "a": "1"}, tmp_path / "cache")
    assert file.read_text() == "a 1\nb x\\\\y\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_state_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "var").touch()
    with pytest.raises(SetupError, match="state folder .*var cannot be written to"):
        write_properties({}, tmp_path / "var" / "cache")


def test_the_zip_holds_the_package_and_is_named_for_its_content(place):
    first = zip_package(place.project / "lib", place.home / "cache")
    assert zipfile.ZipFile(first).namelist() == ["penstock/errors.py"]
    assert zip_package(place.project / "lib", place.home / "cache") == first
    (place.project / "lib" / "penstock" / "errors.py").write_text("changed = 1\n")
    assert zip_package(place.project / "lib", place.home / "cache") != first
