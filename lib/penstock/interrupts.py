"""Ctrl-C: where it comes too late, and where it is heard once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C while something is done that takes a moment and must not be told by halves.

    Python hands signals to the main thread only: on another one there is nothing to ignore.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def heard_once() -> Iterator[None]:
    """Within `undisturbed`: let one Ctrl-C be heard, as KeyboardInterrupt.

    What is done about it is undisturbed again: who presses twice would else stop that by halves.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hear(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
