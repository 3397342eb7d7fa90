"""Make the environment: packages by pinned hash, Delta's jars by checksum, one proof by Spark.

    python setup_environment.py [--check] FOLDER

Standard library only: it runs before there is anything else. The stamp is written last, so an
interrupted set-up is not taken for a finished one; the next call starts over.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from penstock.errors import SetupError
from penstock.jvm import (
    PROJECT,
    check_java,
    class_archive,
    empty_folder,
    find_java,
    java_version,
)
from setup_installers import PINS, fetch_jars, install_packages, run

OURS = ("pyvenv.cfg", "setup.lock")
# What a rebuild can use again: with uv's cache it then needs no network.
KEPT = ("setup.lock", "jars", "uv")


def main(arguments: Sequence[str]) -> int:
    """Check or make the environment; return the exit code."""
    folder = Path(arguments[-1]).absolute()
    try:
        if arguments[0] == "--check":
            return 0 if _is_ready(folder) else 1
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _make_ready(folder)
    except SetupError as error:
        say(f"penstock: {error}")
        return error.exit_code
    except OSError as error:
        where = error.filename or folder
        say(
            f"penstock: The set-up cannot write to {where} ({error.strerror}). Free or unlock it, "
            "or set PENSTOCK_ENV to another folder, and call again."
        )
        return SetupError.exit_code
    except KeyboardInterrupt:
        say("penstock: The set-up was interrupted. Call again: it starts over.")
        return 130
    return 0


def _is_ready(folder: Path) -> bool:
    """Return whether a finished set-up made the folder, with these pins, Python and Java."""
    stamp = folder / "setup.stamp"
    try:
        return stamp.read_text("utf-8") == stamp_text(folder)
    except (OSError, SetupError):
        return False


def stamp_text(folder: Path) -> str:
    """Return what the environment depends on, as text.

    Raises:
        SetupError: If there is no Java.
        OSError: If there is no environment.
    """
    pins = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(PINS.iterdir())))
    java = find_java(os.environ).resolve()
    config = (folder / "pyvenv.cfg").read_text("utf-8")
    python = [line for line in config.splitlines() if line.startswith(("home", "version"))]
    (folder / "bin" / "python").stat()
    lines = (f"folder = {folder}", f"pins = {pins.hexdigest()}", *python)
    return "\n".join((*lines, f"java = {java} {java_version(java)}", ""))


def _make_ready(folder: Path) -> None:
    """Make the environment in a folder, unless it is ready.

    Raises:
        SetupError: If Java, the network, a hash or the folder is not as it must be.
    """
    java = find_java(os.environ)
    version = java_version(java)
    check_java(version)
    _refuse_foreign(folder)
    with locked(folder):
        if _is_ready(folder):
            return
        began = time.monotonic()
        python = ".".join(map(str, sys.version_info[:3]))
        say(f"penstock: setting up {folder}, once (Python {python}, Java {version})")
        empty(folder)
        step("Python environment", lambda: make_environment(folder))
        step("packages, by pinned hash", lambda: install_packages(folder))
        step("Delta Lake, two jars by checksum", lambda: fetch_jars(folder))
        step("proof: Spark writes and reads a Delta table", lambda: prove(folder, java))
        (folder / "setup.stamp.new").write_text(stamp_text(folder), "utf-8")
        (folder / "setup.stamp.new").replace(folder / "setup.stamp")
        say(f"penstock: ready after {time.monotonic() - began:.0f} s; from now on it works offline")


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder with content that no set-up made, because the set-up empties it."""
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / o).exists() for o in OURS):
        raise SetupError(
            f"{folder} holds files that are not a Python environment. Set PENSTOCK_ENV to a new or "
            "an empty folder."
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second set-up of the same folder waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "setup.lock", os.O_RDWR | os.O_CREAT)
    # Installers inherit it: if this process is killed, the next one waits for their end too.
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("penstock: another set-up is at work in this folder; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def empty(folder: Path) -> None:
    """Remove the stamp, and then everything but the lock and what is checked before it is used."""
    (folder / "setup.stamp").unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def make_environment(folder: Path) -> None:
    """Make an empty environment with pip.

    Raises:
        SetupError: If this Python has no `venv`.
    """
    failed = run([sys.executable, "-E", "-m", "venv", str(folder)])
    if failed:
        package = f"python3.{sys.version_info[1]}-venv"
        raise SetupError(
            f"{sys.executable} cannot make an environment: its venv module is missing or broken. "
            f"Install it (Debian and Ubuntu: `apt install {package}`) and call again.\n{failed}"
        )


def prove(folder: Path, java: Path) -> None:
    """Start Spark once on a real table, and keep the archive of the classes it loaded.

    Raises:
        SetupError: If the environment cannot do what it was made for.
    """
    empty_folder(folder).mkdir(parents=True)
    code = "import sys; from penstock.session import prove_session; prove_session(sys.argv[1])"
    with tempfile.TemporaryDirectory() as scratch:
        command = [str(folder / "bin" / "python"), "-c", code, scratch]
        failed = run(command, PYTHONPATH=str(PROJECT / "lib"))
        if failed:
            log = Path(scratch, "spark.log")
            said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
            raise SetupError(
                "The packages are there, but Spark does not work with them; is there enough memory "
                f"(2 GB) and disk space? What it said:\n{said}{failed}"
            )
    archive = class_archive(folder, java)
    # Without the archive everything works, only Spark starts more slowly.
    if (unnamed := archive.with_name(f"{archive.name}.new")).exists():
        unnamed.replace(archive)


def step(title: str, work: Callable[[], None]) -> None:
    """Do one step, and say how long it took."""
    began = time.monotonic()
    say(f"  {title} ...", end="")
    try:
        work()
    except BaseException:
        say(" failed")
        raise
    say(f" {time.monotonic() - began:.0f} s")


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal."""
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
