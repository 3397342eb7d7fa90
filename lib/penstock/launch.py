"""From the command line to the running job: `[spark options] JOB [job options]`.

Checks everything that can be known before Spark starts, then becomes the job. pyspark starts
`spark-submit` as a child of the job, so that the job has the terminal and the signals to itself; as
its parent, spark-submit would mix the job's two outputs into one. With `--deploy-mode cluster` the
driver is elsewhere and plain `spark-submit` is the only way.
"""

import hashlib
import importlib.util
import io
import json
import os
import shlex
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from penstock.conf import load_conf
from penstock.errors import PenstockError, SetupError, UsageError, did_you_mean
from penstock.jvm import PROJECT, delta_jars, driver_settings, empty_folder, find_java, java_version
from penstock.spark_settings import ALWAYS, refuse_others
from penstock.versions import CURE, check_versions, installed_versions

NO_JVM = ("describe", "ui")
# Every other option of spark-submit takes a value.
SPARK_FLAGS = ("--verbose", "-v", "--supervise", "--load-spark-defaults")
JOB_OPTIONS = (
    "--set", "--env", "--graph", "--as-of", "--json", "--quiet",
    "--select", "--exclude", "--no-skip",
)  # fmt: skip
USAGE = "Usage: ./spark-submit.sh [spark options] JOB [job options]"


@dataclass(frozen=True)
class Request:
    """A command line, taken apart."""

    spark_options: tuple[str, ...]
    job: str
    job_options: tuple[str, ...]

    def spark_option(self, name: str) -> str:
        """Return the last value given for a spark option such as `--master`, or an empty string."""
        return _last_value(self.spark_options, name)

    def job_option(self, name: str) -> str:
        """Return the last value given for a job option such as `--env`, or an empty string."""
        return _last_value(self.job_options, name)


@dataclass(frozen=True)
class Place:
    """Where things are on this machine; all paths are absolute.

    Attributes:
        home: State folder of the project (`PENSTOCK_HOME`).
    """

    project: Path
    environment: Path
    home: Path
    java: Path
    spark: Path


@dataclass(frozen=True)
class Command:
    """What the process is to become."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Become the job that the arguments name; does not return unless it only prints the usage.

    Raises:
        PenstockError: For every reason not to start.
    """
    jobs = _jobs(PROJECT)
    if list(arguments[:1]) in (["--help"], ["-h"]):
        sys.stdout.write(f"{USAGE}\nJobs: {', '.join(jobs)}. JOB --help shows its options.\n")
        return
    request = split_arguments(arguments, jobs)
    if request.job in NO_JVM:
        python, job, variables = _job_process(request, environ)
        os.execve(python, (python, job, *request.job_options), variables)
    place = find_place(environ)
    jars = delta_jars(place.environment)
    check_versions(installed_versions(), [jar.name for jar in jars], java_version(place.java))
    options = recorded_options(request, place) or request.job_options
    env = _last_value(options, "--env") or "local"
    conf = load_conf(PROJECT / "conf", env, _values(options, "--set"))
    settings = job_settings(request, place, conf.spark)
    properties = write_properties(settings, place.home / "cache")
    command = plan_command(request, place, settings, properties, environ)
    os.execve(command.argv[0], command.argv, dict(command.env))


def split_arguments(arguments: Sequence[str], jobs: Sequence[str]) -> Request:
    """Take a command line apart: what stands before the first free word is Spark's.

    Raises:
        UsageError: If no job is named, or one that does not exist, or a job's option stands here.
    """
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        option = arguments[at].partition("=")[0]
        if option in JOB_OPTIONS:
            raise UsageError(
                f"{option} stands after the job: ./spark-submit.sh JOB {option} … What stands "
                "before it is for Spark."
            )
        alone = arguments[at] in SPARK_FLAGS or "=" in arguments[at]
        at += 1 if alone else 2
    if at >= len(arguments):
        raise UsageError(f"No job is named. {USAGE}, with one of the jobs {', '.join(jobs)}.")
    job = arguments[at]
    if job not in jobs:
        raise UsageError(
            f"There is no job '{job}'; there are {', '.join(jobs)}.{did_you_mean(job, jobs)}"
        )
    return Request(tuple(arguments[:at]), job, tuple(arguments[at + 1 :]))


def recorded_options(request: Request, place: Place) -> tuple[str, ...]:
    """Return the options of the saved plan or the run that is to be done again, if one is."""
    if request.job == "replay":
        [run, *_] = [*(word for word in request.job_options if not word.startswith("-")), ""]
        path = place.home / "runs" / run / "run.json"
    elif plan := request.job_option("--plan"):
        path = Path(plan)
    else:
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return tuple(document.get("arguments") or shlex.split(document["command"])[2:])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()  # the job says what is wrong with it


def find_place(environ: Mapping[str, str]) -> Place:
    """Return where project, environment, state, Java and Spark are.

    Raises:
        SetupError: If there is no Java, or no pyspark in the environment.
    """
    spark = importlib.util.find_spec("pyspark")
    if spark is None or spark.origin is None:
        raise SetupError(f"The environment is broken: pyspark is missing. {CURE}")
    return Place(
        project=PROJECT,
        environment=Path(sys.prefix),
        home=_home(environ),
        java=find_java(environ),
        spark=Path(spark.origin).parent,
    )


