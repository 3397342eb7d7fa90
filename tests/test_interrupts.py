import os
import signal
from threading import Thread

import pytest

from penstock.interrupts import heard_once, undisturbed


def test_ctrl_c_is_ignored_within_and_heard_again_behind():
    before = signal.getsignal(signal.SIGINT)
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_within_one_is_heard_and_what_is_done_about_it_is_undisturbed():
    before, seen = signal.getsignal(signal.SIGINT), []
    with undisturbed():
        with pytest.raises(KeyboardInterrupt), heard_once():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGINT)
                seen.append("cleared up")
        os.kill(os.getpid(), signal.SIGINT)
        with heard_once():
            seen.append("unheard of")
        os.kill(os.getpid(), signal.SIGINT)
    assert seen == ["cleared up", "unheard of"]
    assert signal.getsignal(signal.SIGINT) is before


def test_on_another_thread_nothing_is_changed():
    before, seen = signal.getsignal(signal.SIGINT), []

    @undisturbed()
    def look():
        with heard_once():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
