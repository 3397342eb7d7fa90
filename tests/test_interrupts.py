import os
import signal
from threading import Thread

from penstock.interrupts import undisturbed


def test_ctrl_c_is_ignored_within_and_heard_again_behind():
    before = signal.getsignal(signal.SIGINT)
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_on_another_thread_nothing_is_changed():
    before, seen = signal.getsignal(signal.SIGINT), []

    @undisturbed()
    def look():
        seen.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