def job_settings(request: Request, place: Place, configured: Mapping[str, str]) -> dict[str, str]:
    """Return the Spark settings of a job, before the options on the command line beat them.

    Args:
        configured: `spark.yaml`, merged. It beats what the launcher itself would set.

    Raises:
        ConfigError: A setting that every session has is given another value.
    """
    refuse_others({name: _in_force(request, configured, "", name) for name in ALWAYS})
    settings = {"spark.sql.warehouse.dir": str(place.home / "tables")}
    if not _driver_is_elsewhere(request):
        settings |= driver_settings(place.environment, place.java)
    settings |= configured
    master = _in_force(request, settings, "--master", "spark.master")
    if not _runs_in_one_jvm(master):
        jars = ",".join(map(str, delta_jars(place.environment)))
        settings["spark.jars"] = _joined(jars, settings.get("spark.jars", ""))
        package = str(zip_package(place.project / "lib", place.home / "cache"))
        py_files = settings.get("spark.submit.pyFiles", "")
        settings["spark.submit.pyFiles"] = _joined(package, py_files)
    return settings


def plan_command(
    request: Request,
    place: Place,
    settings: Mapping[str, str],
    properties: Path,
    environ: Mapping[str, str],
) -> Command:
    """Return the command and the environment variables that run a job; starts nothing.

    Args:
        settings: What `properties` holds.
        environ: The caller's variables. Those that Java and Python read stay as they are.
    """
    python, job, variables = _job_process(request, environ)
    worker_python = _in_force(request, settings, "", "spark.pyspark.python")
    variables |= {
        "SPARK_HOME": str(place.spark),
        "SPARK_CONF_DIR": str(empty_folder(place.environment)),
        "PYSPARK_PYTHON": worker_python or python,
        "PYSPARK_DRIVER_PYTHON": python,
    }
    master = _in_force(request, settings, "--master", "spark.master")
    if master.startswith("local"):
        variables["SPARK_LOCAL_IP"] = "127.0.0.1"
    options = ("--properties-file", str(properties), *_with_our_files(request, settings))
    if _driver_is_elsewhere(request):
        submit = str(place.spark / "bin" / "spark-submit")
        return Command((submit, *options, job, *request.job_options), variables)
    variables["PYSPARK_SUBMIT_ARGS"] = shlex.join((*options, "pyspark-shell"))
    return Command((python, job, *request.job_options), variables)


def _job_process(request: Request, environ: Mapping[str, str]) -> tuple[str, str, dict[str, str]]:
    """Return Python, the job's file and the variables every job gets."""
    variables = {"PENSTOCK_HOME": str(_home(environ)), "PYTHONPATH": str(PROJECT / "lib")}
    job = str(PROJECT / "jobs" / f"{request.job}.py")
    return str(Path(sys.prefix) / "bin" / "python"), job, dict(environ) | variables


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("PENSTOCK_HOME") or PROJECT / "var").absolute()


def _runs_in_one_jvm(master: str) -> bool:
    """Return whether driver and executors are one process (not so with `local-cluster[...]`)."""
    return master.startswith("local") and not master.startswith("local-cluster")


def write_properties(settings: Mapping[str, str], cache: Path) -> Path:
    """Write the settings for `--properties-file`, and return the file, named for its content.

    Readable by its owner alone, because a secret may stand in it.

    Raises:
        SetupError: If the state folder cannot be written to.
    """
    lines = [f"{key} {value}\n" for key, value in sorted(settings.items())]
    content = "".join(lines).replace("\\", "\\\\").encode()
    return _write_once(cache, "spark", ".properties", content)


def zip_package(lib: Path, cache: Path) -> Path:
    """Zip the package for the executors, and return the file, named for its content.

    A zip, because Spark imports a wheel on the driver only.
    """
    sources = sorted((lib / "penstock").rglob("*.py"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sources:
            # A fixed date, so that the same sources give the same name.
            entry = zipfile.ZipInfo(str(source.relative_to(lib)))
            archive.writestr(entry, source.read_bytes(), zipfile.ZIP_DEFLATED)
    return _write_once(cache, "penstock", ".zip", content.getvalue())


def _write_once(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    # Two starts at once write the same bytes under the same name, each by a rename.
    target = folder / f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    unfinished = target.with_suffix(f".{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        raise SetupError(
            f"The state folder {folder.parent} cannot be written to ({error.strerror}). "
            "Free or unlock it, or set PENSTOCK_HOME to another folder."
        ) from error
    return target


def _with_our_files(request: Request, settings: Mapping[str, str]) -> tuple[str, ...]:
    # The last of two equal options counts, and a user's --jars must not push Delta out.
    options = list(request.spark_options)
    for name, key in (("--jars", "spark.jars"), ("--py-files", "spark.submit.pyFiles")):
        given = request.spark_option(name)
        if given and key in settings:
            options += [name, _joined(settings[key], given)]
    return tuple(options)


def _driver_is_elsewhere(request: Request) -> bool:
    return request.spark_option("--deploy-mode") == "cluster"


def _in_force(request: Request, settings: Mapping[str, str], option: str, key: str) -> str:
    by_conf = [
        setting.removeprefix(f"{key}=")
        for name in ("--conf", "-c")
        for setting in _values(request.spark_options, name)
        if setting.startswith(f"{key}=")
    ]
    by_option = request.spark_option(option) if option else ""
    return by_option or (by_conf[-1] if by_conf else settings.get(key, ""))


def _joined(ours: str, theirs: str) -> str:
    return f"{ours},{theirs}" if theirs else ours


def _last_value(options: Sequence[str], name: str) -> str:
    return (_values(options, name) or [""])[-1]


def _values(options: Sequence[str], name: str) -> list[str]:
    following = [value for option, value in pairwise(options) if option == name]
    glued = [option.partition("=")[2] for option in options if option.startswith(f"{name}=")]
    return following + glued


def _jobs(project: Path) -> list[str]:
    return sorted(file.stem for file in (project / "jobs").glob("*.py"))


if __name__ == "__main__":
    try:
        main(sys.argv[1:], os.environ)
    except PenstockError as error:
        sys.stderr.write(f"penstock: {error}\n")
        sys.exit(error.exit_code)
