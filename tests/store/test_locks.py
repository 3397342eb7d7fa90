import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.errors import Conflict
from penstock.store.locks import locked

LIB = Path(__file__).parents[2] / "lib"
HOLD = """
import sys, time
from pathlib import Path
from penstock.store.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_was_stopped_with_a_lock_in_hand_is_named_and_who_was_killed_holds_none(tmp_path):
    file = tmp_path / "of" / "table.lock"
    command = [sys.executable, "-c", HOLD, str(file)]
    environment = {**os.environ, "PYTHONPATH": str(LIB)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            holder.send_signal(signal.SIGSTOP)
            with (
                pytest.raises(Conflict, match=f"Process {holder.pid} still holds the lock .*table"),
                locked(file, patience_s=0.2),
            ):
                pass
        finally:
            holder.kill()
        holder.wait()
        with locked(file, patience_s=0.2):
            assert file.read_text() == str(os.getpid())
