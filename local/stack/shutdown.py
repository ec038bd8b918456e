"""The wish to end, from a signal or another thread."""

import os
import select
import signal
import time
from pathlib import Path
from threading import Thread


class ShutdownEvent:
    """As threading.Event, but `set` is safe in a signal handler, where a lock could wait for itself."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    @classmethod
    def on_signals(cls) -> "ShutdownEvent":
        """Set by Ctrl-C, by `kill`, and by the terminal that goes away."""
        end = cls()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: end.set())
        return end

    def set(self) -> None:
        os.write(self._write, b".")

    def is_set(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most `seconds`; returns whether it is."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def follow(self, parent: int) -> None:
        """Set it when `parent`, our parent process, is gone or on its way out.

        `make` killed with -9 tells us nothing, and `make` that alone gets a SIGINT waits for us without a word.
        """

        def watch() -> None:
            while os.getppid() == parent and not _interrupted(parent):
                time.sleep(0.25)
            self.set()

        Thread(target=watch, daemon=True).start()


def _interrupted(pid: int) -> bool:
    """Whether the process is inside of its handler for SIGINT or SIGHUP, which are blocked meanwhile. Linux only."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    return any(blocked & 1 << number - 1 for number in (signal.SIGINT, signal.SIGHUP))
